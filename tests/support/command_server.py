"""Runs `augrgb` commands in forked processes, which start at once and can be killed: `python command_server.py`.

Reads lines `FOLDER<tab>LOG<tab>WORD<tab>...` and answers each with the process id and, later, its exit code.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

from support.places import ROOT


class CommandServer:
    """The other end, in the test."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        self._process: Any = subprocess.Popen(
            [sys.executable, __file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, folder: Path, words: list[str]) -> int:
        """Begin a command in a folder; returns the process, which leads a group of its own."""
        self._process.stdin.write("\t".join([str(folder), str(folder / "log"), *words]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> int:
        """The exit code of the command; that of a signal is negative."""
        return int(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def _run(folder: str, log: str, words: list[str]) -> None:
    from augrgb.cli.main import main

    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    sys.modules["__main__"] = types.ModuleType("__main__")  # workers must not start another server
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), line_buffering=True)
    main(words)


def _serve() -> None:
    import torch

    import augrgb.cli.app
    import augrgb.pipelines.api
    import augrgb.server.app  # noqa: F401 - loaded once, for all commands
    from augrgb.pipelines.fitting import plan

    torch.set_num_threads(1)
    plan.ENCODER_STEPS, plan.STREAM_STEPS = 8, 10
    while line := sys.stdin.readline():
        folder, log, *words = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            code: Any = 99
            try:
                _run(folder, log, words)
            except SystemExit as ending:
                code = ending.code or 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        sys.__stdout__.write(f"{child}\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]
        _, status = os.waitpid(child, 0)
        sys.__stdout__.write(f"{os.waitstatus_to_exitcode(status)}\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    _serve()
