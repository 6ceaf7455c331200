"""Calibration: order kept, known numbers found again, reliability counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from augrgb.detection.calibration import Scaling, Staircase, calibrate, fit_scaling, fit_staircase, reliability
from augrgb.metrics.frame_map import frame_ap


def test_slope_and_intercept_are_found_again() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(0, 2, 40000)
    positive = rng.random(40000) < 1 / (1 + np.exp(-(0.5 * log_odds - 1)))
    scaling = fit_scaling(1 / (1 + np.exp(-log_odds)), positive)
    assert (scaling.slope, scaling.intercept) == pytest.approx((0.5, -1.0), abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_order_and_average_precision_stay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = rng.random(300).astype(np.float32), rng.random(300) < 0.2
    scaling = fit_scaling(scores, positive ^ (rng.random(300) < 0.1))
    assert scaling.slope > 0
    after = scaling(scores)
    np.testing.assert_array_equal(np.argsort(scores, kind="stable"), np.argsort(after, kind="stable"))
    before, now = (frame_ap(x[:, None], positive[:, None]) for x in (scores, after))
    np.testing.assert_array_equal(now, before)


def test_scores_that_point_the_wrong_way_keep_their_order() -> None:
    scaling = fit_scaling([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0])
    assert 0 < scaling.slope < 1


def test_one_kind_alone_and_ends_change_nothing() -> None:
    assert fit_scaling([0.2, 0.9], [0, 0]) == fit_scaling([0.2, 0.9], [1, 1]) == Scaling()
    assert Scaling(2.0, -1.0)([0.0, 1.0]).tolist() == [0.0, 1.0]


def test_a_staircase_by_hand() -> None:
    stairs = fit_staircase([0.1, 0.2, 0.3, 0.4, 0.4], [0, 1, 0, 1, 1])
    assert stairs == Staircase((0.1, 0.2, 0.3, 0.4), (0.0, 0.5, 0.5, 1.0))
    assert stairs([0.0, 0.25, 0.35, 0.9]).tolist() == pytest.approx([0.0, 0.5, 0.75, 1.0])


def test_each_class_has_its_own() -> None:
    scores = np.array([[0.5, 0.5]])
    assert calibrate(scores, {"y": Scaling(1.0, -np.log(3))}, ["x", "y"]).tolist() == [[0.5, pytest.approx(0.25)]]
    assert scores.tolist() == [[0.5, 0.5]]


def test_reliability_by_hand() -> None:
    low, high = reliability([0.1, 0.3, 0.9, 1.0], [0, 1, 1, 1], bins=2)
    assert (low.count, low.mean_score, low.share) == (2, pytest.approx(0.2), 0.5)
    assert (high.low, high.high, high.count, high.share) == (0.5, 1.0, 2, 1.0)
