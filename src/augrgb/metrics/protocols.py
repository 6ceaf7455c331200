"""The named protocols: every number that augrgb prints says which of these it is (see docs/protocols.md).

Conventions: values are fractions. Videos are taken in the order given; it matters only between equal scores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.rasterise import legacy_uniform, rasterise
from augrgb.core.types import Dataset, Detection
from augrgb.metrics import charades_localize, frame_map, tiou_map
from augrgb.metrics.action_conditional import conditional_report
from augrgb.metrics.evaluation import Evaluated, MetricResult, Missing, ScoreTrack, check_inputs
from augrgb.metrics.event_map import event_reports

Floats = NDArray[np.float64]
Outcome = tuple[float, dict[str, float], dict[str, Any]]
EVENT_MAP_THRESHOLDS = (0.1, 0.3, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way of giving a number to predictions.

    Args:
        name: Full name, as printed beside every number.
        summary: One line.
        needs: "scores" on a grid of snippets, or "detections".
        source: Whose protocol it is.
        run: Checked inputs -> value, AP per class, details.
        instead: The corrected form where the published one is wrong, "" if there is nothing to correct.
    """

    name: str
    summary: str
    needs: Literal["scores", "detections"]
    source: str
    run: Callable[[Evaluated], Outcome]
    instead: str = ""


def evaluate(
    name: str,
    dataset: Dataset,
    video_ids: Sequence[str],
    *,
    scores: Mapping[str, ScoreTrack] | None = None,
    detections: Sequence[Detection] | None = None,
    scored: Collection[str] | None = None,
    missing: Missing = "refuse",
) -> MetricResult:
    """Evaluate predictions for the given videos by one named protocol.

    Args:
        name: A key of `PROTOCOLS`; for event protocols any threshold, such as `tsu/event@0.25`.
        scores: Per video, for protocols that need scores.
        detections: For protocols that need detections; `scored` says which videos were looked at.
        missing: See `evaluation.check_inputs`.

    Raises:
        UsageFault: No such protocol, or the other kind of predictions is needed.
        InputRefused: See `evaluation.check_inputs`.
    """
    protocol = find_protocol(name)
    given = scores if protocol.needs == "scores" else detections
    if given is None:
        raise UsageFault("E-MET-011", name, f"needs {protocol.needs}", f"Pass {protocol.needs}=...")
    if protocol.needs == "scores":
        inputs = check_inputs(dataset, video_ids, scores=scores, missing=missing)
    else:
        inputs = check_inputs(dataset, video_ids, detections=detections, scored=scored, missing=missing)
    value, per_class, details = protocol.run(inputs)
    if inputs.ignored:
        details["videos_not_asked_for"] = inputs.ignored
    if inputs.scored < inputs.total:
        details["missing"] = missing
    return MetricResult(protocol.name, value, per_class, inputs.scored, inputs.total, details)


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageFault: There is none; names the nearest.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    event = re.fullmatch(r"(tsu|pku-mmd)/event@(0\.\d+|1\.0)", name)
    if event and float(event[2]) > 0:
        return _event_protocol(event[1], float(event[2]))
    conditional = re.fullmatch(r"action-conditional@(-?\d{1,6})", name)
    if conditional:
        return _conditional_protocol(int(conditional[1]))
    raise UsageFault("E-MET-012", name, "no such protocol", did_you_mean(name, PROTOCOLS))


def _by_frames(
    inputs: Evaluated,
    *,
    labels: Literal["centre", "uniform"],
    mean: Literal["present", "all-classes"],
    rows: Callable[[int], NDArray[np.int64]] | None = None,
) -> Outcome:
    values, truth, used = [], [], 0
    for video, track in inputs.tracks.items():
        y = _labels(inputs, video, labels)
        chosen = slice(None) if rows is None else rows(len(y))
        values.append(np.asarray(track.values)[chosen])
        truth.append(y[chosen])
        used += len(values[-1]) > 0
    targets = np.concatenate(truth)
    ap = frame_map.frame_ap(np.concatenate(values), targets)
    present: NDArray[np.bool_] = np.asarray(targets.any(axis=0))
    named = {name: float(ap[k]) for name, k in inputs.classes.items() if present[k] or mean == "all-classes"}
    value = frame_map.mean_present_classes(ap) if mean == "present" else frame_map.mean_all_classes(ap)
    details: dict[str, Any] = {
        "snippets": len(targets),
        "videos_used": used,
        "classes_without_truth": [name for name, k in inputs.classes.items() if not present[k]],
        "mean_present_classes": _plain(frame_map.mean_present_classes(ap)),
        "mean_all_classes": frame_map.mean_all_classes(ap),
    }
    return value, named, details


