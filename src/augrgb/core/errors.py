"""Errors that a user can act on.

Each carries a stable code, where it happened, what was found and what to do; the command line prints
`CODE where: problem. Remedy` without a traceback and exits with `exit_code`. The codes are in `core/error_codes.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from augrgb.core.error_codes import CODES
from augrgb.core.shown import place, printable

_COMPARED = 200


class AugrgbError(Exception):
    """Something that the user can fix.

    Args:
        code: Stable identifier such as `E-VID-003`, one of `augrgb.core.error_codes.CODES`.
        where: The file, video, or recipe key concerned ("" if none).
        problem: What was found and what was expected.
        remedy: What to do about it.

    Raises:
        ValueError: The code is not registered.
    """

    exit_code = 1

    def __init__(self, code: str, where: object, problem: str, remedy: str = "") -> None:
        if code not in CODES:
            raise ValueError(f"error code {code!r} is not registered in augrgb.core.error_codes")
        self.code, self.where, self.problem, self.remedy = code, place(where), printable(problem), printable(remedy)
        super().__init__(code, self.where, self.problem, self.remedy)  # all arguments, so that it survives pickling

    def __str__(self) -> str:
        place = f"{self.code} {self.where}".rstrip()
        problem = self.problem.rstrip(".")
        return f"{place}: {problem}." + (f" {self.remedy}" if self.remedy else "")


class UsageFault(AugrgbError):
    """A wrong recipe, option or command (exit code 2)."""

    exit_code = 2


class InputRefused(AugrgbError):
    """A video, annotation, feature or model file that cannot be used (exit code 3)."""

    exit_code = 3


class Quarantined(AugrgbError):
    """A batch job finished, but left out more items than allowed (exit code 4)."""

    exit_code = 4


class EnvironmentFault(AugrgbError):
    """Disk, memory, driver or a missing optional package (exit code 5)."""

    exit_code = 5


class FaultList(AugrgbError):
    """Several faults found in one pass, reported together."""

    def __init__(self, faults: Iterable[AugrgbError]) -> None:
        self.faults = list(faults)
        first = self.faults[0]
        super().__init__(first.code, first.where, first.problem, first.remedy)
        self.exit_code = max(fault.exit_code for fault in self.faults)

    def __reduce__(self) -> tuple[type[FaultList], tuple[list[AugrgbError]]]:
        return (FaultList, (self.faults,))

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def raise_together(faults: list[AugrgbError]) -> None:
    """Raise nothing, the only fault, or all of them as one `FaultList`."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise FaultList(faults)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"did you mean 'x'?"`, or the list of known names when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:_COMPARED], [n for n in names if len(n) <= _COMPARED], n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"
