from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augrgb.report.data import ClassGain, Comparison, CurveLine, CurvePanel, GapShare, MethodRow, Protocol, Score
from augrgb.report.plots import axis_over, class_chart, delta_axis, line_chart, method_chart
from augrgb.report.scores import score_over_seeds
from augrgb.report.wording import coverage, gap_sentence, headline
from support import report_examples as examples


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(float("nan"))), max_size=6))
def test_an_axis_holds_its_values(values: Any) -> None:
    axis = axis_over(values)
    slack = 1e-6 * (axis.high - axis.low)
    finite = [value for value in values if value is not None and math.isfinite(value)]
    assert all(axis.low - slack <= value <= axis.high + slack for value in finite)
    assert axis.low < axis.high and 2 <= len(axis.ticks) <= 13
    assert all(0 <= axis.at(value) <= 100 for value in finite)


def test_the_method_chart_puts_the_paired_interval_around_the_mean() -> None:
    chart = method_chart(examples.comparison(), 0)
    assert chart.reference is not None and len(chart.marks) == len(examples.ROWS)
    for mark, row in zip(chart.marks, examples.comparison().rows, strict=True):
        score = row.scores[0]
        assert len(mark.dots) == 3 and mark.value == f"{100 * score.mean:.1f}"
        if row.baseline:
            assert (mark.start, mark.low, mark.kind) == (None, None, "baseline")
        else:
            assert mark.start == chart.reference and mark.low < mark.end < mark.high
        assert (mark.kind == "sensors") == bool(row.extra_sensors)


def test_differences_share_one_axis_with_zero_inside() -> None:
    axis = delta_axis(examples.comparison())
    assert axis.low < 0 < axis.high and 0 < axis.at(0.0) < 100


def test_classes_are_sorted_by_gain_and_undefined_ones_come_last() -> None:
    nan = float("nan")
    gains = [ClassGain("a", 0.5, 0.4), ClassGain("b", None, 0.9), ClassGain("c", 0.1, 0.6), ClassGain("d", nan, nan, 1)]
    chart = class_chart(gains)
    assert [mark.name for mark in chart.marks] == ["c", "a", "b", "d"]
    assert [mark.value for mark in chart.marks] == ["+50.0", "−10.0", "–", "–"]
    assert chart.marks[3].note == "1 event" and chart.marks[2].change == "undefined"


def test_lines_break_at_absent_values_and_are_thinned() -> None:
    nan = float("nan")
    panel = CurvePanel("loss", (CurveLine("RGB", (0, 1, 2, 3, 4), (1, 2, nan, 2, 1)), CurveLine("RGB", (0, 4), (1, 1))))
    chart = line_chart(panel)
    assert chart.lines[0].path.count("M") == 2 and chart.names == ("RGB",)
    long = CurveLine("x", tuple(range(10_000)), tuple(1.0 * k for k in range(10_000)))
    assert line_chart(CurvePanel("t", (long,))).lines[0].path.count("L") < 310
    assert line_chart(CurvePanel("t", ())).lines == ()


def two(low: float | None, high: float | None, delta: float) -> Comparison:
    score = Score((0.5,) * 3, 0.4 + delta, 0.01, delta, low, high)
    rows = (
        MethodRow("RGB", "Baseline", (Score((0.4,) * 3, 0.4, 0.01),), baseline=True),
        MethodRow("Augmented-RGB", "All", (score,), featured=True),
    )
    return Comparison((Protocol("per-frame mAP, cross-subject"),), rows)


def test_the_headline_never_claims_more_than_the_interval() -> None:
    won, unclear, lost, single = (
        headline(two(*bounds))
        for bounds in ((0.05, 0.09, 0.07), (-0.01, 0.03, 0.01), (-0.09, -0.05, -0.07), (None, None, 0.07))
    )
    assert won and won.result.endswith("reaches 47.0 % in per-frame mAP, cross-subject: 7.0 points above plain RGB.")
    assert won.result.startswith("From RGB alone") and "+5.0 to +9.0 points, over 3 seeds" in won.evidence
    assert unclear and "which 3 seeds cannot distinguish from the 40.0 % of plain RGB" in unclear.result
    assert lost and "7.0 points below plain RGB" in lost.result
    assert single and "no interval can be given" in single.evidence


def test_the_headline_names_the_row_that_the_difference_refers_to() -> None:
    for bounds, told in (
        ((0.05, 0.09, 0.07), "7.0 points above RGB, longer."),
        ((-0.01, 0.03, 0.01), "distinguish from RGB, longer."),
    ):
        base, taught = two(*bounds).rows
        paired = replace(taught, against="RGB, longer")
        found = headline(Comparison(two(*bounds).protocols, (base, paired)))
        assert found and found.result.endswith(told) and "difference to RGB, longer:" in found.evidence


def test_there_is_no_headline_without_numbers() -> None:
    assert headline(two(None, None, float("nan"))) is None
    assert headline(Comparison((), ())) is None


def test_gap_sentences() -> None:
    assert gap_sentence(GapShare("two-stream", "p", 0.4, 0.5, 0.6, 0.5)).startswith("50 % of the gap to two-stream")
    assert "no gap to close" in gap_sentence(GapShare("flow", "p", 0.4, 0.5, 0.3, None))
    assert "grows by 10 %" in gap_sentence(GapShare("pose", "p", 0.4, 0.38, 0.6, -0.1))


def test_coverage_names_videos_and_seeds() -> None:
    assert coverage(examples.comparison(), 1) == "24 videos · 3 seeds"


def test_a_comparison_refuses_rows_of_the_wrong_length() -> None:
    with pytest.raises(ValueError, match="1 scores for 2 protocols"):
        Comparison((Protocol("a"), Protocol("b")), (MethodRow("x", "g", (None,)),))
    with pytest.raises(ValueError, match="more than one baseline"):
        Comparison((), (MethodRow("x", "g", (), baseline=True), MethodRow("y", "g", (), baseline=True)))
    with pytest.raises(ValueError, match="headline_protocol"):
        Comparison((Protocol("a"),), (), headline_protocol=1)


def test_scores_pair_seed_by_seed() -> None:
    score = score_over_seeds([0.5, 0.6, 0.7], [0.4, 0.52, 0.58], videos_scored=9, videos_total=10)
    assert score.mean == pytest.approx(0.6) and score.std == pytest.approx(0.1)
    assert score.delta == pytest.approx(0.1) and (score.videos_scored, score.videos_total) == (9, 10)
    half = 4.302652729911275 * 0.02 / math.sqrt(3)  # t quantile 0.975 of 2 degrees of freedom
    assert (score.delta_low, score.delta_high) == pytest.approx((0.1 - half, 0.1 + half), rel=1e-6)


def test_scores_leave_out_absent_seeds_and_need_pairs() -> None:
    nan = float("nan")
    score = score_over_seeds([0.5, nan, 0.7], [0.4, 0.1, nan])
    assert score.mean == pytest.approx(0.6) and score.delta == pytest.approx(0.1) and not score.has_interval
    assert score_over_seeds([0.5, 0.6]).delta is None and score_over_seeds([nan], [0.4]).delta is None
    with pytest.raises(ValueError):
        score_over_seeds([0.5], [0.4, 0.5])
