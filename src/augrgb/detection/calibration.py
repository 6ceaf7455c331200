"""Calibrated scores: a score of 0.8 should be right four times in five.

A scaling has two numbers per class, a positive slope and an intercept on the log-odds of the score (Platt,
"Probabilistic Outputs for Support Vector Machines", 1999; Guo et al., ICML 2017). The order of scores, and with it the
average precision, stays. A staircase (isotonic regression, by pooling adjacent violators) fits any monotone relation,
but makes ties. NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_PRIOR = 1.0  # how many snippets the belief "these scores are probabilities already" is worth


@dataclass(frozen=True, slots=True)
class Scaling:
    """probability = sigmoid(slope * log-odds of the score + intercept), slope > 0.

    >>> float(Scaling()(0.25))
    0.25
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, scores: ArrayLike) -> Floats:
        """Calibrated scores of the same shape; 0 and 1 stay what they are."""
        values = np.asarray(scores, np.float64)
        if (self.slope, self.intercept) == (1.0, 0.0):
            return values.copy()
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(1 / (1 + np.exp(-(self.slope * _log_odds(values) + self.intercept))), np.float64)


@dataclass(frozen=True, slots=True)
class Staircase:
    """Probabilities by linear interpolation between knots; scores outside keep the value at the end."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, scores: ArrayLike) -> Floats:
        """Calibrated scores of the same shape."""
        return np.asarray(np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities), np.float64)


Calibration = Scaling | Staircase


def fit_scaling(scores: ArrayLike, positive: ArrayLike) -> Scaling:
    """Slope and intercept of the highest likelihood, with a weak belief in the scores as they are.

    Args:
        scores: (N,) in [0, 1].
        positive: (N,) bool, whether the class is there. One kind alone changes nothing.
    """
    x, y = _log_odds(np.asarray(scores, np.float64).clip(1e-6, 1 - 1e-6)), np.asarray(positive, np.float64)
    if not 0 < y.sum() < len(y):
        return Scaling()
    theta = np.zeros(2)  # log of the slope, intercept

    def cost(at: Floats) -> float:
        z = np.exp(at[0]) * x + at[1]
        return float(np.sum(np.logaddexp(0, z) - y * z) + 0.5 * _PRIOR * np.sum(at**2))

    best = cost(theta)
    for _ in range(100):
        slope = np.exp(theta[0])
        z = slope * x + theta[1]
        p = 0.5 * (1 + np.tanh(0.5 * z))
        columns = np.stack([slope * x, np.ones_like(x)])
        gradient = columns @ (p - y) + _PRIOR * theta
        # The Gauss-Newton matrix is positive definite whatever the residuals, so every step goes downhill.
        step = np.linalg.solve((columns * (p * (1 - p))) @ columns.T + _PRIOR * np.eye(2), gradient)
        scale = 1.0
        while scale > 1e-6 and cost(theta - scale * step) > best:
            scale /= 2
        if scale <= 1e-6:
            break
        theta = theta - scale * step
        gained, best = best - cost(theta), cost(theta)
        if gained < 1e-10 * (1 + abs(best)):
            break
    return Scaling(float(np.exp(theta[0])), float(theta[1]))


def fit_staircase(scores: ArrayLike, positive: ArrayLike) -> Staircase:
    """Isotonic regression by pooling adjacent violators.

    >>> fit_staircase([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]).probabilities
    (0.0, 0.5, 0.5, 1.0)
    """
    x, y = np.asarray(scores, np.float64), np.asarray(positive, np.float64)
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, y, len(values)) / counts
    blocks: list[list[float]] = []  # mean, weight, first, last
    for place, (mean, weight) in enumerate(zip(means.tolist(), counts.tolist(), strict=True)):
        blocks.append([mean, float(weight), float(place), float(place)])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, weight, _, last = blocks.pop()
            before = blocks[-1]
            total = before[1] + weight
            before[:] = [(before[0] * before[1] + mean * weight) / total, total, before[2], last]
    knots: list[tuple[float, float]] = []
    for mean, _, first, last in blocks:
        knots += [(float(values[int(place)]), float(mean)) for place in dict.fromkeys((first, last))]
    return Staircase(tuple(score for score, _ in knots), tuple(probability for _, probability in knots))


def calibrate(scores: ArrayLike, calibrations: Mapping[str, Calibration], classes: Sequence[str]) -> Floats:
    """(T, K) scores, each class by its own calibration; classes without one stay as they are."""
    values = np.array(scores, np.float64)
    for k, label in enumerate(classes):
        if label in calibrations:
            values[:, k] = calibrations[label](values[:, k])
    return values


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Of `count` scores in [low, high): their mean, and the share that was right."""

    low: float
    high: float
    count: int
    mean_score: float
    share: float


def reliability(scores: ArrayLike, positive: ArrayLike, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """How often scores are right, in bins of equal width; empty ones are left out."""
    x, y = np.asarray(scores, np.float64).ravel(), np.asarray(positive, np.float64).ravel()
    place = np.minimum((x * bins).astype(np.int64), bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            low, high = number / bins, (number + 1) / bins
            found.append(ReliabilityBin(low, high, int(inside.sum()), float(x[inside].mean()), float(y[inside].mean())))
    return tuple(found)


def _log_odds(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values) - np.log1p(-values), np.float64)
