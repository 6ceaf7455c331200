"""What a model was trained on, kept in its bundle as `training.json`, and how unlike that a new video is.

A network gives scores for any video. What it gives for frames of a night, when all it knows are days, means nothing; so
frame size, frame rate, brightness and features of a video are compared with those of the training videos.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.sealed import read_sealed, write_sealed
from augrgb.video.decode import DecodeReport

FILE = "training.json"
SCHEMA = "augrgb.training/1"
_SIZE_FACTOR, _SHAPE_FACTOR, _RATE_FACTOR = 2.0, 1.25, 1.5
_BRIGHTNESS_ROOM = 20.0  # of 255, beyond the darkest and brightest training video
_DISTANCE_FACTOR = 1.5  # of the farthest training video


@dataclass(frozen=True)
class TrainingFacts:
    """What a model was trained on. Ranges are over videos.

    Args:
        classes: Its classes.
        videos: How many training videos.
        hours: Their length.
        places: Cameras and rooms, where the dataset names them.
        people: Number of subjects, where the dataset names them.
        widths, heights, fps: Least and most of the videos' frames.
        brightness: Least and most mean level of a video's frames, 0 to 255.
        feature_mean, feature_std: (C,) of the training snippets' features.
        distance: The largest distance of a training video's features (see `distance_of`), of all but the farthest 5 %.
    """

    classes: tuple[str, ...]
    videos: int
    hours: float
    places: tuple[str, ...]
    people: int
    widths: tuple[int, int]
    heights: tuple[int, int]
    fps: tuple[float, float]
    brightness: tuple[float, float]
    feature_mean: tuple[float, ...] = ()
    feature_std: tuple[float, ...] = ()
    distance: float = math.nan

    def distance_of(self, mean: NDArray[np.floating]) -> float:
        """How far the mean (C,) of a video's features is from that of training, in standard deviations of snippets.

        Root mean square over the channels that vary.
        """
        std = np.asarray(self.feature_std)
        moves = std > 1e-6
        if not moves.any() or len(mean) != len(std):
            return math.nan
        steps = (np.asarray(mean, np.float64)[moves] - np.asarray(self.feature_mean)[moves]) / std[moves]
        return float(np.sqrt(np.mean(steps**2)))

    def unlike(self, report: DecodeReport) -> list[str]:
        """One sentence for each way in which a decoded video is unlike all training videos, with the numbers."""
        found = []
        info = report.info
        if info is not None:
            found += self._unlike_frames(info.width, info.height, info.fps)
        low, high = self.brightness
        level = report.brightness
        if math.isfinite(level) and not low - _BRIGHTNESS_ROOM <= level <= high + _BRIGHTNESS_ROOM:
            word = "darker" if level < low else "brighter"
            found.append(f"{word} than training videos: mean level {level:.0f} of 255, theirs {low:.0f} to {high:.0f}")
        mean = report.feature_mean
        distance = self.distance_of(mean) if mean is not None else math.nan
        if math.isfinite(distance) and math.isfinite(self.distance) and distance > _DISTANCE_FACTOR * self.distance:
            found.append(
                f"features unlike those of training videos: {distance:.2f} standard deviations away, those up to "
                f"{self.distance:.2f}"
            )
        return [f"{text} (scores may mean nothing)" for text in found]

    def _unlike_frames(self, width: int, height: int, fps: float) -> list[str]:
        found = []
        areas = self.widths[0] * self.heights[0], self.widths[1] * self.heights[1]
        shapes = self.widths[0] / self.heights[1], self.widths[1] / self.heights[0]
        trained = f"{_range(self.widths)} x {_range(self.heights)}"
        if not areas[0] / _SIZE_FACTOR**2 <= width * height <= areas[1] * _SIZE_FACTOR**2:
            found.append(f"frames of {width} x {height} pixels, training videos have {trained}")
        elif not shapes[0] / _SHAPE_FACTOR <= width / height <= shapes[1] * _SHAPE_FACTOR:
            found.append(f"frames of another shape, {width} x {height}, training videos have {trained}")
        if fps > 0 and self.fps[0] > 0 and not self.fps[0] / _RATE_FACTOR <= fps <= self.fps[1] * _RATE_FACTOR:
            found.append(f"{fps:.3g} frames a second, training videos have {_range(self.fps)}")
        return found


def write_training_facts(folder: Path, facts: TrainingFacts) -> Path:
    """Write `training.json` into a bundle's folder."""
    path = folder / FILE
    distance = facts.distance if math.isfinite(facts.distance) else None
    write_sealed(path, SCHEMA, {**asdict(facts), "distance": distance})
    return path


def read_training_facts(folder: Path) -> TrainingFacts | None:
    """What a bundle says of its training; None if it says nothing.

    Raises:
        InputRefused: E-MOD-098, not such a file; E-FILE-018, changed since it was written.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    remedy = "Copy the bundle again, or delete this file: then nothing is compared."
    values: dict[str, Any] = read_sealed(path, SCHEMA, dict, what="training facts", code="E-MOD-098", remedy=remedy)
    try:
        pairs = {"widths": int, "heights": int, "fps": float, "brightness": float}
        for name, kind in pairs.items():
            low, high = values[name]
            values[name] = (kind(low), kind(high))
        for name in ("classes", "places"):
            values[name] = tuple(map(str, values[name]))
        for name in ("feature_mean", "feature_std"):
            values[name] = tuple(map(float, values[name]))
        values["distance"] = math.nan if values["distance"] is None else float(values["distance"])
        return TrainingFacts(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputRefused("E-MOD-098", path, f"not what `augrgb fit` writes ({error})", remedy) from error


def with_mean(pieces: Iterable[NDArray[np.float32]], report: DecodeReport) -> Iterator[NDArray[np.float32]]:
    """The same pieces (n, C) of features; their mean is in `report.feature_mean` at the end."""
    total, count = np.zeros(0), 0
    for piece in pieces:
        total = (total if count else np.zeros(piece.shape[1])) + piece.sum(axis=0, dtype=np.float64)
        count += len(piece)
        yield piece
    report.feature_mean = total / count if count else None


def distances(means: Sequence[NDArray[np.floating]], facts: TrainingFacts) -> float:
    """The distance that 95 % of the training videos stay below; NaN without any."""
    found = [facts.distance_of(mean) for mean in means]
    return float(np.quantile(found, 0.95)) if found else math.nan


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3g}" if ends[0] == ends[1] else f"{ends[0]:.3g} to {ends[1]:.3g}"
