"""What is known of each run of a report: its predictions, measures, and kinds of mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from augrgb.core.errors import UsageFault
from augrgb.core.types import Dataset, Detection
from augrgb.detection.event_rule import EventRule, find_events
from augrgb.detection.pipeline import deciding_scores
from augrgb.detection.predictions import Predictions
from augrgb.inference.thresholds import read_thresholds
from augrgb.metrics.error_analysis import (
    KINDS,
    Diagnosis,
    PrecisionRecall,
    confusion,
    diagnose,
    map_by_duration,
    precision_recall,
)
from augrgb.metrics.evaluation import MetricResult, mostly_ignored
from augrgb.metrics.segments import Segments, segments_of_detections, segments_of_events
from augrgb.metrics.tiou_map import clean_truth
from augrgb.workflows.evaluate import detections_of, evaluate_predictions, predict_run, result_to_json


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run and its verdict.

    Args:
        name: Short and unlike the others'.
        predictions: Scores of all videos.
        results: By protocol.
        ranked: All detections, outside ignored regions.
        final: The events that `augrgb detect` would show, by video.
        shown: The same as segments, outside ignored regions.
        diagnosis, curves: Of the ranked detections.
        left_aside: Detections in ignored regions.
    """

    name: str
    predictions: Predictions
    results: tuple[MetricResult, ...]
    ranked: Segments
    final: dict[str, list[Detection]]
    shown: Segments
    diagnosis: Diagnosis
    curves: tuple[PrecisionRecall, ...]
    left_aside: int


def judge_runs(
    runs: Sequence[Path], split: str, role: str, threshold: float, allow_missing: int
) -> tuple[list[JudgedRun], Dataset, tuple[str, ...], Segments]:
    """What is known of each run, the dataset, its labelled videos of the role, and their events."""
    predicted = [predict_run(run, split=split, role_name=role, allow_missing=allow_missing) for run in runs]
    _, dataset, videos = predicted[0]
    if any(other.videos != dataset.videos for _, other, _ in predicted[1:]):
        raise UsageFault("E-RUN-007", ", ".join(map(str, runs)), "these runs are of different datasets")
    labelled = tuple(video for video in videos if dataset.videos[video].events is not None)
    index, classes = _index(labelled), _index(dataset.classes)
    events = {video: dataset.videos[video].events or () for video in labelled}
    truth = clean_truth(segments_of_events(events, index, classes))
    members = []
    regions = {video: dataset.videos[video].ignored for video in labelled}
    for name, run, (predictions, _, _) in zip(_names(runs), runs, predicted, strict=True):
        every = [one for one in detections_of(predictions, dataset) if one.video_id in index]
        known_ones = [one for one in every if not mostly_ignored(one, regions[one.video_id])]
        ranked = segments_of_detections(known_ones, index, classes)
        final = _final(run, predictions, dataset)
        at_work = [one for video, found in final.items() if video in index for one in found]
        shown = segments_of_detections(
            [one for one in at_work if not mostly_ignored(one, regions[one.video_id])], index, classes
        )
        results = evaluate_predictions(predictions, dataset, labelled)
        diagnosis = diagnose(ranked, truth, threshold=threshold)
        curves = precision_recall(ranked, truth, threshold=threshold)
        members.append(
            JudgedRun(name, predictions, results, ranked, final, shown, diagnosis, curves, len(every) - len(known_ones))
        )
    return members, dataset, labelled, truth


def duration_edges(truth: Segments) -> list[float]:
    """Borders of at most four ranges with about equally many events, one decimal."""
    length = truth.end - truth.start
    inner = sorted({round(float(edge), 1) for edge in np.quantile(length, (0.25, 0.5, 0.75))} - {0.0})
    inner = [edge for edge in inner if length.min() < edge <= length.max()]
    return [0.0, *inner, round(float(length.max()) + 0.1, 1)]


def numbers_of(
    one: JudgedRun, folder: str, classes: Sequence[str], truth: Segments, threshold: float
) -> dict[str, Any]:
    """The numbers behind the figures of a run."""
    edges = duration_edges(truth)
    by_duration = map_by_duration(one.ranked, truth, edges, threshold=threshold)
    errors = {"start": one.diagnosis.start_error_s, "end": one.diagnosis.end_error_s}
    return {
        "name": one.name,
        "folder": folder,
        "results": [result_to_json(result) for result in one.results],
        "detections_in_ignored_regions": one.left_aside,
        "average_precision": {classes[curve.label]: curve.ap for curve in one.curves},
        "mistakes": {
            "of_the_best": dict(zip(KINDS, one.diagnosis.kinds[0].tolist(), strict=True)),
            "of_all": dict(zip(KINDS, one.diagnosis.kinds.sum(axis=0).tolist(), strict=True)),
            "costs": dict(zip(KINDS[1:], one.diagnosis.costs[1:].tolist(), strict=True)),
        },
        "boundary_error_s": {
            side: dict(zip(("q25", "median", "q75"), np.quantile(values, (0.25, 0.5, 0.75)).tolist(), strict=True))
            for side, values in errors.items()
            if len(values)
        },
        "map_by_duration": [
            {"from_s": low, "to_s": high, "map": value, "events": count}
            for low, high, (value, count) in zip(edges, edges[1:], by_duration, strict=False)
        ],
        "confusion": confusion(one.shown, truth, len(classes)).tolist(),
    }


def _names(runs: Sequence[Path]) -> list[str]:
    """Folder names of different, absolute paths, with as many folders above as make them differ."""
    for depth in range(1, max(len(run.parts) for run in runs)):
        names = ["/".join(run.parts[-depth:]) for run in runs]
        if len(set(names)) == len(runs):
            return names
    return [str(run) for run in runs]


def _index(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _final(run: Path, predictions: Predictions, dataset: Dataset) -> dict[str, list[Detection]]:
    """The events that `augrgb detect` would show: by the run's own thresholds, where it has some."""
    chosen = read_thresholds(run, predictions.classes)
    found = {}
    for video, raw in predictions.scores.items():
        calibrations = chosen.calibrations if chosen else {}
        scores = deciding_scores(raw, predictions.clock, predictions.classes, calibrations)
        duration_s = dataset.videos[video].known_duration_s
        rules = chosen.rules if chosen else EventRule()
        found[video] = list(find_events(scores, predictions.clock, predictions.classes, video, duration_s, rules=rules))
    return found
