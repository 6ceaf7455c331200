"""What the events of a trained stream are worth: the event rule applied to its scores, counted per class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.core.types import Dataset
from augrgb.detection.calibration import Calibration
from augrgb.detection.choose_rules import KnownVideo, counts_of
from augrgb.detection.event_rule import EventRule, rules_by_class
from augrgb.detection.pipeline import deciding_scores
from augrgb.detection.predictions import Predictions
from augrgb.inference.thresholds import Thresholds, read_thresholds
from augrgb.metrics.event_counts import EventCounts
from augrgb.workflows.evaluate import predict_run


@dataclass(frozen=True)
class EventEvaluation:
    """Events of one run on one role of a split.

    Args:
        counts: By class.
        rules: By class.
        rules_of: Where the rules come from, in words.
    """

    counts: Mapping[str, EventCounts]
    rules: Mapping[str, EventRule]
    rules_of: str


def known_videos(
    predictions: Predictions, dataset: Dataset, calibrations: Mapping[str, Calibration]
) -> list[KnownVideo]:
    """Videos with their truth and the scores that decide: calibrated and smoothed."""
    found = []
    for name, raw in predictions.scores.items():
        video = dataset.videos[name]
        scores = deciding_scores(raw, predictions.clock, predictions.classes, calibrations)
        unknown = tuple((region.start_s, region.end_s) for region in video.ignored)
        found.append(KnownVideo(name, scores, video.known_duration_s, video.events or (), unknown))
    return found


def evaluate_events(
    run: Path,
    *,
    split: str | None = None,
    role: str = "test",
    thresholds: Path | None = None,
    allow_missing: int = 0,
) -> EventEvaluation:
    """Count hits, false alarms, misses and delays of a run's events.

    Args:
        run: Run folder of a stream.
        split, role, allow_missing: See `predict_run`.
        thresholds: Bundle whose calibration and event rules are used; default: those of the run, if it has any, else
            the default rule for every class.

    Raises:
        AugrgbError: See `predict_run` and `read_thresholds`.
    """
    predictions, dataset, _ = predict_run(run, split=split, role_name=role, allow_missing=allow_missing)
    classes = predictions.classes
    found = read_thresholds(thresholds if thresholds is not None else run, classes)
    where = f"thresholds of {thresholds if thresholds is not None else run}"
    if found is None:
        found, where = Thresholds(dict.fromkeys(classes, EventRule())), "the default rule"
    rules = dict(zip(classes, rules_by_class(dict(found.rules), classes), strict=True))
    videos = known_videos(predictions, dataset, found.calibrations)
    counts = {label: counts_of(videos, predictions.clock, classes, label, rules[label]) for label in classes}
    return EventEvaluation(counts, rules, where)


def event_row(label: str, counts: EventCounts, rule: EventRule) -> dict[str, Any]:
    """Plain values of one class; None where not defined."""
    values = {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "false_alarms_per_hour": counts.false_alarms_per_hour,
        "false_alarms_per_hour_bound": counts.false_alarms_per_hour_bound,
        "misses_per_hour": counts.misses_per_hour,
        "delay_p50_s": counts.delay_s(0.5),
        "delay_p95_s": counts.delay_s(0.95),
        "decision_p50_s": counts.decision_s(0.5),
        "decision_p95_s": counts.decision_s(0.95),
    }
    whole = {"class": label, "events": counts.events, "hits": counts.hits, "false_alarms": counts.false_alarms}
    rates = {name: None if math.isnan(value) else round(value, 6) for name, value in values.items()}
    return {**whole, **rates, "on": rule.on, "off": rule.low}
