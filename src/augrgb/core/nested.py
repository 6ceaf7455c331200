"""Nested plain values (YAML, JSON): the one deep merge, dotted keys, and leaves.

Semantics, the same everywhere (a recipe over its base, a method's `set`, a trial of a search, overrides on the command
line, options over the usual ones):

* Two sections (mappings) under one key are merged key by key. Anything else replaces what was there: a list is never
  appended to, and None replaces too.
* A dotted key is a path. It replaces what lies at its end, sections included; missing sections on the way are made.
  A plain value on the way is an error: nothing is dropped silently.
* A star in a dotted key matches every key that is there, such as the one temporal filter of a stream.
* Nothing is shared with the inputs: results are deep copies.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from augrgb.core.errors import UsageFault
from augrgb.core.shown import shown


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` laid over `base`; a dot in a key is an ordinary character.

    >>> merge({"a": {"b": 1, "c": [2]}}, {"a": {"c": [3]}, "d": None})
    {'a': {'b': 1, 'c': [3]}, 'd': None}
    """
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in changes.items():
        old = result.get(key)
        nested = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merge(old, value) if nested else copy.deepcopy(value)  # type: ignore[arg-type]
    return result


def merge_dotted(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` laid over `base`, where a key of `changes` with dots is a path (at any depth).

    >>> merge_dotted({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d.e": 4})
    {'a': {'b': 3, 'c': 2}, 'd': {'e': 4}}
    >>> merge_dotted({"filter": {"gru": {"width": 8}}}, {"filter.*.width": 9})
    {'filter': {'gru': {'width': 9}}}

    Raises:
        UsageFault: As `set_at`.
    """
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in changes.items():
        path = str(key).split(".")
        if len(path) > 1:
            set_at(result, path, copy.deepcopy(value))
            continue
        old = result.get(key)
        nested = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merge_dotted(old, value) if nested else copy.deepcopy(value)  # type: ignore[arg-type]
    return result


def set_at(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set the value at a path, in place; sections that are missing or None are made.

    >>> values = {"train": {"steps": 5}}
    >>> set_at(values, ["train", "steps"], 9)
    >>> set_at(values, ["data", "split"], "cross_view")
    >>> values
    {'train': {'steps': 9}, 'data': {'split': 'cross_view'}}

    Raises:
        UsageFault: E-CFG-008, the path leads through a plain value, or a star matches nothing.
    """
    dotted = ".".join(path)
    first, *rest = path
    if first == "*" and not values:
        raise UsageFault("E-CFG-008", dotted, "`*` matches no key here", "Write the key out.")
    for key in list(values) if first == "*" else [first]:
        if not rest:
            values[key] = value
            continue
        if values.get(key) is None:
            values[key] = {}
        section = values[key]
        if not isinstance(section, dict):
            raise UsageFault("E-CFG-008", dotted, f"{key} is {shown(section)}, not a section")
        set_at(section, rest, value)


def leaves(values: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of everything that is not a mapping; None and empty sections are left out.

    >>> leaves({"a": {"b": 1, "c": None}, "d": (2, 3)})
    {'a.b': 1, 'd': [2, 3]}
    """
    if isinstance(values, Mapping):
        parts = [leaves(inner, f"{prefix}.{key}" if prefix else str(key)) for key, inner in values.items()]
        return {name: leaf for part in parts for name, leaf in part.items()}
    if values is None:
        return {}
    return {prefix: list(values) if isinstance(values, tuple) else values}
