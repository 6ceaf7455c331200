"""Monotone clocks from the stamps a file gives."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augrgb.video.frame_clock import FrameClock


def times(stamps: Any, base: Any = 0.1, interval: Any = 0.1) -> Any:
    clock = FrameClock(base, interval)
    return [clock.time_of(stamp) for stamp in stamps], clock


def test_start_is_subtracted() -> None:
    assert times([7, 8, 9])[0] == pytest.approx([0, 0.1, 0.2])


def test_missing_stamps_follow_by_one_interval() -> None:
    found, clock = times([None, 4, None, 6])
    assert found == pytest.approx([0, 0.1, 0.2, 0.3]) and clock.missing == 2


def test_small_steps_back_are_raised_and_do_not_shift_what_follows() -> None:
    found, clock = times([0, 2, 1, 3, 3, 4])
    assert found == pytest.approx([0, 0.2, 0.2, 0.3, 0.3, 0.4]) and clock.repaired == 2


def test_a_jump_back_is_a_new_recording() -> None:
    found, clock = times([50, 51, 52, 20, 21])
    assert found == pytest.approx([0, 0.1, 0.2, 0.3, 0.4]) and clock.repaired == 1


@given(st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), max_size=40))
def test_never_backwards(stamps: Any) -> None:
    found, _ = times(stamps, base=0.001, interval=0.04)
    assert all(a <= b for a, b in itertools.pairwise(found))
    assert not found or found[0] == 0
