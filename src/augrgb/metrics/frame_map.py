"""Per-frame average precision: how well each class's frames are ranked by score.

Conventions: the frames (snippets) of all videos are concatenated; scores may be any real numbers, minus infinity
included; NaN is refused. Equal scores keep their input order (a stable descending sort; the published codes use an
unstable one, so their result on ties depends on the machine). No interpolation. Results are fractions in float64
(the published codes add up in float32, a difference below 1e-5). A class without positives has AP 0 in `frame_ap`,
NaN in `frame_ap_present`; which of the two means is meant is part of a protocol's name, see `mean_all_classes` and
`mean_present_classes`.

Sources: piergiaj/super-events-cvpr18 `apmeter.py` (also in PDAN, MS-TCT, Toyota_Smarthome, TSU_evaluation) and
gsig/charades-algorithms `map.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused

Floats = NDArray[np.float64]
_INDEX_BITS = np.uint64(0x7FFFFFFF)


def frame_ap(scores: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Average precision of every class over all frames.

    Precision at rank r is the share of positives among the r highest-scored frames; AP is its mean over the ranks of
    the positives. A class without positives has AP exactly 0.

    With weights w, precision at rank r is (sum of w over the positives) / (sum of w) over the first r frames, still
    divided by the *unweighted* number of positives. As published, a zero weight at the top rank makes the class NaN
    if that frame is positive.

    Args:
        scores: (N, K) real numbers.
        targets: (N, K), non-zero = positive.
        weights: (N,) non-negative weight of each frame.

    Returns:
        (K,) fractions.

    Raises:
        InputRefused: Shapes differ, or a score is NaN.

    >>> frame_ap([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], [[1, 0], [0, 0], [1, 0]]).round(3).tolist()
    [0.833, 0.0]
    """
    scores, targets = _checked(scores, targets)
    w = None if weights is None else np.asarray(weights, np.float64)
    if w is not None and w.shape != scores.shape[:1]:
        raise InputRefused("E-MET-001", "frame_ap", f"weights {w.shape} for scores {scores.shape}, expected (N,)")
    result = np.zeros(scores.shape[1])
    for k in range(scores.shape[1]):
        positive = np.ascontiguousarray(targets[:, k]) != 0
        count = int(np.count_nonzero(positive))
        if count == 0:
            continue
        if w is None:
            hits = np.arange(1, count + 1) / (_ranks_of_positives(scores[:, k], positive) + 1)
        else:
            order = _descending(scores[:, k])
            with np.errstate(invalid="ignore", divide="ignore"):
                precision = np.cumsum(w[order] * positive[order]) / np.cumsum(w[order])
            hits = precision[positive[order]]
        result[k] = hits.sum() / count
    return result


def mean_all_classes(ap: Floats) -> float:
    """Plain mean over all K classes, those without positives included as 0 (super-events, MS-TCT `Evaluation.py`)."""
    return float(np.mean(ap)) if len(ap) else float("nan")


def mean_present_classes(ap: Floats) -> float:
    """Mean over the classes whose AP is not 0: those with a positive frame (PDAN, MS-TCT training, TSU).

    NaN if there are none. A class with positives always has AP > 0, so nothing else is left out; a NaN class (weights
    of zero) counts as present and makes the mean NaN, as published.
    """
    present = ap != 0
    return float(ap[present].sum() / present.sum()) if present.any() else float("nan")


