"""Statistics of a comparison: mean, standard deviation and paired tests over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from augrgb.metrics.statistics import holm, mean_and_std, paired_difference
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.row_result import Column


@dataclass(frozen=True)
class Statistic:
    """One row under one test and protocol, fractions; NaN where there are too few seeds.

    Args:
        row, against: The row, and the one that it is paired with, seed by seed ("" for the baseline).
        split, protocol: The column.
        n: Seeds with a result. `pairs`: seeds in which both rows have one.
        mean, std: Over the seeds; the std is the sample's (n - 1).
        delta, delta_std: Mean and std of the paired differences.
        low, high: 95 % t-interval of `delta`.
        p_t, p_sign_flip: Two-sided paired t-test and sign-flip permutation test.
        p_holm: `p_t` corrected (Holm 1979) for all rows that were tested in this column.
    """

    row: str
    against: str
    split: str
    protocol: str
    n: int
    pairs: int
    mean: float
    std: float
    delta: float = math.nan
    delta_std: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_t: float = math.nan
    p_sign_flip: float = math.nan
    p_holm: float = math.nan

    @property
    def column(self) -> Column:
        """The column of the tables."""
        return Column(self.split, self.protocol)

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 % after correction."""
        return self.p_holm < 0.05


def statistics_of(results: Results) -> tuple[Statistic, ...]:
    """Every row in every column, in the order of the tables."""
    found: list[Statistic] = []
    for column in results.columns():
        rows = [_statistic(results, row, column) for row in results.recipe.rows]
        corrected = holm([row.p_t for row in rows])
        found += [replace(row, p_holm=p) for row, p in zip(rows, corrected, strict=True)]
    return tuple(found)


def _statistic(results: Results, row: str, column: Column) -> Statistic:
    values = results.of(row, column)
    known = [value for value in values if not math.isnan(value)]
    mean, std = mean_and_std(known)
    against = results.recipe.against(row) or ""
    pairs = paired_values(values, results.of(against, column)) if against else []
    plain = Statistic(row, against, *column, n=len(known), pairs=len(pairs), mean=mean, std=std)
    if not pairs:
        return plain
    paired = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
    return replace(
        plain,
        delta=paired.mean,
        delta_std=paired.std,
        low=paired.low,
        high=paired.high,
        p_t=paired.p_t,
        p_sign_flip=paired.p_sign_flip,
    )


def paired_values(a: Sequence[float], b: Sequence[float]) -> list[tuple[float, float]]:
    """The pairs in which both are known."""
    return [(x, y) for x, y in zip(a, b, strict=True) if not (math.isnan(x) or math.isnan(y))]
