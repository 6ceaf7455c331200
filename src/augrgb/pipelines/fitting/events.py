"""Calibration and event rules of a fitted model: chosen on validation videos, measured on test videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.types import Dataset
from augrgb.detection.calibration import Calibration, ReliabilityBin, fit_scaling, fit_staircase, reliability
from augrgb.detection.choose_rules import FEW_EVENTS, ChosenRule, KnownVideo, choose_rules, counts_of
from augrgb.detection.pipeline import deciding_scores
from augrgb.detection.predictions import Predictions
from augrgb.inference.thresholds import Thresholds
from augrgb.metrics.event_counts import EventCounts


@dataclass(frozen=True)
class FittedEvents:
    """What was chosen, and what it is worth.

    Args:
        thresholds: For the bundle.
        chosen: By class, with counts on validation.
        test: By class, counts on test.
        bins: Reliability of the calibrated scores on test videos, all classes together.
    """

    thresholds: Thresholds
    chosen: Mapping[str, ChosenRule]
    test: Mapping[str, EventCounts]
    bins: tuple[ReliabilityBin, ...]


def fit_events(
    val: Predictions,
    test: Predictions,
    dataset: Dataset,
    *,
    false_alarms_per_day: float | None = None,
    isotonic: bool = False,
) -> FittedEvents:
    """Choose on `val`, measure on `test`.

    Raises:
        UsageFault: E-DET-015, see `choose_rules`.
    """
    classes, clock = val.classes, val.clock
    scores, truth = _together(val, dataset)
    calibrations: dict[str, Calibration] = {}
    for k, label in enumerate(classes):
        count = sum(e.label == label for v in val.scores for e in dataset.videos[v].events or ())
        if count >= FEW_EVENTS:  # fewer say too little about how often a score is right
            fitted = fit_staircase if isotonic else fit_scaling
            calibrations[label] = fitted(scores[:, k], truth[:, k])
    known = _known(val, dataset, calibrations)
    chosen = choose_rules(known, clock, classes, false_alarms_per_day=false_alarms_per_day)
    tested = _known(test, dataset, calibrations)
    counts = {label: counts_of(tested, clock, classes, label, chosen[label].rule) for label in classes}
    rules = {label: one.rule for label, one in chosen.items()}
    notes = {"chosen_on": "validation", "why": {label: one.why for label, one in chosen.items()}}
    test_scores, test_truth = _together(test, dataset)
    for k, label in enumerate(classes):
        if label in calibrations:
            test_scores[:, k] = calibrations[label](test_scores[:, k])
    return FittedEvents(Thresholds(rules, calibrations, notes), chosen, counts, reliability(test_scores, test_truth))


def _known(predictions: Predictions, dataset: Dataset, calibrations: Mapping[str, Calibration]) -> list[KnownVideo]:
    found = []
    for name, raw in predictions.scores.items():
        video = dataset.videos[name]
        scores = deciding_scores(raw, predictions.clock, predictions.classes, calibrations)
        unknown = tuple((region.start_s, region.end_s) for region in video.ignored)
        found.append(KnownVideo(name, scores, video.known_duration_s, video.events or (), unknown))
    return found


def _together(predictions: Predictions, dataset: Dataset) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Raw scores and truth of all snippets outside unknown regions, (N, K) each."""
    classes: Sequence[str] = predictions.classes
    scores, truth = [np.zeros((0, len(classes)))], [np.zeros((0, len(classes)), bool)]
    for name, raw in predictions.scores.items():
        video, centers_s = dataset.videos[name], predictions.clock.centers_s(len(raw))
        labels = np.zeros(raw.shape, bool)
        for event in video.events or ():
            labels[(centers_s >= event.start_s) & (centers_s < event.end_s), classes.index(event.label)] = True
        known = np.ones(len(raw), bool)
        for region in video.ignored:
            known &= (centers_s < region.start_s) | (centers_s >= region.end_s)
        scores.append(np.asarray(raw, np.float64)[known])
        truth.append(labels[known])
    return np.concatenate(scores), np.concatenate(truth)
