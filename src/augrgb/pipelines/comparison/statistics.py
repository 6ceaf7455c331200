"""The numbers of a comparison: every seed's result, and what the seeds say about each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from augrgb.metrics.statistics import holm, mean_and_std, paired_difference
from augrgb.pipelines.comparison.jobs import Failure
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.comparison.search import MethodSearch


@dataclass(frozen=True)
class Results:
    """What was measured.

    Args:
        recipe: The comparison.
        values: row -> seed -> split -> protocol -> result as plain values; None where a cell could not be finished.
        failures: Why.
        searches: The trials behind the settings of each method, if there was a search.
    """

    recipe: ComparisonRecipe
    values: Mapping[str, Mapping[int, Mapping[str, Any] | None]]
    failures: tuple[Failure, ...] = ()
    searches: tuple[MethodSearch, ...] = ()

    def columns(self) -> list[tuple[str, str]]:
        """(split, protocol) of each column of the tables; protocol by protocol."""
        return [(split, protocol) for protocol in self.recipe.protocols for split in self.recipe.splits()]

    def of(self, row: str, column: tuple[str, str]) -> list[float]:
        """A row's value for each seed, NaN where there is none or the protocol leaves it undefined."""
        found = [self.values[row][seed] for seed in self.recipe.seeds]
        return [_or_nan(one[column[0]][column[1]]["value"] if one is not None else None) for one in found]

    def coverage(self, row: str, column: tuple[str, str]) -> tuple[int, int] | None:
        """Fewest videos scored in any seed, and how many there are."""
        found = [one[column[0]][column[1]] for one in self.values[row].values() if one is not None]
        return (min(r["videos_scored"] for r in found), found[0]["videos_total"]) if found else None

    def classes(self, row: str, column: tuple[str, str], label: str) -> list[float]:
        """A row's AP of one class for each seed, NaN where it is not defined."""
        found = [self.values[row][seed] for seed in self.recipe.seeds]
        each = [one[column[0]][column[1]]["per_class"].get(label) if one is not None else None for one in found]
        return [_or_nan(value) for value in each]


@dataclass(frozen=True)
class Statistic:
    """One row under one test and protocol, fractions; NaN where too few seeds are at hand.

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
    def decided(self) -> bool:
        """Whether the difference is told from zero at 5 % after correction."""
        return self.p_holm < 0.05


def statistics_of(results: Results) -> tuple[Statistic, ...]:
    """Every row in every column, in the order of the tables."""
    found: list[Statistic] = []
    for column in results.columns():
        rows = [_statistic(results, row, column) for row in results.recipe.rows]
        corrected = holm([row.p_t for row in rows])
        found += [replace(row, p_holm=p) for row, p in zip(rows, corrected, strict=True)]
    return tuple(found)


def _statistic(results: Results, row: str, column: tuple[str, str]) -> Statistic:
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


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
