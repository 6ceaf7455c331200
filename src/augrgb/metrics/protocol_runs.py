"""How a protocol turns checked inputs into its value, AP per class, and details."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.label_spans import center_spans, legacy_uniform_spans
from augrgb.metrics import charades_localize, frame_labels, frame_map, tiou_map
from augrgb.metrics.action_conditional import conditional_report
from augrgb.metrics.evaluation import EvaluationInputs
from augrgb.metrics.event_map import event_reports
from augrgb.metrics.packed_labels import PackedLabels

Outcome = tuple[float, dict[str, float], dict[str, Any]]
LabelRule = Literal["center", "uniform"]


def by_frames(
    inputs: EvaluationInputs,
    *,
    labels: LabelRule,
    mean: Literal["present", "all-classes", "undefined", "by-positives"],
    rows: Callable[[int], NDArray[np.int64]] | None = None,
    corrected: bool = False,
) -> Outcome:
    """Per-frame AP.

    Args:
        labels: `center`, or `uniform` as the published loaders have it.
        mean: Over classes present; over all, absent ones counting 0; undefined if one is absent; weighted by positives.
        rows: The snippets of a video of T snippets that are looked at; None = all.
        corrected: Send snippets without any action to the end of the ranking, which uses the truth.
    """
    packed = labels_of(inputs, labels)
    values, used = [], 0
    chosen: list[NDArray[np.int64]] = []
    masked = bool(inputs.regions) and not inputs.labels
    for start, (video, scored) in zip(packed.starts.tolist(), inputs.scores.items(), strict=False):
        taken = np.arange(len(scored.values)) if rows is None else rows(len(scored.values))
        if masked:
            taken = taken[inputs.outside_regions(video)[taken]]
        values.append(np.asarray(scored.values)[taken])
        chosen.append(start + taken)
        used += len(taken) > 0
    targets = packed.dense() if rows is None and not masked else packed.dense()[np.concatenate(chosen)]
    scores = np.concatenate(values)
    present: NDArray[np.bool_] = np.asarray(targets.any(axis=0))
    ap = frame_map.charades_frame_ap(scores, targets) if corrected else frame_map.frame_ap(scores, targets)
    ap = np.where(present, ap, 0.0)
    value = {
        "present": frame_map.mean_present_classes(ap),
        "all-classes": frame_map.mean_all_classes(ap),
        "undefined": frame_map.mean_all_classes(ap) if present.all() else float("nan"),
        "by-positives": float(frame_map.frequency_weighted_terms(ap, targets).sum()),
    }[mean]
    named = {name: float(ap[k]) for name, k in inputs.classes.items() if present[k] or mean == "all-classes"}
    details: dict[str, Any] = {
        "snippets": len(targets),
        "videos_used": used,
        "classes_without_truth": [name for name, k in inputs.classes.items() if not present[k]],
        "mean_present_classes": _plain(frame_map.mean_present_classes(ap)),
        "mean_all_classes": frame_map.mean_all_classes(ap),
    }
    return value, named, details


def labels_of(inputs: EvaluationInputs, rule: LabelRule) -> PackedLabels:
    """The truth of every video on the grid of its scores; label arrays stand as they are."""
    if inputs.labels:
        counts = [len(inputs.labels[video]) for video in inputs.scores]
        rows = np.concatenate([inputs.labels[video] for video in inputs.scores])
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return PackedLabels(np.packbits(rows, axis=1), starts, len(inputs.classes))
    videos, classes = list(inputs.scores), tuple(inputs.classes)
    events, counts = [inputs.events[v] for v in videos], [len(inputs.scores[v].values) for v in videos]
    if rule == "center":
        return PackedLabels.of(center_spans(events, classes, [inputs.scores[v].clock for v in videos], counts))
    durations = [inputs.durations[v] for v in videos]
    return PackedLabels.of(legacy_uniform_spans(events, classes, durations, counts))


def by_localize(inputs: EvaluationInputs, *, mean: Literal["published", "present"]) -> Outcome:
    """The official Charades score, from scores on a grid: each point takes the nearest snippet."""
    values, truth = [], []
    for video, scored in inputs.scores.items():
        times = charades_localize.point_times(inputs.durations[video])
        nearest = np.rint((times - scored.clock.centers_s(1)[0]) / scored.clock.stride_s).astype(np.int64)
        values.append(np.asarray(scored.values)[nearest.clip(0, len(scored.values) - 1)])
        actions = [(inputs.classes[e.label], e.start_s, e.end_s) for e in inputs.events[video]]
        truth.append(charades_localize.point_labels(actions, inputs.durations[video], len(inputs.classes)))
    report = charades_localize.charades_localize(np.stack(values), np.stack(truth))
    named = {name: float(report.ap[k]) for name, k in inputs.classes.items() if not np.isnan(report.ap[k])}
    details: dict[str, Any] = {
        "weighted_map": _plain(report.weighted_map),
        "classes_without_truth": [name for name in inputs.classes if name not in named],
    }
    return report.map if mean == "published" else report.map_present, named, details


def by_frame_labels(
    inputs: EvaluationInputs, *, value: Literal["mof", "edit", "f1"], overlap: float = 0.5, short_last: bool = False
) -> Outcome:
    """Frame-wise metrics of action segmentation; `short_last` as ASFormer's copy of the script has it."""
    packed = labels_of(inputs, "center")
    names = list(inputs.scores)
    truth = [frame_labels.labels_of_truth(packed.video(index), names[index]) for index in range(len(names))]
    found = [frame_labels.labels_of_scores(scored.values) for scored in inputs.scores.values()]
    counts = {
        percent: frame_labels.segment_counts(found, truth, percent / 100, short_last=short_last)
        for percent in (10, 25, 50)
    }
    numbers = {
        "mof": frame_labels.frame_accuracy(found, truth),
        "edit": float(np.mean([frame_labels.edit_score(*pair) for pair in zip(found, truth, strict=True)])),
        **{f"f1@{percent}": count.f1 for percent, count in counts.items()},
    }
    details: dict[str, Any] = {
        **numbers,
        "snippets": sum(map(len, truth)),
        "segments": counts[10].right + counts[10].missed,
        "segments_predicted": counts[10].right + counts[10].wrong,
    }
    return numbers[value if value != "f1" else f"f1@{round(100 * overlap)}"], {}, details


def by_condition(inputs: EvaluationInputs, *, tau: int, published: bool = False) -> Outcome:
    """Action-conditional mAP; `published` looks the wrong way for tau < 0 and is undefined where the program stops."""
    packed = labels_of(inputs, "uniform")
    truth = [packed.video(index) for index in range(len(inputs.scores))]
    scores = [scored.values for scored in inputs.scores.values()]
    report = conditional_report(scores, truth, tau=tau, published_look_ahead=published)
    details = {name: _plain(getattr(report, name)) for name in ("precision", "recall", "f1")}
    details["pairs"] = int((report.positives > 0).sum())
    stops = published and not (report.conditions > 0).all()
    return float("nan") if stops else report.map, {}, details


def by_events(inputs: EvaluationInputs, *, theta: float, on_empty_hull: Literal["nan", "zero"]) -> Outcome:
    """Many detections per event, mean over all classes."""
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


def by_tiou(inputs: EvaluationInputs, *, thresholds: tuple[float, ...], clean: bool) -> Outcome:
    """One detection per event; `clean` leaves duplicate and empty events out first."""
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


def _plain(value: float) -> float | None:
    """Undefined numbers as None, so that results are valid JSON."""
    return None if np.isnan(value) else float(value)
