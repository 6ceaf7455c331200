"""Action-conditional precision, recall and AP: are dependencies between actions captured?

Conventions: a class j is a condition at frame i if, for tau = 0, it is labelled there; for tau > 0, it is labelled in
one of the tau frames i - tau + 1 .. i but not at i itself (the published window includes the present frame, so
tau = 1 is always empty). Windows do not cross videos. Over the frames where j is a condition, every other class k
gets precision and recall of (score >= threshold) and average precision (equal scores form one step, as in
scikit-learn). Pairs where k never occurs are left out: NaN. Results are plain means over the remaining pairs; F1 is
formed from the two means. The published program stops if a class is never a condition; here it is left out.

Source: dairui01/MS-TCT `utils.py`, `Evaluation.py`; Tirupattur et al., "Modeling Multi-Label Action Dependencies for
Temporal Action Localization", CVPR 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ConditionalReport:
    """Means over pairs (fractions, NaN if no pair remains) and the matrices behind them.

    Args:
        precision_matrix, recall_matrix, ap_matrix: (K, K), row = condition, column = class, NaN = left out.
        positives: (K, K) frames of the column's class among the row's frames, 0 where left out.
        conditions: (K,) frames where each class is a condition.
    """

    precision: float
    recall: float
    f1: float
    map: float
    precision_matrix: Floats
    recall_matrix: Floats
    ap_matrix: Floats
    positives: Floats
    conditions: Floats


def conditional_report(
    scores: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    *,
    tau: int = 0,
    threshold: float = 0.5,
    published_look_ahead: bool = False,
) -> ConditionalReport:
    """The four numbers at one tau.

    Args:
        scores, targets: One (T, K) array per video.
        tau: Frames to look back; negative = ahead.
        published_look_ahead: For tau < 0, reproduce the published program, which shifts the wrong way.
    """
    truth = [np.asarray(video) != 0 for video in targets]
    if published_look_ahead and tau < 0:
        masks = [_published_ahead(video, -tau) for video in truth]
    else:
        masks = [condition_mask(video, tau) for video in truth]
    values, labels, on = np.concatenate([np.asarray(s) for s in scores]), np.concatenate(truth), np.concatenate(masks)
    if values.shape != labels.shape:
        problem = f"scores {values.shape} and targets {labels.shape}, expected the same"
        raise InputRefused("E-MET-001", "action_conditional", problem)
    condition = on.T.astype(np.float64)  # counts stay exact
    predicted = values >= threshold
    positives = condition @ labels.astype(np.float64)
    correct = condition @ (labels & predicted).astype(np.float64)
    claimed = condition @ predicted.astype(np.float64)
    kept = positives > 0
    np.fill_diagonal(kept, False)
    precision = np.where(kept, np.divide(correct, claimed, out=np.zeros_like(correct), where=claimed > 0), np.nan)
    recall = np.where(kept, np.divide(correct, positives, out=np.zeros_like(correct), where=kept), np.nan)
    ap = np.full(kept.shape, np.nan)
    for j in np.flatnonzero(kept.any(axis=1)):
        rows = np.flatnonzero(on[:, j])
        for k in np.flatnonzero(kept[j]):
            ap[j, k] = average_precision(values[rows, k], labels[rows, k])
    mean_precision, mean_recall = _mean(precision, kept), _mean(recall, kept)
    return ConditionalReport(
        precision=mean_precision,
        recall=mean_recall,
        f1=2 * mean_precision * mean_recall / (mean_precision + mean_recall + 1e-9),
        map=_mean(ap, kept),
        precision_matrix=precision,
        recall_matrix=recall,
        ap_matrix=ap,
        positives=np.where(kept, positives, 0.0),
        conditions=condition.sum(axis=1),
    )


def condition_mask(labels: Flags, tau: int) -> Flags:
    """Where each class is a condition in one video, (T, K) bool; see the module's conventions.

    tau < 0 looks ahead: labelled in one of the frames i .. i + |tau| - 1 but not at i.
    """
    if tau == 0:
        return labels
    if tau < 0:
        return condition_mask(labels[::-1], -tau)[::-1]
    count = np.cumsum(labels, axis=0)
    before = np.zeros_like(count)
    before[tau:] = count[:-tau]
    return ((count - before) > 0) & ~labels


def average_precision(scores: ArrayLike, targets: ArrayLike) -> float:
    """Non-interpolated AP of one class, (N,); equal scores are one step (as scikit-learn); 0 without a positive."""
    values, truth = np.asarray(scores), np.asarray(targets) != 0
    if not truth.any():
        return 0.0
    order = np.argsort(-values)
    last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    found = np.cumsum(truth[order])[last]
    return float((np.diff(found, prepend=0) * found / (last + 1)).sum() / found[-1])


def _published_ahead(labels: Flags, tau: int) -> Flags:
    count = np.cumsum(labels[::-1], axis=0)
    shifted = np.roll(count, -tau, axis=0)
    shifted[:tau] = 0
    return (np.clip(count - shifted, 0, 1)[::-1] > 0) & ~labels


def _mean(matrix: Floats, kept: Flags) -> float:
    return float(matrix[kept].mean()) if kept.any() else float("nan")
