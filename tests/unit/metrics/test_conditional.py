from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.metrics.action_conditional import average_precision, condition_mask, conditional_report
from augrgb.metrics.charades_localize import charades_localize, point_labels, point_times, submitted_scores


def naive_mask(labels: Any, tau: Any) -> Any:
    mask = np.zeros(labels.shape, bool)
    for i in range(len(labels)):
        for j in range(labels.shape[1]):
            window = labels[max(0, i - tau + 1) : i + 1, j] if tau > 0 else labels[i : i - tau, j]
            mask[i, j] = window.any() and not labels[i, j]
    return mask


@pytest.mark.parametrize("tau", [1, 2, 7, 100, -1, -3, -100])
def test_condition_mask(tau: Any) -> None:
    labels = np.random.default_rng(0).random((40, 3)) < 0.15
    assert (condition_mask(labels, tau) == naive_mask(labels, tau)).all()
    assert tau in (1, -1) or condition_mask(labels, tau).any()


def test_ties_are_one_step() -> None:
    assert average_precision([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 1]) == 0.5
    assert average_precision([0.9, 0.5, 0.5], [1, 0, 1]) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert average_precision([0.9, 0.1], [0, 0]) == 0


def test_pairs_by_hand() -> None:
    targets = [np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0]])]
    scores = [np.array([[0.9, 0.2, 0.9], [0.9, 0.8, 0.1], [0.1, 0.9, 0.1]])]
    report = conditional_report(scores, targets)
    # Class 0 is on in frames 0 and 1, class 1 there once, wrongly ranked; class 1 is on in 0 and 2, class 0 in frame 0.
    assert report.positives.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert report.ap_matrix[0, 1] == 0.5 and report.ap_matrix[1, 0] == 1.0
    assert report.precision_matrix[0, 1] == 0 and report.recall_matrix[1, 0] == 1
    assert report.map == 0.75 and report.precision == report.recall == 0.5


def test_windows_do_not_cross_videos_and_nothing_left_is_nan() -> None:
    one, two = np.array([[1, 0]]), np.array([[0, 1]])
    assert np.isnan(conditional_report([one, two], [one, two], tau=5).map)
    assert conditional_report([np.vstack([one, two])], [np.vstack([one, two])], tau=5).map == 1
    with pytest.raises(InputRefused):
        conditional_report([np.zeros((2, 3))], [np.zeros((2, 2))])


def test_points_and_inclusive_ends() -> None:
    assert point_times(50.0)[:3].tolist() == [0.0, 2.0, 4.0] and point_times(50.0)[-1] == 48.0
    labels = point_labels([(1, 2.0, 4.0), (0, 49.0, 50.0)], 50.0, 2)
    assert np.flatnonzero(labels[:, 1]).tolist() == [1, 2] and not labels[:, 0].any()


def test_an_absent_class_makes_only_the_published_means_undefined() -> None:
    labels = np.zeros((2, 25, 2), bool)
    labels[0, 3, 0] = True
    report = charades_localize(labels.astype(float), labels)
    assert np.isnan(report.map) and np.isnan(report.weighted_map) and report.map_present == 1.0


def test_submissions_are_checked() -> None:
    scores = submitted_scores([("v", 25, [1.0])], ["v", "w"], 1)
    assert scores[0, 24, 0] == 1 and np.isinf(scores).sum() == 49
    for row in (("x", 1, [1.0]), ("v", 26, [1.0]), ("v", 2, [1.0, 2.0])):
        with pytest.raises(InputRefused):
            submitted_scores([("v", 1, [1.0]), row], ["v"], 1)
