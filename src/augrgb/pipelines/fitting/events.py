"""Calibration and event rules of a fitted model: chosen on held-out scores, measured on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.types import Dataset
from augrgb.detection.calibration import (
    Calibration,
    ReliabilityBin,
    calibrate,
    fit_scaling,
    fit_staircase,
    reliability,
)
from augrgb.detection.choose_rules import FEW_EVENTS, ChosenRule, choose_rules, counts_of
from augrgb.detection.predictions import Predictions
from augrgb.inference.thresholds import Thresholds
from augrgb.metrics.event_counts import EventCounts
from augrgb.workflows.evaluate_events import known_videos


@dataclass(frozen=True)
class FittedEvents:
    """What was chosen, and what it is worth.

    Args:
        thresholds: For the bundle.
        chosen: By class, with counts on the videos that it was chosen on.
        counts: By class, on videos that it was not chosen on: the test videos, or, of folds, every fold with what was
            chosen on the others.
        bins: Reliability of the calibrated scores on those, all classes together.
    """

    thresholds: Thresholds
    chosen: Mapping[str, ChosenRule]
    counts: Mapping[str, EventCounts]
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class _Choice:
    calibrations: Mapping[str, Calibration]
    chosen: Mapping[str, ChosenRule]


def fit_events(
    held_out: Predictions,
    test: Predictions | None,
    dataset: Dataset,
    *,
    folds: Sequence[Sequence[str]] = (),
    false_alarms_per_day: float | None = None,
    isotonic: bool = False,
) -> FittedEvents:
    """Choose on `held_out`, measure on `test`, or, without it, fold by fold.

    Raises:
        UsageFault: E-DET-015, see `choose_rules`.
    """
    classes = held_out.classes
    choice = _choose(held_out, dataset, false_alarms_per_day, isotonic=isotonic)
    on = "out-of-fold scores" if folds else "validation"
    notes = {"chosen_on": on, "why": {label: one.why for label, one in choice.chosen.items()}}
    thresholds = Thresholds({c: one.rule for c, one in choice.chosen.items()}, choice.calibrations, notes)
    parts: list[tuple[_Choice, Predictions]] = []
    if test is not None:
        parts.append((choice, test))
    else:
        for fold in folds:
            others = _only(held_out, [name for name in held_out.scores if name not in fold])
            # With fewer hours than in the end fewer alarms cannot be shown; the share stays the same.
            scale = _hours(held_out, dataset) / max(_hours(others, dataset), 1e-9)
            rate = None if false_alarms_per_day is None else false_alarms_per_day * scale * 1.2
            parts.append((_choose(others, dataset, rate, isotonic=isotonic), _only(held_out, fold)))
    counts = {label: _sum([_counts(one, part, dataset, label) for one, part in parts]) for label in classes}
    scores, truth = [np.zeros((0, len(classes)))], [np.zeros((0, len(classes)), bool)]
    for one, part in parts:
        raw, labels = _together(part, dataset)
        scores.append(calibrate(raw, one.calibrations, classes))
        truth.append(labels)
    return FittedEvents(thresholds, choice.chosen, counts, reliability(np.concatenate(scores), np.concatenate(truth)))


def _choose(predictions: Predictions, dataset: Dataset, per_day: float | None, *, isotonic: bool) -> _Choice:
    classes = predictions.classes
    scores, truth = _together(predictions, dataset)
    calibrations: dict[str, Calibration] = {}
    for k, label in enumerate(classes):
        count = sum(e.label == label for v in predictions.scores for e in dataset.videos[v].events or ())
        if count >= FEW_EVENTS:  # fewer say too little about how often a score is right
            fitted = fit_staircase if isotonic else fit_scaling
            calibrations[label] = fitted(scores[:, k], truth[:, k])
    known = known_videos(predictions, dataset, calibrations)
    return _Choice(calibrations, choose_rules(known, predictions.clock, classes, false_alarms_per_day=per_day))


def _counts(choice: _Choice, part: Predictions, dataset: Dataset, label: str) -> EventCounts:
    known = known_videos(part, dataset, choice.calibrations)
    return counts_of(known, part.clock, part.classes, label, choice.chosen[label].rule)


def _sum(parts: Sequence[EventCounts]) -> EventCounts:
    return EventCounts(
        sum(one.events for one in parts),
        sum(one.hits for one in parts),
        sum(one.false_alarms for one in parts),
        sum(one.hours for one in parts),
        sum(one.clean_hours for one in parts),
        tuple(delay for one in parts for delay in one.delays_s),
        tuple(delay for one in parts for delay in one.decisions_s),
    )


def _only(predictions: Predictions, videos: Sequence[str]) -> Predictions:
    return replace(predictions, scores={name: predictions.scores[name] for name in videos})


def _hours(predictions: Predictions, dataset: Dataset) -> float:
    return sum(dataset.videos[name].known_duration_s for name in predictions.scores) / 3600


def _together(predictions: Predictions, dataset: Dataset) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Raw scores and truth of all snippets outside unknown regions, (N, K) each."""
    classes, clock = predictions.classes, predictions.clock
    scores, truth = [np.zeros((0, len(classes)))], [np.zeros((0, len(classes)), bool)]
    for name, raw in predictions.scores.items():
        video = dataset.videos[name]
        known = ~ignored_snippets(video.ignored, clock, len(raw))
        scores.append(np.asarray(raw, np.float64)[known])
        truth.append(rasterise(video.events or (), classes, clock, len(raw))[known] > 0)
    return np.concatenate(scores), np.concatenate(truth)
