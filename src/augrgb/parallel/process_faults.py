"""What can happen to a process, each with one code and one message: it died, ran out of memory, or out of time.

An item that was processed under limits is itself at fault, and refused; trusted work is not, so there the machine is.
"""

from __future__ import annotations

import signal

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused

_REFUSED = "Check or re-encode the file, or leave it out."
_RESUME = "The same command continues from what is finished."


def worker_died(where: object, ending: int | str | None, *, attempts: int, limited: bool) -> AugrgbError:
    """E-JOB-001 (the item's fault) or E-JOB-004: the process crashed or was killed, as often as it was tried.

    Args:
        where: The item or job that it worked on.
        ending: Its exit code, or words for how it ended.
        attempts: How often that happened.
        limited: Whether the item is at fault.
    """
    how = ending if isinstance(ending, str) else _ending(ending)
    problem = f"its process died ({how}){_times(attempts)}"
    if limited:
        return InputRefused("E-JOB-001", where, problem, _REFUSED)
    return EnvironmentFault("E-JOB-004", where, problem, f"If memory ran out, use fewer workers. {_RESUME}")


def out_of_memory(where: object, *, limited: bool) -> AugrgbError:
    """E-JOB-002 (the item's fault) or E-JOB-005: it needs more memory than its limit, or than there is."""
    if limited:
        problem = "needs more memory than one file may take"
        return InputRefused("E-JOB-002", where, problem, "Scale it down first, or leave it out.")
    return EnvironmentFault("E-JOB-005", where, "out of memory", f"Use fewer workers. {_RESUME}")


def out_of_time(where: object, timeout_s: float, *, attempts: int) -> AugrgbError:
    """E-JOB-003: it gave no result in its time."""
    problem = f"gave no result in {timeout_s:.0f} s{_times(attempts)}"
    return InputRefused("E-JOB-003", where, problem, _REFUSED)


def _times(attempts: int) -> str:
    return f", {attempts} times" if attempts > 1 else ""


def _ending(code: int | None) -> str:
    """An exit code in words, with the signal's name.

    >>> _ending(-9)
    'exit code -9, SIGKILL'
    """
    try:
        return f"exit code {code}, {signal.Signals(-(code or 0)).name}"
    except ValueError:
        return f"exit code {code}"