def _labels(inputs: Evaluated, video: str, rule: Literal["centre", "uniform"]) -> NDArray[np.bool_]:
    track, events = inputs.tracks[video], inputs.events[video]
    if rule == "centre":
        labels = rasterise(events, tuple(inputs.classes), track.clock, len(track.values))
    else:
        labels = legacy_uniform(events, tuple(inputs.classes), inputs.durations[video], len(track.values))
    return labels.astype(bool)


def _by_localize(inputs: Evaluated, *, mean: Literal["published", "present"]) -> Outcome:
    values, truth = [], []
    for video, track in inputs.tracks.items():
        times = charades_localize.point_times(inputs.durations[video])
        nearest = np.rint((times - track.clock.centres_s(1)[0]) / track.clock.stride_s).astype(np.int64)
        values.append(np.asarray(track.values)[nearest.clip(0, len(track.values) - 1)])
        actions = [(inputs.classes[e.label], e.start_s, e.end_s) for e in inputs.events[video]]
        truth.append(charades_localize.point_labels(actions, inputs.durations[video], len(inputs.classes)))
    report = charades_localize.charades_localize(np.stack(values), np.stack(truth))
    named = {name: float(report.ap[k]) for name, k in inputs.classes.items() if not np.isnan(report.ap[k])}
    details: dict[str, Any] = {
        "weighted_map": _plain(report.weighted_map),
        "classes_without_truth": [name for name in inputs.classes if name not in named],
    }
    return report.map if mean == "published" else report.map_present, named, details


def _by_condition(inputs: Evaluated, *, tau: int) -> Outcome:
    scores = [track.values for track in inputs.tracks.values()]
    report = conditional_report(scores, [_labels(inputs, video, "uniform") for video in inputs.tracks], tau=tau)
    details = {name: _plain(getattr(report, name)) for name in ("precision", "recall", "f1")}
    details["pairs"] = int((report.positives > 0).sum())
    return report.map, {}, details


def _by_events(inputs: Evaluated, *, theta: float, on_empty_hull: Literal["nan", "zero"]) -> Outcome:
    report = event_reports(
        inputs.detection_segments(),
        inputs.truth_segments(),
        num_classes=len(inputs.classes),
        num_videos=len(inputs.videos),
        thetas=(theta,),
        on_empty_hull=on_empty_hull,
    )[0]
    named = {
        name: float(report.ap_action[k]) for name, k in inputs.classes.items() if not np.isnan(report.ap_action[k])
    }
    details = {
        "f1": _plain(report.f1),
        "ap_pooled": _plain(report.ap),
        "map_video": _plain(report.map_video),
        "ap_2d": _plain(report.ap_2d),
        "events": sum(map(len, inputs.events.values())),
        "detections": len(inputs.detections),
    }
    return report.map_action, named, details


def _by_tiou(inputs: Evaluated, *, thresholds: tuple[float, ...], clean: bool) -> Outcome:
    truth = inputs.truth_segments()
    kept = tiou_map.clean_truth(truth) if clean else truth
    report = tiou_map.tiou_report(inputs.detection_segments(), kept, thresholds=thresholds)
    names = list(inputs.classes)
    named = {names[k]: float(report.ap[:, c].mean()) for c, k in enumerate(report.labels)}
    details: dict[str, Any] = {
        "map": {f"{t:.2f}": float(value) for t, value in zip(thresholds, report.map, strict=True)},
        "recall_1x": {f"{t:.2f}": float(value) for t, value in zip(thresholds, report.recall[:, 0], strict=True)},
        "recall_5x": {f"{t:.2f}": float(value) for t, value in zip(thresholds, report.recall[:, 1], strict=True)},
        "classes_without_truth": [name for name in names if name not in named],
        "events": len(kept),
        "events_left_out": len(truth) - len(kept),
        "detections": len(inputs.detections),
    }
    return report.average_map, named, details


def _event_protocol(family: str, theta: float) -> Protocol:
    source = "ECHO960/PKU-MMD evaluate.py" if family == "pku-mmd" else "dairui01/TSU_evaluation Event_based_map.py"
    return Protocol(
        f"{family}/event@{theta:g}",
        f"mAP over all classes of events at overlap {theta:g}, many detections per event allowed",
        "detections",
        source,
        partial(_by_events, theta=theta, on_empty_hull="nan" if family == "pku-mmd" else "zero"),
        "event-map",
    )


