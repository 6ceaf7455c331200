"""Evaluate third-party predictions against annotations of any format, by named protocols.

Events are repaired by the rules of `augrgb data` (see `annotations.repair`), and every repair is reported. Published
protocols count events as they are written, since published numbers do. Refused are unknown classes, times that are not
numbers, and predictions that do not cover every video.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.formats.pku_mmd import PkuMmd
from augrgb.annotations.repair import repair, without_withheld
from augrgb.annotations.splits import subset_of
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection
from augrgb.detection.pipeline import ranked_detections
from augrgb.detection.prediction_files import GivenPredictions, kind_of, read_predictions
from augrgb.detection.writers import PKU_FPS
from augrgb.metrics.evaluate import evaluate as evaluate_protocol
from augrgb.metrics.evaluation import MetricResult, Missing
from augrgb.metrics.protocols import Protocol, find_protocol
from augrgb.workflows.evaluate import DEFAULT_PROTOCOLS, EvaluationResult


@dataclass(frozen=True)
class FileEvaluation:
    """Results, and what a reader of the numbers has to know."""

    evaluation: EvaluationResult
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AnnotatedVideos:
    """Annotations as a dataset: with repaired events, and with events as they are written."""

    repaired: Dataset
    written: Dataset
    video_ids: tuple[str, ...]
    fps: float
    part: str
    notes: tuple[str, ...]

    def counted_by(self, protocol: Protocol) -> Dataset:
        """The events that a protocol counts: published ones count them as written, as their numbers were made."""
        return self.written if protocol.is_published else self.repaired


def evaluate_files(
    predictions: Path,
    annotations: Path,
    *,
    format_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    only: str | None = None,
    split: str | None = None,
    role: str = "test",
    protocols: Sequence[str] = (),
    clock: Clock | None = None,
    fps: float | None = None,
    first_class: int = 1,
    allow_missing: int = 0,
    allow_unknown: int = 0,
    allow_outside: int = 0,
) -> FileEvaluation:
    """Evaluate a file or folder of predictions.

    Protocols that need detections take them from scores where only scores are given, as `augrgb evaluate RUN` does.

    Args:
        predictions: See `prediction_files`.
        annotations: A file or folder of any annotation format, or a dataset folder.
        format_name, options: Format of the annotations and its options; None = detected from the content.
        only: Take only the videos of this subset of the annotations, such as `test`.
        split, role: Only videos of this role of a split that the annotations have.
        protocols: Names; default: per-frame and event mAP for scores, event mAP for detections.
        clock: Time base of score arrays; None = spread evenly over each video.
        fps: Frame rate of PKU-MMD result files; default: that of the annotations, else 30. PKU-MMD results against
            PKU-MMD labels are compared in frames, as they stand: seconds would round overlaps on a threshold.
        first_class: Number of the first class in them, when the annotations name classes and do not number them.
        allow_missing: Videos that may lack predictions; they count as scores of zero or nothing found.
        allow_unknown, allow_outside: Detections of unknown videos or classes, and detections past their video; see
            `read_predictions`.

    Raises:
        UsageFault: No such protocol, subset or split; scores are needed and only detections are given.
        InputRefused, FaultList: E-MET-010 (too few videos covered) and all of `read_predictions` and of the formats.
    """
    for name in protocols:
        find_protocol(name)
    truth, given = read_files(
        predictions,
        annotations,
        format_name=format_name,
        options=options,
        only=only,
        split=split,
        role=role,
        clock=clock,
        fps=fps,
        first_class=first_class,
        allow_unknown=allow_unknown,
        allow_outside=allow_outside,
    )
    missing = _coverage(truth, given, allow_missing, predictions)
    chosen = tuple(protocols) or (DEFAULT_PROTOCOLS if given.scores is not None else ("event-map",))
    try:
        results = tuple(_result(name, truth, given, missing, predictions) for name in chosen)
    except InputRefused as fault:
        if fault.code not in ("E-MET-003", "E-MET-004"):
            raise
        known, classes = truth.repaired.videos, set(truth.repaired.classes)
        count = sum(d.video_id not in known or d.label not in classes for d in given.detections)
        remedy = f"{fault.remedy} To leave such detections aside: --allow-unknown {count}.".strip()
        raise InputRefused(fault.code, fault.where, fault.problem, remedy) from fault
    evaluation = EvaluationResult((predictions.name,), annotations.name, truth.part, results)
    ignored = len(given.covered - set(truth.video_ids))
    notes = (f"predictions for {ignored} videos outside {truth.part} were left aside",) if ignored else ()
    return FileEvaluation(evaluation, truth.notes + given.notes + notes)


def read_files(
    predictions: Path,
    annotations: Path,
    *,
    format_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    only: str | None = None,
    split: str | None = None,
    role: str = "test",
    clock: Clock | None = None,
    fps: float | None = None,
    first_class: int = 1,
    allow_unknown: int = 0,
    allow_outside: int = 0,
) -> tuple[AnnotatedVideos, GivenPredictions]:
    """Annotations and predictions as they stand in files; arguments as in `evaluate_files`."""
    known = format_name or detect_format(annotations, options)
    options = dict(options or {})
    if known == PkuMmd.name and Path(predictions).is_dir() and kind_of(Path(predictions)) == ".txt" and fps is None:
        options.setdefault("fps", 1.0)
    truth = annotated_videos(read_annotations(annotations, format_name=known, options=options), only, split, role)
    given = read_predictions(
        predictions,
        truth.repaired.classes,
        {video_id: video.duration_s for video_id, video in truth.repaired.videos.items()},
        clock=clock,
        fps=fps or truth.fps,
        first_class=first_class,
        allow_unknown=allow_unknown,
        allow_outside=allow_outside,
    )
    return truth, given


def annotated_videos(
    annotations: AnnotationSet, only: str | None = None, split: str | None = None, role: str = "test"
) -> AnnotatedVideos:
    """The annotated videos of a subset, or of a role of a split; neither = all."""
    annotations = without_withheld(annotations)
    repaired = repair(annotations)
    # Leakage between roles and missing ids of official split files do not concern one evaluation.
    beside_the_point = ("E-ANN-041", "E-SPL-002", "E-SPL-003")
    raise_together([fault for fault in repaired.refusals() if fault.code not in beside_the_point])
    counts = Counter((found.action, found.kind, found.code) for found in repaired.repairs())
    notes = [
        f"{count} events {action}: {kind} ({code}); published protocols count them as written"
        for (action, kind, code), count in counts.items()
    ]
    names, part = _chosen(annotations, only, split, role)
    annotated = tuple(name for name in names if annotations.videos[name].events is not None)
    if len(annotated) < len(names):
        notes.append(f"{len(names) - len(annotated)} videos of {part} were never annotated and do not count")
    if not annotated:
        raise InputRefused("E-MET-009", part, f"none of its {len(names)} videos is annotated")
    if not annotations.classes:
        problem = f"none of its {len(names)} videos has an event: are the labels withheld?"
        raise InputRefused("E-ANN-041", part, problem, "Evaluate on annotations that have events.")
    rates = {video.fps for video in annotations.videos.values()}
    fps = next(iter(rates)) if len(rates) == 1 else None
    written = Dataset("annotations", annotations.classes, annotations.videos)
    # a video that lost every event stays in, ignored as a whole
    dataset = replace(
        written,
        videos={
            i: replace(video, events=()) if video.events is None and annotations.videos[i].events is not None else video
            for i, video in repaired.annotations.videos.items()
        },
    )
    return AnnotatedVideos(dataset, written, annotated, fps or PKU_FPS, part, tuple(notes))


def _chosen(annotations: AnnotationSet, only: str | None, split: str | None, role: str) -> tuple[tuple[str, ...], str]:
    """The ids to evaluate, and how to call them."""
    if only is not None and split is not None:
        raise UsageFault("E-CFG-013", "--only and --split", "give one of them", "A split is divided into roles.")
    if only is not None:
        words = {video.subset for video in annotations.videos.values() if video.subset is not None}
        same = [word for word in words if word.lower() == only.lower()]
        chosen = subset_of(annotations, same[0] if len(same) == 1 else only)
        return tuple(chosen.videos), only
    if split is None:
        return tuple(annotations.videos), "all annotated"
    if split not in annotations.splits:
        raise UsageFault("E-SPL-001", f"split {split!r}", "no such split", did_you_mean(split, annotations.splits))
    roles = annotations.splits[split]
    if not roles.get(role):
        raise UsageFault("E-SPL-007", f"{split}/{role}", "no videos in it", did_you_mean(role, roles))
    return tuple(name for name in roles[role] if name in annotations.videos), f"{split}/{role}"


def _coverage(truth: AnnotatedVideos, given: GivenPredictions, allow_missing: int, where: Path) -> Missing:
    lacking = [name for name in truth.video_ids if name not in given.covered]
    if len(lacking) > allow_missing:
        total = len(truth.video_ids)
        problem = (
            f"{total - len(lacking)} of {total} videos of {truth.part} have predictions; without: "
            + ", ".join(lacking[:5])
            + (", ..." if len(lacking) > 5 else "")
        )
        if len(lacking) == total and given.covered:
            problem += f"; predicted: {', '.join(sorted(given.covered)[:3])}"
        remedy = f"Name the part that was predicted (--only, --split), or pass --allow-missing {len(lacking)}."
        raise InputRefused("E-MET-010", where, problem, remedy)
    return "zero" if lacking else "refuse"


def _result(name: str, truth: AnnotatedVideos, given: GivenPredictions, missing: Missing, where: Path) -> MetricResult:
    protocol = find_protocol(name)
    dataset = truth.counted_by(protocol)
    if protocol.needs == "scores":
        if given.scores is None:
            problem = f"{name} needs scores per snippet, these are detections"
            raise UsageFault("E-MET-011", where, problem, "Give .npy, .npz or .safetensors scores.")
        for video_id in truth.video_ids:
            _ = dataset.videos[video_id].known_duration_s  # refused here, with the video, and not in the middle
        return evaluate_protocol(name, dataset, truth.video_ids, scores=given.scores, missing=missing)
    detections = _detections(truth, given)
    return evaluate_protocol(
        name, dataset, truth.video_ids, detections=detections, scored=given.covered, missing=missing
    )


def _detections(truth: AnnotatedVideos, given: GivenPredictions) -> list[Detection]:
    if given.scores is None:
        return list(given.detections)
    found: list[Detection] = []
    for video_id, scores in given.scores.items():
        duration_s = truth.repaired.videos[video_id].known_duration_s
        found += ranked_detections(scores.values, scores.clock, truth.repaired.classes, video_id, duration_s)
    return found
