from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augrgb.core.types import Detection, Event
from augrgb.report.agreement import agreement, united, without
from augrgb.report.data import DetectionPage, Lane, ScoreCurves, TimelineExample
from augrgb.report.palette import CLASS_COLORS, DARK_PAPER, PAPER, colors_of
from augrgb.report.timeline_svg import detected_timeline, example_timeline, time_ticks
from support import report_examples as examples

intervals = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: tuple(sorted(pair))), max_size=8
)


def covered(spans: Any) -> set[int]:
    return {cell for start, end in spans for cell in range(start, end)}


@given(intervals, intervals)
def test_interval_arithmetic_equals_sets_of_cells(some: Any, removed: Any) -> None:
    assert covered(united(some)) == covered(some)
    assert covered(without(some, removed)) == covered(some) - covered(removed)
    merged = without(some, removed)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(united(some)))
    assert merged == sorted(merged)


def test_agreement_is_shares_of_time() -> None:
    truth = [Event("a", 0, 10), Event("b", 0, 10)]
    found = [Detection("v", "a", 5, 15, 1.0), Detection("v", "a", 5, 10, 0.5), Detection("v", "c", 0, 10, 1.0)]
    shares = agreement(truth, found)
    assert shares.found == pytest.approx(5 / 20)
    assert shares.false == pytest.approx(15 / 20)
    assert agreement([], found).found is None and agreement(truth, []).false is None


def test_misses_and_false_alarms_stand_where_they_happen() -> None:
    truth = (Event("walk", 2.0, 6.0),)
    found = (Detection("v", "walk", 4.0, 8.0, 0.9), Detection("v", "sit", 0.0, 1.0, 0.4))
    example = TimelineExample("v", 10.0, (), truth, (Lane("RGB", found),))
    annotated, lane = example_timeline(example, ("walk", "sit")).blocks
    assert [lane.label for lane in annotated.lanes] == ["walk"]
    assert [lane.label for lane in lane.lanes] == ["walk", "sit"]  # annotated classes first, then false ones
    walk, sit = lane.lanes
    assert walk.missed == ((20.0, 20.0),)
    assert (walk.bars[0].x, walk.bars[0].width, walk.bars[0].alarms) == (40.0, 40.0, ((60.0, 20.0),))
    assert sit.bars[0].alarms == ((0.0, 10.0),) and sit.missed == ()
    assert walk.bars[0].title == "walk  0:04.0 to 0:08.0  score 0.90"
    assert lane.summary == "2 detections · finds 50.0 % of the annotated time · 60.0 % of its own time is false"


def test_what_nobody_knows_is_drawn_and_not_judged() -> None:
    truth = (Event("walk", 2.0, 6.0),)
    found = (Detection("v", "walk", 4.0, 10.0, 0.9),)
    example = TimelineExample("v", 10.0, (), truth, (Lane("RGB", found),), unknown=((8.0, 10.0), (0.0, 3.0)))
    drawn = example_timeline(example, ("walk",))
    assert drawn.unknown == ((0.0, 30.0), (80.0, 20.0))
    (walk,) = drawn.blocks[1].lanes
    assert walk.missed == ((30.0, 10.0),) and walk.bars[0].alarms == ((60.0, 20.0),)
    assert (
        drawn.blocks[1].summary == "1 detection · finds 66.7 % of the annotated time · 50.0 % of its own time is false"
    )


def test_without_annotation_nothing_is_judged() -> None:
    example = TimelineExample("v", 10.0, (), None, (Lane("RGB", (Detection("v", "a", 1.0, 2.0, 0.9),)),))
    timeline = example_timeline(example, ())
    assert not timeline.judged and timeline.blocks[0].summary == "1 detection"
    assert timeline.blocks[0].lanes[0].bars[0].alarms == ()


def test_what_reaches_past_the_end_is_drawn_inside() -> None:
    found = (
        Detection("v", "a", 9.9, 10.3, 0.9),
        Detection("v", "a", 10.1, 10.4, 0.2),
        Detection("v", "a", -0.2, 0.1, 0.2),
    )
    lane = detected_timeline(DetectionPage("v", 10.0, (), found)).blocks[0].lanes[0]
    assert all(bar.x >= 0 and bar.width > 0 and bar.x + bar.width <= 100.001 for bar in lane.bars)
    assert "0:10.3" in lane.bars[1].title  # the words keep the true time


def test_a_curve_keeps_every_peak() -> None:
    values = np.zeros((5000, 1))
    values[3217] = 0.8
    curves = ScoreCurves(("a",), np.arange(5000) * 0.5, values)
    video = DetectionPage("v", 2500.0, (), (Detection("v", "a", 1.0, 2.0, 0.9),), curves)
    path = detected_timeline(video).blocks[0].lanes[0].curve
    points = [tuple(map(int, point.split())) for point in path[1:-1].split("L")]
    assert min(y for _, y in points) == 20 and len(points) < 1700
    assert [x for x, y in points if y == 20] == [pytest.approx(10_000 * 3217 / 5000, abs=8)]


@pytest.mark.parametrize("seconds", [0.3, 4.0, 40.0, 95.0, 3600.0, 7200.0, 300000.0])
def test_time_ticks_are_few_and_round(seconds: Any) -> None:
    ticks = time_ticks(seconds)
    assert 1 <= len(ticks) <= 11 and ticks[0] == (0.0, ticks[0][1]) and all(0 <= place <= 100.001 for place, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


def test_a_class_has_one_color_everywhere() -> None:
    colors = colors_of(examples.CLASSES)
    for seed in (1, 2):
        timeline = example_timeline(examples.example(seed), examples.CLASSES)
        assert all(lane.color == colors[lane.label] for block in timeline.blocks for lane in block.lanes)


@pytest.mark.parametrize("paper", [PAPER, DARK_PAPER])
def test_class_colors_stand_out(paper: Any) -> None:
    def luminance(color: str) -> float:
        channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert len(set(CLASS_COLORS)) == len(CLASS_COLORS) == 16
    for color in CLASS_COLORS:
        light, dark = sorted((luminance(color), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3.0, color
