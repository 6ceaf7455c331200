"""A kept sample: a short clip and what the model gave for it, so that an export can be tested where it runs.

sample.mp4    moving noise
sample.json   scores and events that the bundle gave for it with torch, from the raw file
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.files import write_json
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json
from augrgb.inference.detector import Detector
from augrgb.inference.export.folder import is_export
from augrgb.inference.video_detections import VideoDetections

SAMPLE_VIDEO, SAMPLE_RESULT = "sample.mp4", "sample.json"
SCHEMA = "augrgb.sample/1"
ROOM = 1e-3
"""Scores may differ by this much from the machine that exported: decoders scale frames with other instructions."""


@dataclass(frozen=True)
class SelfTest:
    """A passed test: snippets and events compared, and the largest difference of a score."""

    snippets: int
    events: int
    difference: float


def write_sample(folder: Path, detect: Callable[..., VideoDetections]) -> None:
    """Write what a detector gives for the sample, which is there already."""
    scores = detect(folder / SAMPLE_VIDEO).scores
    threshold = _quiet_threshold(scores)
    found = detect(folder / SAMPLE_VIDEO, min_score=threshold)
    values = {
        "schema": SCHEMA,
        "min_score": threshold,
        "raw_scores": [[float(value) for value in row] for row in found.raw_scores],
        "scores": [[float(value) for value in row] for row in found.scores],
        "events": [[one.label, one.start_s, one.end_s] for one in found.detections],
    }
    write_json(folder / SAMPLE_RESULT, values)


def run_self_test(folder: Path | str) -> SelfTest:
    """Detect in the kept sample with an exported model, from the raw file to the events, and compare.

    Raises:
        InputRefused: E-MOD-038, there is no sample; E-MOD-039, the result differs. See also `Detector`.
    """
    folder = Path(folder)
    if not is_export(folder):
        raise InputRefused("E-MOD-038", folder, "is not an exported model", "Run `augrgb export` first.")
    if not is_file(folder / SAMPLE_VIDEO) or not is_file(folder / SAMPLE_RESULT):
        raise InputRefused("E-MOD-038", folder, "has no sample to test itself with", "Run `augrgb export` again.")
    values = read_json(folder / SAMPLE_RESULT, "sample")
    try:
        if values["schema"] != SCHEMA:
            raise ValueError(f"schema {values['schema']!r}")
        expected = [np.array(values[name], np.float64) for name in ("raw_scores", "scores")]
        events, threshold = [tuple(event) for event in values["events"]], float(values["min_score"])
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{SAMPLE_RESULT} is not what `augrgb export` writes ({error})"
        raise InputRefused("E-MOD-038", folder, problem, "Run `augrgb export` again.") from error
    found = Detector(folder, "cpu")(folder / SAMPLE_VIDEO, min_score=threshold)
    if found.raw_scores.shape != expected[0].shape:
        problem = f"{found.raw_scores.shape} scores instead of {expected[0].shape}"
        raise InputRefused("E-MOD-039", folder, problem, "Update PyAV and onnxruntime, or export again.")
    raw = np.abs(found.raw_scores.astype(np.float64) - expected[0]).max()
    difference = float(max(raw, np.abs(found.scores - expected[1]).max()))
    same = [(one.label, one.start_s, one.end_s) for one in found.detections] == events
    if not difference <= ROOM or not same:
        problem = f"scores of the sample differ by {difference:.2g} (at most {ROOM:g})"
        problem = problem if not difference <= ROOM else "events of the sample differ"
        raise InputRefused("E-MOD-039", folder, problem, "Update PyAV and onnxruntime, or export again.")
    return SelfTest(len(found.scores), len(events), difference)


def _quiet_threshold(scores: NDArray[np.float64]) -> float:
    """The middle of the widest gap between scores, so that rounding moves no event."""
    levels = np.unique(scores)
    if len(levels) < 2:
        return float(levels[0]) / 2
    place = int(np.diff(levels).argmax())
    return float(levels[place] + levels[place + 1]) / 2
