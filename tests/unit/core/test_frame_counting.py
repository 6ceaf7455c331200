"""Frame numbers as times."""

import math

from augrgb.core.timeline import FrameCounting


def test_numbers_of_hundreds_of_digits_are_infinite() -> None:
    most = int("9" * 400)
    assert FrameCounting(fps=30.0).to_seconds(-most, most) == (-math.inf, math.inf)


def test_both_ends_belong_to_it() -> None:
    assert FrameCounting(fps=10.0, first=1, end_inclusive=True).to_seconds(1, 10) == (0.0, 1.0)
