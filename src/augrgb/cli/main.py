"""The command line: parse, call a workflow, show. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import signal
import sys
import time
import traceback
import warnings
from types import FrameType
from typing import TextIO

from augrgb.core.errors import AugrgbError, EnvironmentFault, UsageFault

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]
"""Ctrl-C, and what schedulers send."""
_PATIENCE_S = 10.0
_MOST_WARNINGS = 10_000
_LONGEST_WORD = 2**14
"""Characters of an argument. The argument parser quotes what it refuses, whatever its length."""


class _Stopped(BaseException):
    """One of `_SIGNALS`: unwinds everything, so that temporary files are removed and runs are saved.

    Not a KeyboardInterrupt, which the argument parser would answer itself, without a word.
    """


class _Stopper:
    """Stops at the first signal. While that is being tidied up, further ones are not heard, until patience ends."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether there was a signal."""
        return self._since_s is not None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
            raise _Stopped(signum)
        if now_s - self._since_s > _PATIENCE_S:
            os._exit(130 if signum == signal.SIGINT else 143)


class _Once(logging.Filter):
    """Lets a warning pass once: a folder is searched by several parts of one command, and each says what it skips."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to print a record."""
        if record.levelno < logging.WARNING or len(self._said) >= _MOST_WARNINGS:
            return True
        text = record.getMessage()
        new = text not in self._said
        self._said.add(text)
        return new


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `augrgb`: one clear message and a meaningful exit code for every fault.

    Exit codes: 0 done; 1 a bug; 2 usage or recipe; 3 input refused; 4 finished, but left out more than allowed;
    5 environment; 130 interrupted by Ctrl-C; 143 ended by the system (SIGTERM, SIGUSR1), both after a clean save.
    """
    _open_closed_outputs()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    for number, word in enumerate(words, 1):
        if len(word) > _LONGEST_WORD:
            problem = f"has {len(word)} characters, of which nothing here takes more than {_LONGEST_WORD}"
            sys.exit(_refused(UsageFault("E-CFG-003", f"argument {number}", problem, "Put it into a recipe file.")))
        if not word:  # a path would be the folder in which we are
            remedy = "Is a variable of the shell not set?"
            sys.exit(_refused(UsageFault("E-CFG-003", f"argument {number}", "is empty", remedy)))
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not debug:
        warnings.filterwarnings("ignore", module=r"lightning_fabric.*")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that this terminal cannot show are escaped, not refused
            stream.reconfigure(errors="backslashreplace")
    filters = [(handler, _Once()) for handler in logging.getLogger().handlers]
    for handler, once in filters:
        handler.addFilter(once)
    stopper = _Stopper()
    before = {number: signal.signal(number, stopper) for number in _SIGNALS}
    try:
        code = _guarded(words, debug)
    finally:
        for handler, once in filters:
            handler.removeFilter(once)
        for number, previous in before.items():  # once stopped, nothing more is heard while Python ends
            signal.signal(number, signal.SIG_IGN if stopper.stopped else previous)
    sys.exit(code)


def _open_closed_outputs() -> None:
    """Where a caller has closed an output (`>&-`) it goes nowhere, and no file of ours takes its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)  # the lowest number that is free
            setattr(sys, name, io.TextIOWrapper(io.FileIO(nowhere, "w", closefd=False), "utf-8", line_buffering=True))


def _guarded(words: list[str], debug: bool) -> int:
    try:
        from augrgb.cli.app import app

        app(words, prog_name="augrgb")
    except AugrgbError as fault:
        if debug:
            traceback.print_exc()
        if not fault.said_elsewhere:
            sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    except _Stopped as stopped:
        number = int(stopped.args[0])
        what = "Interrupted" if number == signal.SIGINT else "Terminated"
        sys.stderr.write(f"{what}. Finished work is kept. Run the same command to resume.\n")
        return 130 if number == signal.SIGINT else 143
    except BrokenPipeError:
        _abandon(sys.stdout)  # the reader of our output has gone: nothing left to print
        return 0
    except OSError as error:
        if debug:
            traceback.print_exc()
        return _refused(_system_fault(error))
    except MemoryError:
        if debug:
            traceback.print_exc()
        return _refused(_no_memory())
    except SystemExit as ending:
        return _flushed(ending.code if isinstance(ending.code, int) else int(ending.code is not None))
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug, said as one
        if isinstance(error, RuntimeError) and "allocate memory" in str(error):  # PyTorch's MemoryError
            return _refused(_no_memory())
        traceback.print_exc()
        what = f"{type(error).__name__}: {str(error)[:1000]}"
        sys.stderr.write(f"\nE-BUG-001: {what}. This is a bug in augrgb; please report it.\n")
        return 1
    return _flushed(0)


def _flushed(code: int) -> int:
    """The exit code, or another if the results did not reach the output."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon(sys.stdout)
    except (OSError, ValueError) as error:
        fault = _system_fault(error if isinstance(error, OSError) else OSError(errno.EBADF, str(error)))
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return code


def _refused(fault: AugrgbError) -> int:
    sys.stderr.write(f"{fault}\n")
    return fault.exit_code


def _no_memory() -> AugrgbError:
    remedy = "Use a smaller input, batch or network, or fewer --workers."
    return EnvironmentFault("E-ENV-008", "memory", "this machine has not enough for it", remedy)


def _system_fault(error: OSError) -> AugrgbError:
    """What the system refused at a place that has no message for it, such as the output of this command."""
    from augrgb.core.opening import unreadable

    if error.filename is not None:
        return unreadable(os.fsdecode(error.filename) if not isinstance(error.filename, int) else "file", error)
    _abandon(sys.stdout)
    if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF):
        return EnvironmentFault("E-ENV-007", "output", f"cannot write the output ({error.strerror})", "Redirect it.")
    return EnvironmentFault("E-ENV-007", "system", f"{error.strerror or error}", "Check the machine, and retry.")


def _abandon(stream: TextIO) -> None:
    """Give up an output that cannot be written, so that Python does not fail once more when it closes it."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    main()