def frame_ap_present(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """`frame_ap` in which a class without positives is NaN (gsig `map`). Shapes: (N, K), (N, K) -> (K,)."""
    scores, targets = _checked(scores, targets)
    ap = frame_ap(scores, targets)
    ap[~(targets != 0).any(axis=0)] = np.nan
    return ap


def frequency_weighted_terms(ap: Floats, targets: ArrayLike) -> Floats:
    """AP of each class times its share of all positives, (K,); their sum is the frequency-weighted mAP (gsig `map`)."""
    counts = (np.asarray(targets) != 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ap * counts / counts.sum(), np.float64)


def charades_frame_ap(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """`frame_ap_present` after frames without any action were sent to the end of the ranking (gsig `charades_map`).

    Published, but it looks at the truth to correct the prediction, and so gives a higher AP.
    """
    scores, targets = _checked(scores, targets)
    corrected = np.array(scores, np.float64 if scores.dtype != np.float32 else np.float32)
    corrected[~(targets != 0).any(axis=1)] = -np.inf
    return frame_ap_present(corrected, targets)


def sampled25_rows(num_snippets: int) -> NDArray[np.int64]:
    """Rows of one video that the "25 sampled" protocol looks at (MS-TCT): 1, 1 + q, ... with q = floor(T / 25).

    Empty for T <= 25: such videos are left out. As published the first row is 1, not 0, and for T just below a
    multiple of 25 the samples cover only the start of the video.

    >>> sampled25_rows(60)[:3].tolist(), len(sampled25_rows(60)), len(sampled25_rows(25))
    ([1, 3, 5], 25, 0)
    """
    if num_snippets <= 25:
        return np.zeros(0, np.int64)
    return np.arange(1, num_snippets, num_snippets // 25, dtype=np.int64)[:25]


def evenly_sampled_rows(num_snippets: int, points: int = 25) -> NDArray[np.int64]:
    """The corrected `sampled25_rows`: rows in the middle of `points` equal parts of the video, whatever its length."""
    return np.floor((np.arange(points) + 0.5) / points * num_snippets).astype(np.int64)


def frame_ap_sampled25(scores: Sequence[ArrayLike], targets: Sequence[ArrayLike]) -> tuple[Floats, list[bool]]:
    """`frame_ap` on 25 rows per video, and which videos were long enough to be used.

    Args:
        scores, targets: One (T, K) array per video.
    """
    rows = [sampled25_rows(len(np.asarray(s))) for s in scores]
    used = [len(r) > 0 for r in rows]
    if not any(used):
        classes = np.asarray(scores[0]).shape[1] if scores else 0
        return np.zeros(classes), used
    picked = [np.asarray(s)[r] for s, r in zip(scores, rows, strict=True)]
    truth = [np.asarray(y)[r] for y, r in zip(targets, rows, strict=True)]
    return frame_ap(np.concatenate(picked), np.concatenate(truth)), used


def _checked(scores: ArrayLike, targets: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.generic]]:
    values, truth = np.asarray(scores), np.asarray(targets)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float32 if values.dtype == np.float16 else np.float64)
    if values.ndim != 2 or values.shape != truth.shape:
        problem = f"scores {values.shape} and targets {truth.shape}, expected both (N, K)"
        raise InputRefused("E-MET-001", "frame_ap", problem)
    if values.size and np.isnan(values.min()):
        row, k = np.argwhere(np.isnan(values))[0]
        raise InputRefused("E-MET-002", "frame_ap", f"score of frame {row}, class {k} is NaN", "Look at the model.")
    return values, truth


def _ranks_of_positives(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Zero-based ranks of the positive frames in the stable descending order, ascending."""
    if scores.dtype == np.float64 or len(scores) > _INDEX_BITS:
        return np.flatnonzero(positive[_descending(scores)])
    keys = _sort_keys(scores) | positive
    keys.sort()
    return np.flatnonzero((keys & np.uint64(1)).astype(bool))


def _descending(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Indices of a stable descending sort."""
    return np.argsort(-scores, kind="stable")


def _sort_keys(scores: NDArray[np.floating]) -> NDArray[np.uint64]:
    """Distinct integers whose ascending order is the stable descending order of float32 `scores`; the last bit is 0.

    One plain (vectorised) sort of these is several times faster than a stable argsort.
    """
    bits = (np.ascontiguousarray(scores) + np.float32(0)).view(np.uint32)  # + 0 makes -0.0 equal 0.0
    negative = bits >> 31 != 0
    descending = np.where(negative, bits, ~bits & np.uint32(0x7FFFFFFF))
    return (descending.astype(np.uint64) << np.uint64(32)) | (np.arange(len(bits), dtype=np.uint64) << np.uint64(1))
