"""The demo's results as a report: table, gains per class, ablation, timelines, curves, costs, and honest notes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb import __version__
from augrgb.annotations.dataset_file import role
from augrgb.core.types import Dataset, Event
from augrgb.detection.pipeline import final_detections
from augrgb.detection.predictions import Predictions, fuse, load_predictions
from augrgb.parallel.jobs import StageCost as MeasuredCost
from augrgb.pipelines.demo_plan import FUSIONS, METHODS, TEACHERS, Places
from augrgb.report.data import (
    Ablation,
    AblationBar,
    ClassGain,
    ClassGains,
    Comparison,
    CurveLine,
    CurvePanel,
    Fact,
    GapShare,
    Lane,
    MethodRow,
    Note,
    Protocol,
    ReportData,
    Score,
    StageCost,
    TimelineExample,
)
from augrgb.report.film_strip import film_strip, strip_times_s
from augrgb.report.scores import gap_share, score_over_seeds
from augrgb.training.history import History
from augrgb.training.run_folder import versions
from augrgb.video.decode import frames_by_time

STRIP_FRAMES = 24
TOTAL = "in all (stages overlap)"


@dataclass(frozen=True)
class Column:
    """A column of the table: which test, which protocol (by its place in the evaluation), which tIoU of it if one."""

    split: str
    protocol: int
    name: str
    detail: str = ""
    tiou: str = ""


COLUMNS = (
    Column(
        "cross_subject",
        0,
        "per-frame mAP, new people",
        "Protocol frame-map/present: average precision over all snippets of all test videos, mean over classes "
        "present. People never seen in training, seen by training cameras.",
    ),
    Column(
        "cross_view",
        0,
        "per-frame mAP, new cameras",
        "The same for people seen in training, filmed by cameras never seen in training.",
    ),
    Column(
        "cross_subject",
        1,
        "event mAP, new people",
        "Protocol event-map: one-to-one matches of detections and events, averaged over tIoU 0.1, 0.3, 0.5 and 0.7.",
    ),
    Column("cross_view", 1, "event mAP, new cameras", "The same on new cameras."),
)
TIOU_COLUMNS = tuple(
    Column(split, 1, f"event mAP@{float(tiou):g}, {where}", tiou=tiou)
    for split, where in (("cross_subject", "new people"), ("cross_view", "new cameras"))
    for tiou in ("0.10", "0.30", "0.50", "0.70")
)


@dataclass(frozen=True)
class ArmResults:
    """Results with one share of labels: row key -> one dictionary per seed, split -> results by protocol."""

    places: Places
    values: Mapping[str, Sequence[Mapping[str, Any]]]

    def scores(self, key: str, column: Column) -> list[float]:
        """A row's value of one column for every seed."""
        found = [seed[column.split][column.protocol] for seed in self.values[key]]
        return [float(one["details"]["map"][column.tiou] if column.tiou else one["value"]) for one in found]

    def mean(self, key: str, column: Column = COLUMNS[0]) -> float:
        """Mean over the seeds."""
        values = self.scores(key, column)
        return sum(values) / len(values)


def compare(results: ArmResults, columns: Sequence[Column] = COLUMNS) -> Comparison:
    """The table of one arm; differences are paired by seed with plain RGB."""
    rows = []
    for method in METHODS:
        rows.append(
            MethodRow(
                method.name,
                method.group,
                tuple(_score(results, method.key, column) for column in columns),
                baseline=method.key == "rgb",
                featured=method.key == "augmented",
                note=method.note,
            )
        )
    for fusion in FUSIONS:
        cells = tuple(_score(results, fusion.key, column) for column in columns)
        rows.append(MethodRow(fusion.name, fusion.group, cells, extra_sensors=fusion.extra_sensors, note=fusion.note))
    return Comparison(tuple(Protocol(column.name, "", column.detail) for column in columns), tuple(rows))


def _score(results: ArmResults, key: str, column: Column = COLUMNS[0]) -> Score:
    first = results.values[key][0][column.split][column.protocol]
    baseline = results.scores("rgb", column) if key != "rgb" else None
    return score_over_seeds(
        results.scores(key, column),
        baseline,
        videos_scored=first["videos_scored"],
        videos_total=first["videos_total"],
    )


