"""One row of a comparison with one seed: a result per test and protocol, also as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from augrgb.metrics.evaluation import MetricResult
from augrgb.workflows.evaluate import result_from_json, result_to_json


class Column(NamedTuple):
    """A column of the tables: a protocol on the test videos of a split."""

    split: str
    protocol: str


@dataclass(frozen=True)
class RowResult:
    """A row with one seed.

    Args:
        results: One per column.
    """

    results: Mapping[Column, MetricResult]

    def __getitem__(self, column: Column) -> MetricResult:
        return self.results[column]

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Plain values: split -> protocol -> result."""
        plain: dict[str, dict[str, Any]] = {}
        for column, result in self.results.items():
            plain.setdefault(column.split, {})[column.protocol] = result_to_json(result)
        return plain

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> RowResult:
        """The inverse of `to_json`."""
        return cls(
            {
                Column(split, protocol): result_from_json(result)
                for split, protocols in values.items()
                for protocol, result in protocols.items()
            }
        )
