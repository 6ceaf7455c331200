"""Plain values against type hints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from augrgb.core.fit import Unfit, fit


@dataclass(frozen=True)
class Inner:
    rate: float
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    notes: Mapping[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, float, 3.0),
        (3, int | None, 3),
        (3, float | tuple[float, ...], 3.0),
        ([1, 2.5], float | tuple[float, ...], (1.0, 2.5)),
        (None, int | None, None),
        ("b", Literal["a", "b"], "b"),
        ([1], list[int], [1]),
        ({"inner": {"rate": 2, "size": [3, 4]}}, Outer, Outer(Inner(2.0, (3, 4)))),
        ({"inner": Inner(1.0), "notes": {"x": [1]}}, Outer, Outer(Inner(1.0), {"x": [1]})),
    ],
)
def test_what_fits(value: Any, hint: Any, expected: Any) -> None:
    assert fit(value, hint) == expected and type(fit(value, hint)) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        (True, int, "value is True, expected int"),
        (True, float, "expected float"),
        (1, bool, "expected bool"),
        (1.0, int, "expected int"),
        (1, Literal[True], "expected"),
        ("ab", tuple[str, ...], "expected tuple"),
        ([1, 2, 3], tuple[int, int], "has 3 items, expected 2"),
        ([1, "x"], tuple[int, ...], r"value\.1 is 'x', expected int"),
        ({"rate": 1.0}, Outer, r"value\.rate is unknown"),
        ({}, Outer, r"value\.inner is missing"),
        ({"inner": {"rate": "fast"}}, Outer, r"value\.inner\.rate is 'fast', expected float"),
        ({"inner": {"rate": "fast"}}, Outer | None, r"value\.inner\.rate"),
    ],
)
def test_what_does_not_fit_names_its_place(value: Any, hint: Any, message: Any) -> None:
    with pytest.raises(Unfit, match=message):
        fit(value, hint)
