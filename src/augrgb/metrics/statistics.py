"""Statistics over few seeds: means, paired differences, tests and their correction.

Conventions: samples are paired by position (seed i of one method with seed i of the other). Standard deviations are
sample standard deviations (n - 1). Tests are two-sided. What cannot be computed (a std of one value) is NaN.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augrgb.core.errors import UsageFault
from augrgb.core.seeds import rng_at

_EXACT_UP_TO = 16


@dataclass(frozen=True, slots=True)
class Paired:
    """Difference a - b over n pairs.

    Args:
        mean, std: Of the differences.
        low, high: 95 % t-interval of the mean (NaN for n = 1).
        p_t: Paired t-test.
        p_sign_flip: Sign-flip permutation test (its smallest possible value is 2 / 2**n).
    """

    n: int
    mean: float
    std: float
    low: float
    high: float
    p_t: float
    p_sign_flip: float


def mean_and_std(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (NaN for one value).

    >>> mean_and_std([1.0, 2.0, 3.0])
    (2.0, 1.0)
    """
    sample = np.asarray(values, np.float64)
    if not len(sample):
        return math.nan, math.nan
    return float(sample.mean()), float(sample.std(ddof=1)) if len(sample) > 1 else math.nan


def paired_difference(a: Sequence[float], b: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Paired:
    """Compare two methods seed by seed.

    Differences that are all equal and not zero have p_t = 0; all zero, p_t = 1.

    Args:
        seed: Of the random sign flips, used from 17 pairs on.

    Raises:
        UsageFault: No pairs, or different numbers of values.
    """
    if len(a) != len(b) or not len(a):
        problem = f"{len(a)} and {len(b)} values, expected pairs"
        raise UsageFault("E-MET-013", "paired_difference", problem, "Run both methods with the same seeds.")
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    n = len(difference)
    mean, std = mean_and_std(difference.tolist())
    if n == 1:
        return Paired(1, mean, math.nan, math.nan, math.nan, math.nan, 1.0)
    error = std / math.sqrt(n)
    half = t_quantile(0.5 + confidence / 2, n - 1) * error
    if error > 0:
        p_t = t_two_sided(mean / error, n - 1)
    else:
        p_t = 1.0 if mean == 0 else 0.0
    return Paired(n, mean, std, mean - half, mean + half, p_t, sign_flip_test(difference.tolist(), seed=seed))


def sign_flip_test(differences: Sequence[float], *, draws: int = 100_000, seed: int = 0) -> float:
    """Probability of a mean at least as far from 0 if every difference could as well have the other sign.

    Exact over all 2**n sign patterns up to n = 16, else estimated from `draws` random ones (the observed one included).
    """
    values = np.asarray(differences, np.float64)
    n = len(values)
    if n == 0:
        return 1.0
    observed = abs(values.sum()) - 1e-12 * np.abs(values).sum()  # equal sums must count as equal despite rounding
    if n <= _EXACT_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=n - 1))).reshape(2 ** (n - 1), n - 1)
        sums = values[0] + signs @ values[1:]  # the other half mirrors this one
        return float(np.mean(np.abs(sums) >= observed))
    rng, hits, left = rng_at(seed, "sign flip", n), 1, draws
    while left > 0:
        size = min(left, 10_000)
        signs = rng.integers(0, 2, (size, n)) * 2.0 - 1.0
        hits += int((np.abs(signs @ values) >= observed).sum())
        left -= size
    return hits / (draws + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-corrected p-values, in the given order; NaN stays NaN and does not count as a test.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    valid = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    result, largest = [math.nan] * len(p_values), 0.0
    for place, i in enumerate(sorted(valid, key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(valid) - place) * p_values[i]))
        result[i] = largest
    return result


def t_two_sided(t: float, degrees: float) -> float:
    """Probability that Student's t is at least as far from 0 as `t`."""
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def t_cdf(t: float, degrees: float) -> float:
    """Cumulative distribution of Student's t."""
    tail = 0.5 * t_two_sided(t, degrees)
    return 1 - tail if t >= 0 else tail


def t_quantile(p: float, degrees: float) -> float:
    """Inverse of `t_cdf`, by bisection.

    >>> round(t_quantile(0.975, 4), 4)
    2.7764
    """
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1 - p, degrees)
    low, high = 0.0, 1.0
    while t_cdf(high, degrees) < p:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, degrees) < p else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    tiny = 1e-300
    c, d = 1.0, 1 / (_away(1 - (a + b) * x / (a + 1), tiny))
    fraction = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1 / _away(1 + term * d, tiny)
            c = _away(1 + term / c, tiny)
            step = d * c
            fraction *= step
        if abs(step - 1) < 1e-15:
            break
    return front * fraction


def _away(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