def build_report(
    folder: Path,
    dataset: Dataset,
    arms: Mapping[str, ArmResults],
    seeds: int,
    costs: Sequence[MeasuredCost],
    workers: int,
) -> ReportData:
    """Everything on the page."""
    results = arms["quarter"]
    hours = sum(video.duration_s for video in dataset.videos.values()) / 3600
    labelled = len(role(dataset, "cross_subject", "train"))
    unlabelled = len(role(dataset, "cross_subject", "unlabelled"))
    total_s = next(cost.wall_s for cost in costs if cost.stage == TOTAL)
    commit = versions().get("commit")
    facts = (
        Fact("videos", f"{len(dataset.videos)} ({hours:.1f} hours)"),
        Fact("classes", str(len(dataset.classes))),
        Fact("labelled share", f"{100 * labelled / (labelled + unlabelled):.0f} % of the training videos"),
        Fact("seeds", f"{seeds} (encoder and stream)"),
        Fact("hardware", f"{workers} of {os.cpu_count()} cores"),
        Fact("time", f"{total_s / 60:.1f} min"),
        Fact("command", "augrgb demo"),
        Fact("version", __version__ + (f", commit {commit[:10]}" if commit else "")),
    )
    return ReportData(
        title="What RGB learns from flow and pose",
        story=(
            "An embedded world of daily living: untrimmed H.264 videos of a moving figure, several actions at once, "
            "with optical flow and noisy 3D poses recorded beside them. Paired recordings are cheap and labels are "
            "not, so a quarter of the training videos is labelled; the rest are unlabelled RGB + flow + pose "
            "recordings. Teachers on flow and pose are trained on the labelled quarter and frozen; the RGB student "
            "learns from the labels and from them. At test time the student sees RGB alone."
        ),
        facts=facts,
        comparison=compare(results),
        more_tables=_more_tables(arms),
        gaps=_gaps(results),
        class_gains=_class_gains(results, dataset),
        ablation=_ablation(results),
        timelines=_timelines(results, dataset),
        curves=_curves(results, seeds),
        costs=tuple(StageCost(c.stage, c.wall_s, c.peak_mib * 2**20) for c in costs),
        notes=_notes(arms),
        classes=dataset.classes,
    )


def _more_tables(arms: Mapping[str, ArmResults]) -> tuple[tuple[str, Comparison], ...]:
    tables = [("Event mAP at each tIoU", compare(arms["quarter"], TIOU_COLUMNS))]
    if "full" in arms:
        tables += [
            ("All training videos labelled", compare(arms["full"])),
            ("All training videos labelled: event mAP at each tIoU", compare(arms["full"], TIOU_COLUMNS)),
        ]
    return tuple(tables)


def _gaps(results: ArmResults) -> tuple[GapShare, ...]:
    names = {fusion.key: fusion.name for fusion in FUSIONS}
    return tuple(
        gap_share(
            names[key],
            column.name,
            results.mean("rgb", column),
            results.mean("augmented", column),
            results.mean(key, column),
        )
        for key in ("rgb+flow", "rgb+pose", "pose")
        for column in COLUMNS[:2]
    )


def _class_gains(results: ArmResults, dataset: Dataset) -> ClassGains:
    def mean_ap(key: str, label: str) -> float | None:
        values = [seed["cross_subject"][0]["per_class"].get(label) for seed in results.values[key]]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    events = [e.label for v in role(dataset, "cross_subject", "test") for e in dataset.videos[v].events or ()]
    gains = tuple(
        ClassGain(label, mean_ap("rgb", label), mean_ap("augmented", label), events.count(label))
        for label in dataset.classes
    )
    return ClassGains(COLUMNS[0].name, "RGB", "Augmented-RGB", gains)


def _ablation(results: ArmResults) -> Ablation:
    bars = []
    for method in METHODS[1:]:
        score = _score(results, method.key)
        base = results.mean("rgb")
        low = base + score.delta_low if score.delta_low is not None else None
        high = base + score.delta_high if score.delta_high is not None else None
        bars.append(AblationBar(method.name, score.mean, low, high, score.values))
    return Ablation("Which term does what", COLUMNS[0].name, tuple(bars), results.mean("rgb"))


