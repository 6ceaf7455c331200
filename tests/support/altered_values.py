"""Values of plain data (objects and lists), altered in one place at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any


def places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all values inside a value, itself included."""
    yield where
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*where, key))


def replaced(value: Any, where: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value in one place."""
    if not where:
        return new
    value = copy.deepcopy(value)
    holder = value
    for key in where[:-1]:
        holder = holder[key]
    holder[where[-1]] = new
    return value
