"""Errors that a user can act on.

Each carries a stable code, where it happened, what was found and what to do; the command line prints
`CODE where: problem. Remedy` without a traceback and exits with `exit_code`. The codes are in `core/error_codes.py`.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

from augrgb.core.error_codes import CODES
from augrgb.core.fault_lines import fault_lines
from augrgb.core.shown import place, printable

_COMPARED, _MOST_NAMES, _LISTED, _HINTS = 200, 2000, 20, 20
_LONGEST, _END = 4000, 400


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
    said_elsewhere = False
    """Another process of the same job prints it."""

    def __init__(self, code: str, where: object, problem: str, remedy: str = "") -> None:
        if code not in CODES:
            raise ValueError(f"error code {code!r} is not registered in augrgb.core.error_codes")
        self.code, self.where, self.problem, self.remedy = code, place(where), _bounded(problem), _bounded(remedy)
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
    """Several faults found in one pass, reported together; as text, equal ones are one line."""

    def __init__(self, faults: Iterable[AugrgbError]) -> None:
        self.faults = list(faults)
        first = self.faults[0]
        super().__init__(first.code, first.where, first.problem, first.remedy)
        self.exit_code = max(fault.exit_code for fault in self.faults)

    def __reduce__(self) -> tuple[type[FaultList], tuple[list[AugrgbError]]]:
        return (FaultList, (self.faults,))

    def __str__(self) -> str:
        return "\n".join(fault_lines(self.faults))


def _bounded(text: str) -> str:
    """Printable text; of a very long one the beginning and the end, for it may quote anything."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _END]} ... {text[-_END:]}"
    return printable(text)


def raise_together(faults: list[AugrgbError]) -> None:
    """Raise nothing, the only fault, or all of them as one `FaultList`."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise FaultList(faults)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"did you mean 'x'?"`, or the list of known names when none is near.

    Its cost is bounded: of very many names only some are compared, and few are listed. For many unknown names of one
    file there is `Hints`.
    """
    names = sorted(itertools.islice(known, _MOST_NAMES))
    short = [one for one in names if len(one) <= _COMPARED]
    near = difflib.get_close_matches(name[:_COMPARED], short, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"known: {', '.join(names[:_LISTED]) or 'none'}{rest}"


class Hints:
    """`did_you_mean` for the many unknown names of one file: only the first get one, so the cost stays linear.

    Args:
        known: The names that would have been right.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known, self._left = known, _HINTS

    def __call__(self, name: str) -> str:
        """The hint for one name; "" after the first few."""
        if not self._left:
            return ""
        self._left -= 1
        return did_you_mean(name, self._known)
