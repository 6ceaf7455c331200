"""Scores of many videos in one file, and their late fusion.

One `.safetensors` file holds a (T, K) float64 tensor per video; its metadata carries clock and classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from augrgb.core.arrays import open_tensors
from augrgb.core.errors import InputRefused
from augrgb.core.files import write_bytes
from augrgb.core.plain_data import parse_json
from augrgb.core.timeline import Clock
from augrgb.detection.late_fusion import late_fusion


@dataclass(frozen=True)
class Predictions:
    """Class scores of videos on one clock.

    Args:
        classes: K names.
        clock: Time base of every track.
        scores: video id -> (T, K) in [0, 1].
    """

    classes: tuple[str, ...]
    clock: Clock
    scores: Mapping[str, NDArray[np.floating[Any]]]


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write one file atomically."""
    about = {"classes": predictions.classes, "clock": predictions.clock.to_json()}
    metadata = {"augrgb": json.dumps(about, sort_keys=True)}  # one key: the library writes several in any order
    tensors = {name: np.ascontiguousarray(scores, np.float64) for name, scores in sorted(predictions.scores.items())}
    write_bytes(path, save(tensors, metadata))


def load_predictions(path: Path) -> Predictions:
    """Read a file of `save_predictions`.

    Raises:
        InputRefused: Absent, truncated, or not such a file.
    """
    try:
        with open_tensors(path, what="predictions file") as file:
            about = parse_json((file.metadata() or {})["augrgb"], path)
            scores = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return Predictions(tuple(about["classes"]), Clock(**about["clock"]), scores)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputRefused("E-DET-013", path, f"not a complete predictions file ({error})", "Make it again.") from error


def fuse(members: Sequence[Predictions]) -> Predictions:
    """Late fusion: the mean of the members' scores on the first member's clock, aligned by time.

    Where a member has no snippet near in time, the mean is taken over the others.

    Raises:
        InputRefused: The members know different classes or videos.
    """
    first = members[0]
    for other in members[1:]:
        if other.classes != first.classes:
            raise InputRefused("E-MOD-005", "fusion", "the streams know different classes, or in another order")
        if set(other.scores) != set(first.scores):
            differing = sorted(set(other.scores) ^ set(first.scores))
            raise InputRefused("E-DET-011", "fusion", f"scored by one stream only: {', '.join(differing[:5])}")
    fused = {
        name: late_fusion([(member.scores[name], member.clock) for member in members], first.clock, len(scores))[0]
        for name, scores in first.scores.items()
    }
    return Predictions(first.classes, first.clock, fused)
