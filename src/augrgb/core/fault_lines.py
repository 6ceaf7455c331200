"""Many faults as few lines: equal ones are one line with a count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augrgb.core.errors import AugrgbError

_SINGLE = 3
"""Up to this many faults of one kind that differ in a name or number have a line each."""
_PLACES = 5
_VARYING = re.compile(r"""'[^']*'|"[^"]*"|\S*/\S*|\d+(\.\d+)?""")


def fault_lines(faults: Sequence[AugrgbError], names: Sequence[str] = ()) -> list[str]:
    """Messages for people, in order: faults that say the same of several places are one line.

    Faults are of one kind if they differ only in quoted names, numbers and paths. More than three of a kind are the
    first of them, a count and further places.

    Args:
        faults: Single faults (the parts of a `FaultList`, not the list itself).
        names: What each fault is about, such as a video, if that is not the fault's own place.

    >>> from augrgb.core.errors import InputRefused
    >>> faults = [InputRefused("E-VID-001", f"{name}.mp4", "the file is empty (0 bytes)") for name in "abcd"]
    >>> fault_lines(faults)
    ['E-VID-001 a.mp4: the file is empty (0 bytes). The same of 3 more: b.mp4, c.mp4, d.mp4.']
    """
    kinds: dict[tuple[str, str, str], list[tuple[str, AugrgbError]]] = {}
    for number, fault in enumerate(faults):
        text, remedy = (_VARYING.sub("_", part) for part in (fault.problem, fault.remedy))
        kinds.setdefault((fault.code, text, remedy), []).append((names[number] if names else "", fault))
    lines: list[str] = []
    for found in kinds.values():
        same = len({(fault.problem, fault.remedy) for _, fault in found}) == 1
        if len(found) > (1 if same else _SINGLE):
            places = list(dict.fromkeys(name or fault.where for name, fault in found[1:]))
            more = ", ".join(place or "?" for place in places[:_PLACES]) + (", ..." if len(places) > _PLACES else "")
            rest = f"The same of {len(found) - 1} more" if same else f"{len(found) - 1} more like it"
            lines.append(f"{_line(*found[0])} {rest}: {more}.")
        else:
            lines += [_line(name, fault) for name, fault in found]
    return list(dict.fromkeys(lines))


def _line(name: str, fault: AugrgbError) -> str:
    return f"{name}: {fault}" if name else str(fault)
