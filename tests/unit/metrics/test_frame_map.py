from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.core.errors import InputRefused
from augrgb.metrics import frame_map
from augrgb.metrics.frame_map import frame_ap


def naive_ap(scores: Any, targets: Any) -> Any:
    """Written from the definition, one class at a time."""
    result = []
    for k in range(scores.shape[1]):
        order = sorted(range(len(scores)), key=lambda n: (-scores[n, k], n))
        hits, total = 0, 0.0
        for rank, n in enumerate(order, 1):
            if targets[n, k]:
                hits += 1
                total += hits / rank
        result.append(total / hits if hits else 0.0)
    return np.array(result)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 4), st.sampled_from([np.float32, np.float64]))
def test_equals_the_definition_with_ties_infinities_and_negative_zero(seed: Any, n: Any, k: Any, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.choice([-np.inf, -2.5, -0.0, 0.0, 0.1, 0.2, 1.0, 1e30], size=(n, k)).astype(dtype)
    targets = rng.random((n, k)) < 0.3
    np.testing.assert_allclose(frame_ap(scores, targets), naive_ap(scores, targets), atol=1e-12)


def test_all_scores_tied_keeps_input_order() -> None:
    targets = np.array([[0], [1], [0], [1]])
    np.testing.assert_allclose(frame_ap(np.ones((4, 1), np.float32), targets), [(1 / 2 + 2 / 4) / 2])


def test_equal_weights_change_nothing_and_a_zero_weight_on_top_gives_nan() -> None:
    rng = np.random.default_rng(1)
    scores, targets = rng.random((50, 3)), rng.random((50, 3)) < 0.4
    np.testing.assert_allclose(frame_ap(scores, targets, np.full(50, 2.0)), frame_ap(scores, targets))
    top = frame_ap([[0.9], [0.1]], [[1], [1]], [0.0, 1.0])
    assert np.isnan(top[0]) and np.isnan(frame_map.mean_present_classes(top))


def test_the_two_means_differ_by_absent_classes() -> None:
    ap = frame_ap([[0.9, 0.3], [0.1, 0.2]], [[1, 0], [0, 0]])
    assert frame_map.mean_all_classes(ap) == 0.5 and frame_map.mean_present_classes(ap) == 1.0
    assert np.isnan(frame_map.mean_present_classes(np.zeros(3)))


def test_chunks_and_monotone_rescaling_do_not_change_the_result() -> None:
    rng = np.random.default_rng(2)
    scores, targets = rng.normal(size=(200, 5)).astype(np.float32), rng.random((200, 5)) < 0.2
    whole = frame_ap(scores, targets)
    pieces = [(scores[i : i + 7], targets[i : i + 7]) for i in range(0, 200, 7)]
    again = frame_ap(np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces]))
    assert whole.tobytes() == again.tobytes()
    np.testing.assert_allclose(frame_ap(3 * scores.astype(np.float64) + 1, targets), whole)


def test_no_frames_and_bad_input() -> None:
    assert frame_ap(np.zeros((0, 4)), np.zeros((0, 4))).tolist() == [0.0] * 4
    with pytest.raises(InputRefused, match=r"frame 1, class 0 is NaN"):
        frame_ap([[0.1], [np.nan]], [[0], [1]])
    with pytest.raises(InputRefused, match="expected both"):
        frame_ap(np.zeros((3, 2)), np.zeros((2, 2)))
    with pytest.raises(InputRefused, match="weights"):
        frame_ap(np.zeros((3, 2)), np.zeros((3, 2)), np.ones(2))


def test_sampling_rows() -> None:
    assert frame_map.sampled25_rows(49).tolist() == list(range(1, 26))
    rows = frame_map.evenly_sampled_rows(10)
    assert len(rows) == 25 and rows[0] == 0 and rows[-1] == 9
