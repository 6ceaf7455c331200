"""How optical flow is made and stored. An encoder says which flow it sees; tracks and features are made like that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from augrgb.core.errors import UsageFault

DEFAULT_BOUND = 127 / 16


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """One way to make flow.

    Args:
        method: A name of `augrgb.video.flow.FLOW_METHODS`.
        bound: Pixels of the track's own size, along each axis, at which stored flow saturates. Flow is stored as int8,
            so a wide bound is a coarse one: steps of `bound / 127` pixels. 20 is usual.
        weights: Weights file, for methods that have one; where it lies makes no difference, also to equality.
        sha256: Hex SHA-256 that this file must have.

    Raises:
        UsageFault: E-CFG-003, the bound is not a positive number.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    method: str = "dis"
    bound: float = DEFAULT_BOUND
    weights: str | None = field(default=None, compare=False)
    sha256: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bound) and self.bound > 0):
            raise UsageFault("E-CFG-003", "flow.bound", f"must be a positive number of pixels, got {self.bound}")

    @property
    def steps_per_pixel(self) -> float | int:
        """int8 steps per pixel of the track's own size; 16 with the default bound."""
        steps = 127 / self.bound
        return round(steps) if steps == round(steps) else steps

    def options(self) -> dict[str, Any]:
        """What an encoder's options say: what is not the default."""
        default = asdict(FlowSettings())
        return {key: value for key, value in asdict(self).items() if value != default[key]}

    @classmethod
    def of(cls, value: FlowSettings | Mapping[str, Any] | None) -> FlowSettings:
        """Settings from an encoder's option `flow`; None = the defaults."""
        if value is None or isinstance(value, FlowSettings):
            return value or cls()
        return cls(**value)
