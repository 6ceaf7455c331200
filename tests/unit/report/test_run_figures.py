"""Figures of `augrgb report`, where a run has nothing to draw."""

from __future__ import annotations

from augrgb.metrics.error_analysis import precision_recall
from augrgb.metrics.segments import Segments
from augrgb.report.run_figures import figure_bytes, precision_recall_figure


def test_a_class_that_a_run_never_finds_has_an_empty_chart() -> None:
    truth = Segments.of([(0, 0, 0.0, 10.0, 1.0), (0, 1, 20.0, 30.0, 1.0)])
    some = precision_recall(Segments.of([(0, 0, 0.0, 9.0, 0.8)]), truth)
    nothing = precision_recall(Segments.of([]), truth)
    drawn = figure_bytes(precision_recall_figure({"some": some, "nothing": nothing}, ("walk", "sit")), "svg")
    assert b"nothing (0)" in drawn and b"some (100)" in drawn
