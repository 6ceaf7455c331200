"""Values out of JSON that others wrote, with the place in the file when they are not what they should be."""

from __future__ import annotations

from typing import Any

from augrgb.core.errors import InputRefused
from augrgb.core.shown import shown

_NAMES = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


def as_object(value: Any, *place: object) -> dict[str, Any]:
    """A JSON object."""
    if isinstance(value, dict):
        return value
    raise _wrong(value, "an object", place)


def as_list(value: Any, *place: object) -> list[Any]:
    """A JSON list."""
    if isinstance(value, list):
        return value
    raise _wrong(value, "a list", place)


def as_number(value: Any, *place: object) -> float:
    """A number; numbers in quotes are understood. NaN passes: `repair` judges it with the other times."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)  # never an OverflowError: JSON's large whole numbers are read as floats
    if isinstance(value, str):
        try:
            if "_" not in value:  # Python's own way of writing 1000 as 1_000
                return float(value)
        except ValueError:
            pass
    raise _wrong(value, "a number", place)


def as_integer(value: Any, *place: object) -> int:
    """A whole number."""
    number = as_number(value, *place)
    if number != number // 1:  # also NaN and infinity
        raise _wrong(value, "a whole number", place)
    return int(number)


def as_text(value: Any, *place: object) -> str:
    """Text; a number stands for its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _wrong(value, "text", place)


def as_label(value: Any, *place: object) -> str:
    """Text or a number; nothing is "", an event whose label is not known."""
    return "" if value is None else as_text(value, *place)


def member(value: dict[str, Any], key: str, *place: object) -> Any:
    """One key of an object that must be there."""
    if key not in value:
        raise InputRefused(
            "E-ANN-001",
            _where(place),
            f"no {key!r}; keys: {', '.join(shown(key) for key in list(value)[:20]) or 'none'}",
        )
    return value[key]


def _wrong(value: Any, expected: str, place: tuple[object, ...]) -> InputRefused:
    found = "null" if value is None else f"{_NAMES.get(type(value), type(value).__name__)} ({shown(value, 60)})"
    return InputRefused("E-ANN-001", _where(place), f"expected {expected}, found {found}")


def _where(place: tuple[object, ...]) -> str:
    return " ".join(map(str, place))