def _timelines(results: ArmResults, dataset: Dataset) -> tuple[TimelineExample, ...]:
    """One test video of each kind, the one of median length of annotation: not picked by result."""
    examples = []
    for split in ("cross_subject", "cross_view"):
        members = {
            "RGB": ("rgb",),
            "Augmented-RGB": ("augmented",),
            "RGB + flow + pose": ("rgb", "flow", "pose"),
        }
        predictions = {name: _fused(results.places, keys, split) for name, keys in members.items()}
        videos = sorted(role(dataset, split, "test"), key=lambda v: (_annotated_s(dataset.videos[v].events), v))
        video = dataset.videos[videos[len(videos) // 2]]
        lanes = tuple(
            Lane(
                name,
                tuple(final_detections(p.scores[video.video_id], p.clock, p.classes, video.video_id, video.duration_s)),
                extra_sensors=("flow", "pose") if "flow" in members[name] else (),
            )
            for name, p in predictions.items()
        )
        assert video.file is not None
        fps = len(strip_times_s(video.duration_s, STRIP_FRAMES)) / video.duration_s
        frames = film_strip(list(frames_by_time(video.file, fps, size=(160, 120)))[:STRIP_FRAMES])
        note = "a person never seen in training" if split == "cross_subject" else "a camera never seen in training"
        examples.append(TimelineExample(video.video_id, video.duration_s, tuple(frames), video.events, lanes, note))
    return tuple(examples)


def _fused(places: Places, keys: Sequence[str], split: str) -> Predictions:
    name = f"{split}{places.suffix()}-test.safetensors"
    return fuse([load_predictions(places.stream(key, 0) / "predictions" / name) for key in keys])


def _annotated_s(events: Sequence[Event] | None) -> float:
    return sum(event.end_s - event.start_s for event in events or ())


def _curves(results: ArmResults, seeds: int) -> tuple[CurvePanel, ...]:
    panels = []
    for title, folder, shown in (
        ("Encoders", results.places.encoder, {"rgb": "RGB", "augmented": "Augmented", "flow": "Flow", "pose": "Pose"}),
        (
            "Streams",
            results.places.stream,
            {"rgb": "RGB", "augmented": "Augmented-RGB", "flow": "Flow", "pose": "Pose"},
        ),
    ):
        for what, part, key in (
            ("detection loss", "terms", "detection"),
            ("validation mAP", "validation", "frame_map"),
        ):
            lines = []
            for kind, name in shown.items():
                once = title == "Encoders" and kind in TEACHERS
                for seed in [0] if once else range(seeds):
                    points = [
                        (float(row["step"]), float(row[part][key]))
                        for row in History(folder(kind, seed) / "metrics.jsonl").read()
                        if part in row
                    ]
                    lines.append(CurveLine(name, tuple(s for s, _ in points), tuple(v for _, v in points)))
            panels.append(CurvePanel(f"{title}: {what}", tuple(lines), percent=part == "validation"))
    return tuple(panels)


def _notes(arms: Mapping[str, ArmResults]) -> tuple[Note, ...]:
    """What the numbers say, good or bad; written from the numbers themselves."""
    results = arms["quarter"]
    harmless, helped = [], []
    for method in METHODS[1:]:
        score = _score(results, method.key)
        low, high = score.delta_low, score.delta_high
        told = f"{method.name} {100 * (score.delta or 0):+.1f}"
        if low is None or high is None or low <= 0 <= high:
            harmless.append(told)
        elif low > 0:
            helped.append(told)
    notes = [
        Note(
            "Where the method does not help",
            "Cannot be told from plain RGB with these seeds (95 % interval includes zero, new people): "
            + (", ".join(harmless) or "none")
            + ". Helped: "
            + (", ".join(helped) or "none")
            + ".",
        ),
        Note(
            "What to read into it",
            "Seeds vary RGB encoders and streams; the teachers' encoders and the world are the same for all seeds. "
            "The intervals therefore leave out the variation between worlds. With three seeds they are wide.",
        ),
    ]
    if "full" in arms:
        full = arms["full"]
        score = _score(full, "augmented")
        notes.append(
            Note(
                "With all labels",
                f"RGB {100 * full.mean('rgb'):.1f}, Augmented-RGB {100 * full.mean('augmented'):.1f} "
                f"({100 * (score.delta or 0):+.1f}) per-frame mAP on new people; its table is folded away below the "
                "first.",
            )
        )
    return tuple(notes)
