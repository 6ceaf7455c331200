"""Scores on a clock to detections: connected runs of snippets above thresholds.

Conventions: cell t of the clock (`Clock.cells_s`) is the time that snippet t covers; a run of snippets a..b-1 is
the segment [cells[a], cells[b]), cut to the video. A snippet is on if its score is >= the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
DEFAULT_THRESHOLDS = tuple(i / 20 for i in range(1, 20))


def decode_scores(
    scores: ArrayLike,
    clock: Clock,
    classes: Sequence[str],
    video_id: str,
    *,
    thresholds: Sequence[float] | Mapping[str, float] = DEFAULT_THRESHOLDS,
    hysteresis: float = 1.0,
    min_duration_s: float = 0.0,
    max_gap_s: float = 0.0,
    contrast: bool = True,
    duration_s: float | None = None,
) -> list[Detection]:
    """Detections of one video, by class and start; a segment found at several thresholds is listed once.

    The score is the mean score over the segment, with `contrast` times (that mean - the mean of a quarter of the
    segment's length on either side, cut to [0, 1]). Without it a short piece of a plateau outranks the whole plateau:
    on synthetic scores with a per-frame mAP of 0.98, event mAP was 0.12 to 0.49 without and 0.88 to 0.99 with it
    (before and after smoothing). Several thresholds give nested proposals for `nms` or `soft_nms`; one threshold per
    class gives final events.

    Args:
        scores: (T, K) in [0, 1].
        thresholds: Tried one after the other on all classes, or one for each class by name.
        hysteresis: In (0, 1]: a run continues while scores are >= hysteresis x threshold, but must reach the threshold.
        min_duration_s: Shorter segments are left out.
        max_gap_s: Runs of a class at most this far apart become one.
        duration_s: End of the video; None = end of the last cell.

    Raises:
        InputRefused: Scores of the wrong shape, NaN, or outside [0, 1].
        UsageFault: A threshold outside (0, 1], or a class without one.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.shape[1] != len(classes):
        problem = f"scores have shape {values.shape}, expected (T, {len(classes)})"
        raise InputRefused("E-DET-002", video_id, problem)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise InputRefused("E-DET-003", video_id, "scores are NaN or outside [0, 1]", "Apply a sigmoid to logits.")
    levels = _levels(thresholds, classes)
    if not 0 < hysteresis <= 1 or min_duration_s < 0 or max_gap_s < 0:
        problem = f"hysteresis {hysteresis}, min_duration_s {min_duration_s}, max_gap_s {max_gap_s}"
        raise UsageFault("E-DET-001", "decode", problem, "hysteresis in (0, 1], durations not negative")
    if not len(values):
        return []
    borders = clock.cells_s(len(values)).clip(0, duration_s)
    total = np.concatenate([np.zeros((1, len(classes))), np.cumsum(values, axis=0)])
    found = []
    for level in levels:
        label, first, stop = _runs(values >= hysteresis * level)
        if hysteresis < 1:
            peaks = np.concatenate([np.zeros((1, len(classes)), np.int64), np.cumsum(values >= level, axis=0)])
            kept = peaks[stop, label] > peaks[first, label]
            label, first, stop = label[kept], first[kept], stop[kept]
        found.append(_joined(label, first, stop, borders, max_gap_s))
    table = np.unique(np.concatenate([np.stack(runs, axis=1) for runs in found]), axis=0)
    label, first, stop = table.T
    long_enough = borders[stop] - borders[first] >= max(min_duration_s, 1e-9)
    label, first, stop = label[long_enough], first[long_enough], stop[long_enough]
    score = _means(total, label, first, stop)
    if contrast:
        margin = np.maximum((stop - first + 3) // 4, 1)
        before, after = np.maximum(first - margin, 0), np.minimum(stop + margin, len(values))
        around = _means(total, label, before, after) * (after - before) - score * (stop - first)
        outside = (after - before) - (stop - first)
        around = np.divide(around, outside, out=np.zeros(len(score)), where=outside > 0)
        score = score * np.clip(score - around, 0, 1)
    rows = zip(label.tolist(), borders[first].tolist(), borders[stop].tolist(), score.clip(0, 1).tolist(), strict=True)
    return [Detection(video_id, classes[k], start, end, value) for k, start, end, value in rows]


def _levels(thresholds: Sequence[float] | Mapping[str, float], classes: Sequence[str]) -> list[Floats]:
    if isinstance(thresholds, Mapping):
        for name in thresholds:
            if name not in classes:
                raise UsageFault("E-DET-004", f"thresholds.{name}", "no such class", did_you_mean(name, classes))
        missing = [name for name in classes if name not in thresholds]
        if missing:
            raise UsageFault("E-DET-004", "thresholds", f"no threshold for {', '.join(missing)}", "Give one per class.")
        levels = [np.array([float(thresholds[name]) for name in classes])]
    else:
        levels = [np.full(len(classes), float(level)) for level in thresholds]
    if not levels or not all(((level > 0) & (level <= 1)).all() for level in levels):
        raise UsageFault("E-DET-004", "thresholds", f"{thresholds!r}", "Give at least one, each in (0, 1].")
    return levels


def _runs(on: NDArray[np.bool_]) -> tuple[Indices, Indices, Indices]:
    """Class, first and stop of every run of True along the first axis, by class and time."""
    count, classes = on.shape
    padded = np.zeros((classes, count + 2), np.int8)
    padded[:, 1:-1] = on.T
    change = np.diff(padded, axis=1)
    label, first = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    return label, first, stop


def _joined(
    label: Indices, first: Indices, stop: Indices, borders: Floats, max_gap_s: float
) -> tuple[Indices, Indices, Indices]:
    """Runs whose gap is at most `max_gap_s` seconds as one."""
    if max_gap_s == 0 or len(label) < 2:
        return label, first, stop
    apart = (label[1:] != label[:-1]) | (borders[first[1:]] - borders[stop[:-1]] > max_gap_s + 1e-9)
    opens, closes = np.append(True, apart), np.append(apart, True)
    return label[opens], first[opens], stop[closes]


def _means(total: Floats, label: Indices, first: Indices, stop: Indices) -> Floats:
    return np.asarray((total[stop, label] - total[first, label]) / (stop - first), np.float64)
