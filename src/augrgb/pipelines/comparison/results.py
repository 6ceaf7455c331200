"""What a comparison measured: one result per row, seed, test and protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from augrgb.pipelines.comparison.jobs import Failure
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.comparison.row_result import Column, RowResult
from augrgb.pipelines.comparison.search import MethodSearch


@dataclass(frozen=True)
class Results:
    """What was measured.

    Args:
        recipe: The comparison.
        values: row -> seed -> results; None where a cell could not be finished.
        failures: Why.
        searches: The trials behind the settings of each method, if there was a search.
    """

    recipe: ComparisonRecipe
    values: Mapping[str, Mapping[int, RowResult | None]]
    failures: tuple[Failure, ...] = ()
    searches: tuple[MethodSearch, ...] = ()

    def columns(self) -> list[Column]:
        """Every column of the tables, protocol by protocol."""
        return [Column(split, protocol) for protocol in self.recipe.protocols for split in self.recipe.splits()]

    def of(self, row: str, column: Column) -> list[float]:
        """A row's value for each seed, NaN where there is none or the protocol leaves it undefined."""
        return [math.nan if one is None else one[column].value for one in self._seeds(row)]

    def coverage(self, row: str, column: Column) -> tuple[int, int] | None:
        """Fewest videos scored in any seed, and how many there are; None without a result."""
        found = [one[column] for one in self._seeds(row) if one is not None]
        return (min(one.videos_scored for one in found), found[0].videos_total) if found else None

    def classes(self, row: str, column: Column, label: str) -> list[float]:
        """A row's AP of one class for each seed, NaN where it is not defined."""
        return [math.nan if one is None else one[column].per_class.get(label, math.nan) for one in self._seeds(row)]

    def at_tious(self, row: str, column: Column) -> dict[str, list[float]]:
        """Of a protocol that averages over tIoU thresholds: threshold -> value for each seed; {} of any other."""
        found = [{} if one is None else one[column].details.get("map", {}) for one in self._seeds(row)]
        return {tiou: [each.get(tiou, math.nan) for each in found] for tiou in max(found, key=len, default={})}

    def _seeds(self, row: str) -> list[RowResult | None]:
        return [self.values[row][seed] for seed in self.recipe.seeds]
