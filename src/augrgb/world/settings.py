"""What a world is made of: sizes, who appears how often, and the strength of each nuisance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from augrgb.core.errors import AugrgbError, UsageFault, did_you_mean, raise_together

GENERATOR_VERSION = 1
"""Raised whenever the same settings would give other bytes, so that old and new videos never mix in one folder."""

_STRENGTHS = ("clutter", "occlusion", "lighting", "clothing", "sensor_noise", "joint_dropout")
_COUNTS = ("train_subjects", "test_subjects", "train_cameras", "test_cameras")


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Settings of an embedded world; with `seed` they determine every byte of it.

    Args:
        seed: Seed of everything random.
        width, height: Frame size in pixels, even.
        fps: Frames per second of videos and poses.
        duration_s: Length of each video in seconds.
        encoder, encoder_unlabelled, train, unlabelled, val, test: Videos per role (`test`: per kind of split).
        train_subjects, test_subjects: Simulated people for training and for `cross_subject` tests.
        train_cameras, test_cameras: Views for training and for `cross_view` tests.
        figure_size: Share of the frame's height that a standing person of 1.75 m takes.
        object_size: Scale of objects held in the hand; 1 = slightly larger than life.
        clutter: Furniture, images and texture of the room, 0 (an empty room) to 1.
        occlusion: Things between camera and person: 0 (never) to 1 (always, and large).
        lighting: Variation of brightness, direction, color temperature and flicker, 0 to 1.
        clothing: Variation of colors and patterns between videos, 0 (everybody wears the same) to 1.
        sensor_noise: Noise and blur of the RGB camera, 0 to 1.
        style_spread: How far people and repetitions differ in proportions, tempo, amplitude and habits; 1 = realistic.
        joint_noise_m: Standard deviation of a measured joint in meters (1.5 times that in depth).
        joint_dropout: Share of joints that the pose sensor misses in free view (four times that when hidden).
        joint_swap: Share of time in which the pose sensor confuses left and right of arms or of legs.
        frame_dropout: Share of time in which the pose sensor sees no person.

    Raises:
        UsageFault: E-WLD-002 for each value out of range, all together.
    """

    seed: int = 0
    width: int = 160
    height: int = 120
    fps: float = 15.0
    duration_s: float = 30.0
    encoder: int = 20
    encoder_unlabelled: int = 60
    train: int = 12
    unlabelled: int = 36
    val: int = 8
    test: int = 12
    train_subjects: int = 8
    test_subjects: int = 4
    train_cameras: int = 3
    test_cameras: int = 2
    figure_size: float = 0.95
    object_size: float = 2.0
    clutter: float = 0.2
    occlusion: float = 0.1
    lighting: float = 0.25
    clothing: float = 0.5
    sensor_noise: float = 0.2
    style_spread: float = 1.0
    joint_noise_m: float = 0.08
    joint_dropout: float = 0.15
    joint_swap: float = 0.08
    frame_dropout: float = 0.05

    def __post_init__(self) -> None:
        faults: list[AugrgbError] = []

        def require(good: bool, name: str, rule: str) -> None:
            if not good:
                found = getattr(self, name)
                faults.append(UsageFault("E-WLD-002", f"world.{name}", f"must be {rule}, got {found!r}"))

        for name in ("width", "height"):
            require(getattr(self, name) >= 32 and getattr(self, name) % 2 == 0, name, "even and at least 32")
        require(math.isfinite(self.fps) and 1 <= self.fps <= 120, "fps", "between 1 and 120")
        require(math.isfinite(self.duration_s) and self.duration_s >= 5, "duration_s", "at least 5 seconds")
        for name in ("encoder", "encoder_unlabelled", "train", "unlabelled", "val", "test"):
            require(getattr(self, name) >= 0, name, "0 or more")
        for name in _COUNTS:
            require(1 <= getattr(self, name) <= 99, name, "between 1 and 99")
        require(0.2 <= self.figure_size <= 1.0, "figure_size", "between 0.2 and 1")
        require(0 < self.object_size <= 4, "object_size", "above 0 and at most 4")
        for name in _STRENGTHS:
            require(0 <= getattr(self, name) <= 1, name, "between 0 and 1")
        require(0 <= self.style_spread <= 3, "style_spread", "between 0 and 3")
        require(0 <= self.joint_noise_m <= 0.5, "joint_noise_m", "between 0 and 0.5 meters")
        for name in ("joint_swap", "frame_dropout"):
            require(0 <= getattr(self, name) <= 0.9, name, "between 0 and 0.9")
        raise_together(faults)

    @property
    def num_frames(self) -> int:
        """Frames of each video."""
        return round(self.duration_s * self.fps)

    def to_json(self) -> dict[str, Any]:
        """Plain values, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> WorldSettings:
        """Settings from plain values.

        Raises:
            UsageFault: E-WLD-003 for a name that is no setting, E-WLD-002 for a value out of range.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in known]
        raise_together(
            [UsageFault("E-WLD-003", f"world.{n}", "no such setting", did_you_mean(n, known)) for n in unknown]
        )
        return cls(**values)
