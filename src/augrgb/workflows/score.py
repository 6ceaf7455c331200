"""Evaluate predictions by a named protocol, wherever predictions and annotations are: in files or in memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.dataset_file import role as videos_of_role
from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection
from augrgb.detection.pipeline import ranked_detections
from augrgb.detection.prediction_files import GivenPredictions, read_predictions
from augrgb.detection.predictions import Predictions
from augrgb.metrics.evaluate import evaluate as evaluate_arrays
from augrgb.metrics.evaluation import MetricResult, Missing, VideoScores
from augrgb.metrics.protocols import find_protocol
from augrgb.metrics.truth import AnyDetections, AnyScores, AnyTruth, Truth, read_scores, read_truth, with_durations
from augrgb.workflows.evaluate_files import AnnotatedVideos, annotated_videos, read_files

_LOG = logging.getLogger(__name__)


def evaluate(
    protocol: str,
    *,
    truth: str | Path | AnyTruth,
    scores: str | Path | Predictions | AnyScores | None = None,
    detections: str | Path | AnyDetections | None = None,
    videos: Sequence[str] | None = None,
    split: str | None = None,
    role: str = "test",
    only: str | None = None,
    clock: Clock | None = None,
    classes: Sequence[str] | None = None,
    durations: Mapping[str, float] | None = None,
    missing: Missing = "refuse",
) -> MetricResult:
    """Evaluate predictions by a named protocol (`augrgb list` and docs/protocols.md have the names).

    Predictions and truth may each be a path or objects. Protocols on detections take them from scores where only scores
    are given, as the command line does.

    Args:
        protocol: For example `tsu/frame`, `frame-map/present`, `event-map`.
        truth: A dataset folder or an annotation file of any format; a `Dataset`; video id -> events, `Event`s or
            `(label, start_s, end_s)`; or, for per-frame protocols, video id -> label array (T, K).
        scores: A file or folder of predictions (`.npy`, `.npz`, `.safetensors`, or detections); or video id -> (T, K)
            in [0, 1], arrays or tensors.
        detections: A file or folder of detections (ActivityNet JSON, CSV, PKU-MMD text); `Detection`s; or video id ->
            `(label, start_s, end_s, score)`s.
        videos: The videos that count. Default: those of `split` and `role`, or of `only`, else all annotated ones.
        split: Of the dataset, for example `CS`.
        role: Of the split, for example `test`.
        only: Take only the videos of this subset of an annotation file, for example `test`.
        clock: Times of the snippets of score arrays. Default: spread evenly over each video.
        classes: Names in the order of score columns, where truth is events or label arrays.
        durations: Seconds per video, where truth is events.
        missing: Videos without predictions: `refuse`, count as nothing found (`zero`), or `leave-out`.

    Returns:
        The value with AP per class, coverage and details; `print` shows value and coverage.

    Raises:
        AugrgbError: Predictions or truth cannot be read, do not fit, or are not what the protocol needs.

    Examples:
        >>> import numpy as np
        >>> import augrgb
        >>> scores = {"a": np.array([[0.9, 0.2], [0.8, 0.7], [0.1, 0.6]])}  # video id -> (T, K)
        >>> truth = {"a": [("walk", 0.0, 2.0), ("sit", 2.0, 3.0)]}
        >>> clock = augrgb.Clock(fps=25, window=25, stride=25)
        >>> result = augrgb.evaluate(
        ...     "frame-map/present", scores=scores, truth=truth, clock=clock, classes=["walk", "sit"]
        ... )
        >>> print(result)
        frame-map/present: 75.00 % (1 of 1 videos scored)
        >>> result.per_class
        {'walk': 1.0, 'sit': 0.5}
    """
    needs = find_protocol(protocol).needs
    if (scores is None) == (detections is None):
        raise UsageFault("E-MET-011", protocol, f"needs {needs}", "Pass either scores=... or detections=...")
    files = scores if isinstance(scores, str | Path) else detections if isinstance(detections, str | Path) else None
    given: GivenPredictions | None = None
    known: AnyTruth
    asked: Sequence[str] | None
    if isinstance(truth, str | Path):
        annotated: AnnotatedVideos
        if files is not None:
            annotated, given = read_files(Path(files), Path(truth), only=only, split=split, role=role, clock=clock)
        else:
            annotated = annotated_videos(read_annotations(Path(truth)), only, split, role)
        for note in annotated.notes:
            _LOG.warning("%s: %s", truth, note)
        known, asked = annotated.counted_by(find_protocol(protocol)), videos or annotated.video_ids
        if scores is not None or needs == "scores":
            for video in set(asked) & set(known.videos):
                _ = known.videos[video].known_duration_s  # refused here, before any score is read
    else:
        known, asked = truth, videos
        if split is not None and videos is None:
            if not isinstance(truth, Dataset):
                raise UsageFault("E-MET-015", "split", "only datasets have splits", "Pass videos=[...].")
            asked = videos_of_role(truth, split, role)
    read = read_truth(known, classes=classes, durations=durations)
    if files is not None and given is None:
        given = read_predictions(Path(files), read.dataset.classes, _durations(read), clock=clock)
    found: list[Detection] | AnyDetections | None = None if isinstance(detections, str | Path) else detections
    tracks: Mapping[str, VideoScores] | None = None
    scored: frozenset[str] | None = None
    if given is not None:
        tracks, scored = given.scores, given.covered
        found = None if tracks is not None else given.detections
    elif isinstance(scores, Predictions):
        tracks = {video: VideoScores(values, scores.clock) for video, values in scores.scores.items()}
    elif scores is not None and not isinstance(scores, str | Path):
        tracks = read_scores(scores, read, clock)
    if needs == "detections" and tracks is not None:
        found, scored = _detections(tracks, with_durations(read, tracks)), frozenset(tracks)
    return evaluate_arrays(
        protocol,
        known,
        asked,
        scores=tracks,
        detections=found,
        classes=classes,
        durations=durations,
        scored=scored,
        missing=missing,
    )


def _durations(truth: Truth) -> dict[str, float | None]:
    return {name: None if truth.guessed else record.duration_s for name, record in truth.dataset.videos.items()}


def _detections(tracks: Mapping[str, VideoScores], truth: Truth) -> list[Detection]:
    found: list[Detection] = []
    for video, scores in tracks.items():
        if video in truth.dataset.videos:
            duration_s = truth.dataset.videos[video].known_duration_s
            found += ranked_detections(scores.values, scores.clock, truth.dataset.classes, video, duration_s)
    return found
