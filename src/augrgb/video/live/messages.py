"""What the process that reads a source sends to the process that watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import AugrgbError

HealthKind = Literal[
    "connected", "disconnected", "stalled", "black", "frozen", "gap", "clock_jump", "recovered", "overloaded"
]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One sampled frame.

    Args:
        index: It is on screen at index / fps seconds of the session; an index that is left out has no frame.
        image: (H, W, 3) uint8.
        captured_s: When its packet arrived, on the monotonic clock of the machine.
    """

    index: int
    image: NDArray[np.uint8]
    captured_s: float


@dataclass(frozen=True, slots=True)
class Health:
    """Something about the source itself.

    Args:
        kind: What happened.
        at_s: When, seconds of the session.
        detail: One sentence, without passwords.
        values: Numbers that belong to it.
    """

    kind: HealthKind
    at_s: float
    detail: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beat:
    """The process is alive and not stuck."""


@dataclass(frozen=True, slots=True)
class Ended:
    """There is nothing more.

    Args:
        duration_s: End of the last frame; None for sources that have no end.
        warnings: What was repaired while decoding.
        fault: Why it ended before its end.
    """

    duration_s: float | None
    warnings: tuple[str, ...] = ()
    fault: AugrgbError | None = None


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """To the process that reads: cut these seconds out of what it holds, once they are over.

    Args:
        id: Of the event.
        from_s, to_s: Seconds of the session.
        still_s: The frame to show for it.
        clip, still: Files to write.
    """

    id: str
    from_s: float
    to_s: float
    still_s: float
    clip: Path
    still: Path


@dataclass(frozen=True, slots=True)
class ClipReady:
    """The answer.

    Args:
        id: Of the event.
        clip, still: The files; None where there is none.
        from_s, to_s: What the clip has, seconds of the session.
        problem: Why a file is missing.
    """

    id: str
    clip: Path | None = None
    still: Path | None = None
    from_s: float = 0.0
    to_s: float = 0.0
    problem: str = ""


Message = Frame | Health | Beat | Ended | ClipReady
