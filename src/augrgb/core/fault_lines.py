"""Many faults as few lines: equal ones are one line with a count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augrgb.core.errors import AugrgbError

_EQUAL, _ALIKE = 2, 5
"""Up to this many faults that are equal, or alike but for a name or number, have a line each."""
_PLACES = 5
_VARYING = re.compile(r"""'[^']*'|"[^"]*"|\S*/\S*|\d+(\.\d+)?""")
_NUMBERS = re.compile(r"\S*/\S*|\d+(\.\d+)?")


def fault_lines(faults: Sequence[AugrgbError], names: Sequence[str] = ()) -> list[str]:
    """Messages for people, in order: faults that say the same of several places are one line.

    Faults are alike if their messages differ only in quoted names, numbers and paths, and the remedies only in numbers
    and paths. Three equal ones, or six that are alike, are the first of them, a count and further places.

    Args:
        faults: Single faults (the parts of a `FaultList`, not the list itself).
        names: What each fault is about, such as a video, if that is not the fault's own place.

    >>> from augrgb.core.errors import InputRefused
    >>> faults = [InputRefused("E-VID-001", f"{name}.mp4", "the file is empty (0 bytes)") for name in "abcd"]
    >>> fault_lines(faults)
    ['E-VID-001 a.mp4: the file is empty (0 bytes). The same of 3 more: b.mp4, c.mp4, d.mp4.']
    """
    kinds: dict[tuple[str, str, str], list[int]] = {}
    for number, fault in enumerate(faults):
        key = fault.code, _VARYING.sub("_", fault.problem), _NUMBERS.sub("_", fault.remedy)
        kinds.setdefault(key, []).append(number)
    lines = {number: _line(names[number] if names else "", fault) for number, fault in enumerate(faults)}
    for found in kinds.values():
        equal = len({(faults[number].problem, faults[number].remedy) for number in found}) == 1
        if len(found) <= (_EQUAL if equal else _ALIKE):
            continue
        for number in found[1:]:
            del lines[number]
        places = list(dict.fromkeys(names[number] if names else faults[number].where for number in found[1:]))
        more = ", ".join(place or "?" for place in places[:_PLACES]) + (", ..." if len(places) > _PLACES else "")
        rest = f"The same of {len(found) - 1} more" if equal else f"{len(found) - 1} more like it"
        lines[found[0]] += f" {rest}: {more}."
    return list(dict.fromkeys(lines.values()))


def _line(name: str, fault: AugrgbError) -> str:
    return f"{name}: {fault}" if name else str(fault)
