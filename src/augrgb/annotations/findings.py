"""One thing found in annotations, videos or features, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from augrgb.core.errors import InputRefused

Action = Literal["refused", "dropped", "clipped", "kept", "noted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a dataset, and what is done about it by default.

    Args:
        code: Stable identifier such as `E-ANN-013`.
        kind: What it is, in the same words for all findings of its kind.
        action: `refused` stops an import; `dropped` and `clipped` are repairs; `kept` and `noted` change nothing.
        where: The video or file concerned.
        detail: What was found there.
    """

    code: str
    kind: str
    action: Action
    where: str
    detail: str

    @property
    def is_repair(self) -> bool:
        """Whether an event was changed."""
        return self.action in ("dropped", "clipped")

    def as_fault(self, place: object = None) -> InputRefused:
        """The finding as an error; `place` (a file) is put before the video."""
        where = self.where if place is None else f"{place} {self.where}"
        return InputRefused(self.code, where, f"{self.kind}: {self.detail}" if self.detail else self.kind)
