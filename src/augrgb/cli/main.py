"""The command line: parse, call a workflow, show. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
import warnings
from types import FrameType

from augrgb.core.errors import AugrgbError


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM: unwinds everything, so that temporary files are removed and runs are saved.

    Not a KeyboardInterrupt, which the argument parser would answer itself, without a word.
    """


def _stop(signum: int, frame: FrameType | None) -> None:
    raise _Stopped(signum)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `augrgb`: one clear message and a meaningful exit code for every fault.

    Exit codes: 0 done; 1 a bug; 2 usage or recipe; 3 input refused; 4 finished, but left out more than allowed;
    5 environment; 130 or 143 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not debug:
        warnings.filterwarnings("ignore", module=r"lightning_fabric.*")
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = _guarded(words, debug)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    sys.exit(code)


def _guarded(words: list[str], debug: bool) -> int:
    try:
        from augrgb.cli.app import app

        app(words, prog_name="augrgb")
    except AugrgbError as fault:
        if debug:
            traceback.print_exc()
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    except _Stopped as stopped:
        number = int(stopped.args[0])
        what = "Interrupted" if number == signal.SIGINT else "Terminated"
        sys.stderr.write(f"{what}. Finished work is kept. Run the same command to resume.\n")
        return 128 + number
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing left to print
        return 0
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug, said as one
        traceback.print_exc()
        sys.stderr.write(f"\nE-BUG-001: {type(error).__name__}: {error}. This is a bug in augrgb; please report it.\n")
        return 1
    return 0


if __name__ == "__main__":
    main()
