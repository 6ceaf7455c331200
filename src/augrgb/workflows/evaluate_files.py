"""Evaluate predictions that somebody else made, against annotations of any format, by named protocols.

Events count as they are written, since published numbers do the same; what the default repairs of `augrgb data` would
change is told. Refused are unknown classes, times that are no numbers, and predictions that do not cover every video.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationSet
from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.formats.pku_mmd import PkuMmd
from augrgb.annotations.repair import repair
from augrgb.annotations.splits import subset_of
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection, VideoRecord
from augrgb.detection.pipeline import ranked_detections
from augrgb.detection.prediction_files import ForeignPredictions, kind_of, read_predictions
from augrgb.detection.writers import PKU_FPS
from augrgb.metrics.evaluate import evaluate as evaluate_protocol
from augrgb.metrics.evaluation import MetricResult, Missing
from augrgb.metrics.protocols import find_protocol
from augrgb.workflows.evaluate import DEFAULT_PROTOCOLS, EvaluationResult


@dataclass(frozen=True)
class FileEvaluation:
    """Results, and what a reader of the numbers has to know."""

    evaluation: EvaluationResult
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AnnotatedVideos:
    """Annotations as a dataset. Unknown durations are None here, and 1 s in the dataset."""

    dataset: Dataset
    video_ids: tuple[str, ...]
    durations_s: Mapping[str, float | None]
    fps: float
    part: str
    notes: tuple[str, ...]


def evaluate_files(
    predictions: Path,
    annotations: Path,
    *,
    format_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    subset: str | None = None,
    split: str | None = None,
    role: str = "test",
    protocols: Sequence[str] = (),
    clock: Clock | None = None,
    fps: float | None = None,
    first_class: int = 1,
    allow_missing: int = 0,
) -> FileEvaluation:
    """Evaluate a file or folder of predictions.

    Protocols that need detections take them from scores where only scores are given, as `augrgb evaluate RUN` does.

    Args:
        predictions: See `prediction_files`.
        annotations: A file or folder of any annotation format, or a dataset folder.
        format_name, options: Format of the annotations and its options; None = look at it.
        subset: Only videos of this subset of the annotations, such as `test`.
        split, role: Only videos of this role of a split that the annotations have.
        protocols: Names; default: per-frame and event mAP for scores, event mAP for detections.
        clock: Time base of score arrays; None = spread evenly over each video.
        fps: Frame rate of PKU-MMD result files; default: that of the annotations, else 30. PKU-MMD results against
            PKU-MMD labels are compared in frames, as they stand: seconds would round overlaps on a threshold.
        first_class: Number of the first class in them, when the annotations name classes and do not number them.
        allow_missing: Videos that may lack predictions; they count as scores of zero or nothing found.

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
        subset=subset,
        split=split,
        role=role,
        clock=clock,
        fps=fps,
        first_class=first_class,
    )
    missing = _coverage(truth, given, allow_missing, predictions)
    chosen = tuple(protocols) or (DEFAULT_PROTOCOLS if given.scores is not None else ("event-map",))
    results = tuple(_result(name, truth, given, missing, predictions) for name in chosen)
    evaluation = EvaluationResult((predictions.name,), annotations.name, truth.part, results)
    ignored = len(given.covered - set(truth.video_ids))
    told = (f"predictions of {ignored} videos outside {truth.part} were left aside",) if ignored else ()
    return FileEvaluation(evaluation, truth.notes + told)


def read_files(
    predictions: Path,
    annotations: Path,
    *,
    format_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    subset: str | None = None,
    split: str | None = None,
    role: str = "test",
    clock: Clock | None = None,
    fps: float | None = None,
    first_class: int = 1,
) -> tuple[AnnotatedVideos, ForeignPredictions]:
    """Annotations and predictions as they stand in files; arguments as in `evaluate_files`."""
    known = format_name or detect_format(annotations)
    options = dict(options or {})
    if known == PkuMmd.name and kind_of(Path(predictions)) == ".txt" and fps is None:
        options.setdefault("fps", 1.0)
    truth = annotated_videos(read_annotations(annotations, format_name=known, options=options), subset, split, role)
    given = read_predictions(
        predictions,
        truth.dataset.classes,
        truth.durations_s,
        clock=clock,
        fps=fps or truth.fps,
        first_class=first_class,
    )
    return truth, given


