"""Evaluate predictions in memory by a named protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.metrics.evaluation import MetricResult, Missing, check_inputs
from augrgb.metrics.protocols import find_protocol
from augrgb.metrics.truth import (
    AnyDetections,
    AnyScores,
    AnyTruth,
    read_detections,
    read_scores,
    read_truth,
    with_durations,
)


def evaluate(
    name: str,
    truth: AnyTruth,
    videos: Sequence[str] | None = None,
    *,
    scores: AnyScores | None = None,
    detections: AnyDetections | None = None,
    clock: Clock | None = None,
    classes: Sequence[str] | None = None,
    durations: Mapping[str, float] | None = None,
    scored: Collection[str] | None = None,
    missing: Missing = "refuse",
) -> MetricResult:
    """Evaluate predictions by one named protocol.

    Args:
        name: A key of `PROTOCOLS`; for event protocols any threshold, such as `tsu/event@0.25`.
        truth: A dataset; or video id -> events, `Event`s or `(label, start_s, end_s)`; or video id -> label array
            (T, K) on the snippets of the scores (per-frame protocols only: the array is taken as it is, whatever the
            protocol's label rule).
        videos: The videos that count; default: all annotated ones.
        scores: For protocols that need scores: video id -> (T, K) in [0, 1], arrays, tensors or `VideoScores`.
        detections: For protocols that need detections: `Detection`s, or video id -> `(label, start_s, end_s, score)`s.
        clock: Times of the snippets of plain score arrays. Default: T snippets spread evenly over each video whose
            duration is known. Not needed beside label arrays.
        classes: Names in the order of columns, where `truth` is not a dataset. Default: the labels in sorted order.
        durations: Seconds per video, where `truth` is events; default: the end of the last snippet.
        scored: With detections: the videos that were looked at; default: those with at least one detection.
        missing: See `evaluation.check_inputs`.

    Raises:
        UsageFault: No such protocol, or the other kind of predictions or truth is needed.
        InputRefused: See `evaluation.check_inputs`.

    >>> truth = {"a": [("run", 0.0, 2.0)], "b": [("jump", 1.0, 2.0)]}
    >>> found = {"a": [("run", 0.1, 2.0, 0.9)], "b": [("jump", 0.0, 0.5, 0.8)]}
    >>> print(evaluate("thumos14/tiou", truth, detections=found))
    thumos14/tiou: 50.00 % (2 of 2 videos scored)
    """
    protocol = find_protocol(name)
    if (scores if protocol.needs == "scores" else detections) is None:
        raise UsageFault("E-MET-011", name, f"needs {protocol.needs}", f"Pass {protocol.needs}=...")
    known = read_truth(truth, classes=classes, durations=durations)
    if known.labels and not protocol.takes_labels:
        remedy = "Pass truth={video: [(label, start_s, end_s), ...]} or a dataset."
        raise UsageFault("E-MET-016", name, "needs events in seconds, label arrays have no times", remedy)
    records = known.dataset.videos
    asked = [video for video in records if records[video].events is not None] if videos is None else list(videos)
    if protocol.needs == "scores":
        tracks = read_scores(scores or {}, known, clock)
        known = with_durations(known, tracks)
        inputs = check_inputs(known.dataset, asked, scores=tracks, labels=known.labels, missing=missing)
    else:
        found, looked_at = read_detections(detections or (), known.dataset.classes)
        looked_at |= set(scored or ())
        inputs = check_inputs(known.dataset, asked, detections=found, scored=looked_at, missing=missing)
    left_aside = 0
    if protocol.is_published:
        inputs = replace(inputs, regions={})
    elif protocol.needs == "detections" and inputs.regions:
        inputs, left_aside = inputs.without_regions()
    value, per_class, details = protocol.run(inputs)
    if inputs.regions:
        details["ignored_regions"] = sum(map(len, inputs.regions.values()))
    if left_aside:
        details["detections_in_ignored_regions"] = left_aside
    if inputs.ignored:
        details["videos_not_asked_for"] = inputs.ignored
    if inputs.scored < inputs.total:
        details["missing"] = missing
    if known.labels:
        details["labels"] = "as given"
    elif known.guessed and protocol.needs == "scores":
        details["durations"] = "end of the last snippet"
    return MetricResult(protocol.name, value, per_class, inputs.scored, inputs.total, details)
