"""Changes laid over plain values: how a base, a method's `set`, a trial and a recipe's common part come together."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from augrgb.core.errors import UsageFault


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of `base` with `changes`: sections are merged, a dotted key replaces what lies there.

    A star in a dotted key stands for every key that is there, such as the one temporal filter of a stream.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d.e": 4})
    {'a': {'b': 3, 'c': 2}, 'd': {'e': 4}}
    >>> merged({"filter": {"gru": {"width": 8}}}, {"filter.*.width": 9})
    {'filter': {'gru': {'width': 9}}}

    Raises:
        UsageFault: E-CFG-003, a star where nothing is.
    """
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in changes.items():
        path = str(key).split(".")
        if len(path) > 1:
            _put(result, path, value)
            continue
        old = result.get(path[0])
        nested = isinstance(old, dict) and isinstance(value, dict)
        result[path[0]] = merged(old, value) if nested else copy.deepcopy(value)  # type: ignore[arg-type]
    return result


def _put(place: dict[str, Any], path: list[str], value: Any) -> None:
    first, *rest = path
    if first == "*" and not place:
        raise UsageFault("E-CFG-003", ".".join(path), "the star stands for nothing here", "Name the key.")
    for key in list(place) if first == "*" else [first]:
        if not rest:
            place[key] = copy.deepcopy(value)
        else:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            _put(place[key], rest, value)