def annotated_videos(
    annotations: AnnotationSet, subset: str | None = None, split: str | None = None, role: str = "test"
) -> AnnotatedVideos:
    """The annotated videos of a subset, or of a role of a split; neither = all."""
    judged = repair(annotations)
    # Leakage between roles and missing ids of official split files do not concern one evaluation.
    beside_the_point = ("E-ANN-041", "E-SPL-002", "E-SPL-003")
    raise_together([fault for fault in judged.refusals() if fault.code not in beside_the_point])
    counts = Counter((finding.kind, finding.action) for finding in judged.repairs())
    notes = [f"{count} events: {kind} (kept as written)" for (kind, _), count in counts.items()]
    names, part = _chosen(annotations, subset, split, role)
    annotated = tuple(name for name in names if annotations.videos[name].events is not None)
    if len(annotated) < len(names):
        notes.append(f"{len(names) - len(annotated)} videos of {part} were never annotated and do not count")
    if not annotated:
        raise InputRefused("E-MET-009", part, f"none of its {len(names)} videos is annotated")
    durations = {name: video.duration_s for name, video in annotations.videos.items()}
    records = {
        # Where the duration is unknown only protocols that never look at it can be computed: see `_result`.
        name: VideoRecord(name, durations[name] or 1.0, events=video.events)
        for name, video in annotations.videos.items()
    }
    rates = {video.fps for video in annotations.videos.values()}
    fps = next(iter(rates)) if len(rates) == 1 else None
    dataset = Dataset("annotations", annotations.classes, records)
    return AnnotatedVideos(dataset, annotated, durations, fps or PKU_FPS, part, tuple(notes))


def _chosen(
    annotations: AnnotationSet, subset: str | None, split: str | None, role: str
) -> tuple[tuple[str, ...], str]:
    """The ids to evaluate, and how to call them."""
    if subset is not None and split is not None:
        raise UsageFault("E-CFG-013", "--subset and --split", "name one of them", "A split is divided into roles.")
    if subset is not None:
        words = {video.subset for video in annotations.videos.values() if video.subset is not None}
        same = [word for word in words if word.lower() == subset.lower()]
        chosen = subset_of(annotations, same[0] if len(same) == 1 else subset)
        return tuple(chosen.videos), subset
    if split is None:
        return tuple(annotations.videos), "all annotated"
    if split not in annotations.splits:
        raise UsageFault("E-SPL-001", f"split {split!r}", "no such split", did_you_mean(split, annotations.splits))
    roles = annotations.splits[split]
    if not roles.get(role):
        raise UsageFault("E-SPL-007", f"{split}/{role}", "no videos in it", did_you_mean(role, roles))
    return tuple(name for name in roles[role] if name in annotations.videos), f"{split}/{role}"


def _coverage(truth: AnnotatedVideos, given: ForeignPredictions, allow_missing: int, where: Path) -> Missing:
    lacking = [name for name in truth.video_ids if name not in given.covered]
    if len(lacking) > allow_missing:
        total = len(truth.video_ids)
        problem = (
            f"{total - len(lacking)} of {total} videos of {truth.part} have predictions; without: "
            + ", ".join(lacking[:5])
            + (", ..." if len(lacking) > 5 else "")
        )
        remedy = f"Name the part that was predicted (--subset, --split), or pass --allow-missing {len(lacking)}."
        raise InputRefused("E-MET-010", where, problem, remedy)
    return "zero" if lacking else "refuse"


def _result(
    name: str, truth: AnnotatedVideos, given: ForeignPredictions, missing: Missing, where: Path
) -> MetricResult:
    if find_protocol(name).needs == "scores":
        if given.scores is None:
            problem = f"{name} needs scores per snippet, these are detections"
            raise UsageFault("E-MET-011", where, problem, "Give .npy, .npz or .safetensors scores.")
        lacking = [video for video in truth.video_ids if truth.durations_s[video] is None]
        if lacking:
            raise InputRefused("E-ANN-024", lacking[0], "its duration is not known", f"{name} needs it.")
        return evaluate_protocol(name, truth.dataset, truth.video_ids, scores=given.scores, missing=missing)
    return evaluate_protocol(
        name,
        truth.dataset,
        truth.video_ids,
        detections=_detections(truth, given),
        scored=given.covered,
        missing=missing,
    )


def _detections(truth: AnnotatedVideos, given: ForeignPredictions) -> list[Detection]:
    if given.scores is None:
        return list(given.detections)
    found: list[Detection] = []
    for video, track in given.scores.items():
        duration_s = truth.dataset.videos[video].duration_s
        found += ranked_detections(track.values, track.clock, truth.dataset.classes, video, duration_s)
    return found
