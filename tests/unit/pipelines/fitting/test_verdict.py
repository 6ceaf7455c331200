"""The sentence on whether Augmented-RGB helps: what the intervals allow to say, and no more."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from augrgb.pipelines.fitting.measures import Measured
from augrgb.pipelines.fitting.result import told_apart, verdict

UP, DOWN, OPEN = (0.05, 0.01, 0.09), (-0.059, -0.136, -0.008), (0.029, -0.026, 0.067)
DESIGN = cast(Any, SimpleNamespace(folds=("a", "b", "c", "d")))


def measured(gain: tuple[float, float, float]) -> Measured:
    return Measured(9, ("fall",), value={"rgb": 0.4, "augmented": 0.4 + gain[0]}, gain={"augmented": gain})


@pytest.mark.parametrize(
    ("held_out", "test", "begins"),
    [
        (UP, UP, "Augmented-RGB beats plain RGB: "),
        (DOWN, DOWN, "Augmented-RGB is worse than plain RGB: "),
        (OPEN, OPEN, "No clear difference between Augmented-RGB and plain RGB: "),
        (OPEN, DOWN, "Augmented-RGB against plain RGB: not clearly different on 4 folds, worse on test videos: "),
        (UP, OPEN, "Augmented-RGB against plain RGB: better on 4 folds, not clearly different on test videos: "),
    ],
)
def test_both_parts_are_judged_by_their_intervals(held_out: Any, test: Any, begins: str) -> None:
    assert verdict(measured(held_out), measured(test), DESIGN, "augmented").startswith(begins)


def test_a_handful_of_videos_or_events_says_nothing_whatever_the_interval() -> None:
    few = replace(measured(DOWN), videos=4)
    assert verdict(few, None, DESIGN, "rgb").startswith("Too little video to tell Augmented-RGB and plain RGB apart: ")
    rare = replace(measured(UP), events={"fall": 4})
    said = verdict(measured(UP), rare, DESIGN, "augmented")
    assert said.startswith(
        "Augmented-RGB against plain RGB: better on 4 folds, too little video to tell on test videos: "
    )
    assert "disagree" not in verdict(measured(UP), few, DESIGN, "augmented")


@pytest.mark.parametrize(
    ("test", "chosen", "warns"),
    [(DOWN, "augmented", True), (UP, "rgb", True), (UP, "augmented", False), (OPEN, "augmented", False)],
)
def test_test_videos_that_disagree_with_the_choice_are_named(test: Any, chosen: str, warns: bool) -> None:
    assert ("disagree with that choice" in verdict(measured(OPEN), measured(test), DESIGN, chosen)) == warns


@pytest.mark.parametrize(
    ("flow", "gain", "encoder", "said"),
    [
        (0.65, (0.25, 0.1, 0.4), "small", True),
        (0.65, (0.25, 0.1, 0.4), "motion", False),  # it sees what flow sees
        (0.65, (0.25, -0.1, 0.6), "small", False),  # an open interval
        (0.44, (0.04, 0.01, 0.07), "small", False),  # hardly better
    ],
)
def test_flow_that_is_far_better_points_to_the_encoder_that_sees_motion(
    flow: float, gain: tuple[float, float, float], encoder: str, said: bool
) -> None:
    found = measured(OPEN)
    found = replace(found, value={**found.value, "flow": flow}, gain={**found.gain, "flow": gain})
    cases: list[tuple[Measured, Measured | None, str]] = [
        (found, None, "4 folds"),
        (measured(OPEN), found, "test videos"),
    ]
    for held_out, test, where in cases:
        text = verdict(held_out, test, DESIGN, "augmented", encoder=encoder)
        assert ("Set `encoder: motion`" in text) == (f"points above it on {where}: a detector" in text) == said
        assert told_apart(text)[0] == told_apart(verdict(measured(OPEN), test, DESIGN, "augmented"))[0]
