"""Snippet features of one video, and what any folder of them can do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.file_rows import FileRows
from augrgb.core.timeline import Clock


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """Features of one video: values (T, C) float32, finite, on a clock.

    `stored` are the same numbers as they lie in the file, if that is possible, float16 or float32: they can be kept at
    no cost, and are read again when they are needed.
    """

    values: NDArray[np.float32]
    clock: Clock
    stored: FileRows | None = None


class FeatureFolder(Protocol):
    """One modality's features of many videos."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def clock(self) -> Clock:
        """Time base of every video in it."""

    @property
    def dim(self) -> int:
        """Feature width C."""

    def ids(self) -> tuple[str, ...]:
        """Ids of its videos, sorted."""

    def has(self, video_id: str) -> bool:
        """Whether a video is there."""

    def read(self, video_id: str) -> VideoFeatures:
        """Features of a video."""


def kept_in_file(rows: FileRows | None) -> FileRows | None:
    """The rows (T, C), if they are plain floats."""
    plain = rows is not None and rows.ndim == 2 and rows.dtype in (np.dtype(np.float16), np.dtype(np.float32))
    return rows if plain else None


def as_float32(where: object, values: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers of any kind and byte order as finite C-ordered float32.

    Raises:
        InputRefused: E-FEA-018 (not numbers), E-FEA-005 (NaN, infinite or overflowing, with the first place).
    """
    if values.dtype.kind not in "fiu":
        raise InputRefused("E-FEA-018", where, f"holds {values.dtype}, not real numbers")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(values, dtype=np.float32)
    finite = np.isfinite(result)
    if not finite.all():
        place = tuple(int(axis) for axis in np.argwhere(~finite)[0])
        problem = f"{values[place]} at snippet {place[0]}, channel {place[1]} (first of {int((~finite).sum())})"
        if values.dtype == np.float16 and np.isinf(values[place]):
            problem += "; float16 overflows beyond 65504"
        raise InputRefused("E-FEA-005", where, f"not finite: {problem}", "Extract it again.")
    return result


def missing_features(folder: Path, video_id: str, known: Collection[str]) -> InputRefused:
    """The error of a video without features."""
    return InputRefused("E-FEA-002", folder, f"no features of video {video_id!r}", did_you_mean(video_id, known))
