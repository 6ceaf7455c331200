"""Plain values (from JSON, YAML or Python) as a type hint wants them, without a validation library.

Covers what options and descriptions of models need: numbers, strings, choices, tuples, mappings, dataclasses. Pydantic,
which recipes use, says more about what is wrong, but takes longer to import than a model takes to load.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from augrgb.core.shown import shown


class Unfit(ValueError):
    """A value that a type hint does not accept; the message names its place inside the whole."""


def fit(value: Any, hint: Any, place: str = "value") -> Any:
    """The value as the type hint wants it: lists become tuples, whole numbers floats, mappings dataclasses.

    Args:
        value: A plain value.
        hint: `int`, `float`, `bool`, `str`, `None`, `Any`, and `Literal`, unions, `tuple`, `list`, `dict` or `Mapping`,
            and dataclasses of these; other classes accept their own instances.
        place: Where the value stands, for messages.

    Raises:
        Unfit: The value does not fit.

    >>> fit([3, 4], tuple[int, int]), fit(2, float | None), fit({"a": [1.5]}, dict[str, tuple[float, ...]])
    ((3, 4), 2.0, {'a': (1.5,)})
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is typing.Literal:
        if any(type(value) is type(choice) and value == choice for choice in inner):
            return value
    elif origin in (typing.Union, types.UnionType):
        return _first_fit(value, inner, hint, place)
    elif origin in (tuple, list):
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return _fit_items(value, origin, inner, place)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        if isinstance(value, Mapping):
            return {fit(key, inner[0], place): fit(each, inner[1], f"{place}.{key}") for key, each in value.items()}
    elif hint is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif hint in (None, type(None)):
        if value is None:
            return None
    elif isinstance(hint, type):
        if type(value) is hint or (hint not in (int, str, bool) and isinstance(value, hint)):
            return value
        if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
            return _fit_fields(value, hint, place)
    raise Unfit(f"{place} is {shown(value)}, expected {_shown(hint)}")


def _first_fit(value: Any, hints: Sequence[Any], hint: Any, place: str) -> Any:
    if any(type(value) is each for each in hints):
        return value
    problem = f"{place} is {shown(value)}, expected {_shown(hint)}"
    for each in hints:
        try:
            return fit(value, each, place)
        except Unfit as fault:
            if dataclasses.is_dataclass(each):  # its own message says which field
                problem = str(fault)
    raise Unfit(problem)


def _fit_items(value: Sequence[Any], kind: type, inner: Sequence[Any], place: str) -> Any:
    if kind is list or (len(inner) == 2 and inner[1] is Ellipsis):
        return kind(fit(item, inner[0], f"{place}.{number}") for number, item in enumerate(value))
    if len(value) != len(inner):
        raise Unfit(f"{place} has {len(value)} items, expected {len(inner)}")
    pairs = zip(value, inner, strict=True)
    return tuple(fit(item, each, f"{place}.{number}") for number, (item, each) in enumerate(pairs))


def _fit_fields(value: Mapping[str, Any], kind: type, place: str) -> Any:
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    for key in value:
        if key not in fields:
            raise Unfit(f"{place}.{key} is unknown")
    for name, field in fields.items():
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in value and not optional:
            raise Unfit(f"{place}.{name} is missing")
    return kind(**{key: fit(each, hints[key], f"{place}.{key}") for key, each in value.items()})


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint).replace("typing.", "")