def _conditional_protocol(tau: int) -> Protocol:
    condition = "at the same time" if tau == 0 else f"within {abs(tau)} snippets {'before' if tau > 0 else 'after'}"
    return Protocol(
        f"action-conditional@{tau}",
        f"mAP of classes at snippets where another class is on {condition}",
        "scores",
        "MS-TCT utils.py; Tirupattur et al. 2021",
        partial(_by_condition, tau=tau),
    )


def _plain(value: float) -> float | None:
    """Undefined numbers as None, so that results are valid JSON."""
    return None if np.isnan(value) else float(value)


_FRAMES, _ALL_DATASETS = "per-frame mAP", "augrgb"
_SUPER_EVENTS, _PDAN, _LOCALIZE = (
    "super-events, MS-TCT Evaluation.py",
    "PDAN, MS-TCT training",
    "Charades_v1_localize.m",
)


def _frames(name: str, summary: str, source: str, instead: str = "", **options: Any) -> Protocol:
    return Protocol(name, f"{_FRAMES}: {summary}", "scores", source, partial(_by_frames, **options), instead)


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        _frames(
            "frame-map/present",
            "labels at snippet centres, mean over classes present",
            _ALL_DATASETS,
            labels="centre",
            mean="present",
        ),
        _frames(
            "frame-map/all-classes",
            "labels at snippet centres, absent classes count as 0",
            _ALL_DATASETS,
            "frame-map/present",
            labels="centre",
            mean="all-classes",
        ),
        _frames(
            "charades/frame",
            "labels at i / (T / duration), mean over classes present",
            _PDAN,
            "frame-map/present",
            labels="uniform",
            mean="present",
        ),
        _frames(
            "charades/frame-all-classes",
            "labels at i / (T / duration), absent classes count as 0",
            _SUPER_EVENTS,
            "frame-map/present",
            labels="uniform",
            mean="all-classes",
        ),
        _frames(
            "charades/25-points",
            "25 snippets per video, from snippet 1 in steps of T // 25; shorter videos left out",
            "MS-TCT (25 sampled)",
            "charades/25-even",
            labels="uniform",
            mean="present",
            rows=frame_map.sampled25_rows,
        ),
        _frames(
            "charades/25-even",
            "25 evenly spread snippets of every video, labels at snippet centres, mean over classes present",
            _ALL_DATASETS,
            labels="centre",
            mean="present",
            rows=frame_map.evenly_sampled_rows,
        ),
        Protocol(
            "charades/localize",
            "mAP at 25 points per video, end points inclusive; undefined if a class is absent",
            "scores",
            _LOCALIZE,
            partial(_by_localize, mean="published"),
            "charades/localize-present",
        ),
        Protocol(
            "charades/localize-present",
            "as charades/localize, mean over classes present",
            "scores",
            _ALL_DATASETS,
            partial(_by_localize, mean="present"),
        ),
        _frames(
            "multithumos/frame",
            "labels at i / (T / duration), absent classes count as 0",
            "super-events multithumos",
            "frame-map/present",
            labels="uniform",
            mean="all-classes",
        ),
        _frames(
            "tsu/frame",
            "labels at i / (T / duration), mean over classes present",
            "dairui01/TSU_evaluation Frame_map",
            "frame-map/present",
            labels="uniform",
            mean="present",
        ),
        *(_conditional_protocol(tau) for tau in (0, 20, 40)),
        *(_event_protocol(family, theta) for family in ("tsu", "pku-mmd") for theta in EVENT_MAP_THRESHOLDS),
        Protocol(
            "thumos14/tiou",
            "mAP averaged over tIoU 0.3, 0.4, ..., 0.7; duplicate and empty events left out",
            "detections",
            "actionformer metrics.py",
            partial(_by_tiou, thresholds=tiou_map.THUMOS14, clean=True),
        ),
        Protocol(
            "activitynet/tiou",
            "mAP averaged over tIoU 0.5, 0.55, ..., 0.95",
            "detections",
            "ActivityNet eval_detection.py",
            partial(_by_tiou, thresholds=tiou_map.ACTIVITYNET, clean=False),
        ),
        Protocol(
            "event-map",
            "one-to-one event mAP averaged over tIoU 0.1, 0.3, 0.5, 0.7, classes present",
            "detections",
            _ALL_DATASETS,
            partial(_by_tiou, thresholds=EVENT_MAP_THRESHOLDS, clean=True),
        ),
    )
}
