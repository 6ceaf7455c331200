from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.annotations.labels import rasterise
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection, Event, VideoRecord
from augrgb.detection.decode import decode_scores
from augrgb.detection.nms import nms, soft_nms
from augrgb.detection.smoothing import gaussian_smooth, moving_average, moving_median, smooth_scores
from augrgb.metrics import evaluate

CLOCK = Clock(fps=8.0, window=4, stride=4)  # cells of half a second from 0


def naive_runs(column: Any, threshold: Any) -> Any:
    runs, start = [], None
    for t, value in enumerate([*column, -1.0]):
        if value >= threshold and start is None:
            start = t
        if value < threshold and start is not None:
            runs.append((start, t))
            start = None
    return runs


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 50))
def test_runs_and_scores_equal_a_plain_loop(seed: Any, count: Any) -> None:
    scores = np.random.default_rng(seed).random((count, 2))
    expected = {
        (k, a / 2, b / 2): scores[a:b, k].mean()
        for k in range(2)
        for level in (0.25, 0.5, 0.75)
        for a, b in naive_runs(scores[:, k], level)
    }
    found = decode_scores(scores, CLOCK, "xy", "v", thresholds=(0.25, 0.5, 0.75), contrast=False)
    assert [("xy".index(d.label), d.start_s, d.end_s) for d in found] == sorted(expected)
    for d in found:
        assert d.score == pytest.approx(expected["xy".index(d.label), d.start_s, d.end_s])


def column(*values: Any) -> Any:
    return np.array(values, float)[:, None]


def spans(found: Any) -> Any:
    return [(d.start_s, d.end_s) for d in found]


def test_hysteresis_gaps_short_ones_and_the_end_of_the_video() -> None:
    scores = column(0.3, 0.6, 0.3, 0.0, 0.3, 0.3, 0.0, 0.8, 0.8, 0.8)

    def decode(**options: Any) -> Any:
        return spans(decode_scores(scores, CLOCK, ["x"], "v", thresholds=[0.5], **options))

    assert decode() == [(0.5, 1.0), (3.5, 5.0)]
    assert decode(hysteresis=0.5) == [(0.0, 1.5), (3.5, 5.0)]  # the middle run never reaches 0.5
    assert decode(min_duration_s=1.0) == [(3.5, 5.0)]
    assert decode(max_gap_s=2.5) == [(0.5, 5.0)] and decode(max_gap_s=2.4) == [(0.5, 1.0), (3.5, 5.0)]
    assert decode(duration_s=4.2) == [(0.5, 1.0), (3.5, 4.2)]
    assert decode(duration_s=3.5) == [(0.5, 1.0)]


def test_one_threshold_per_class() -> None:
    scores = np.array([[0.4, 0.4], [0.6, 0.6]])
    found = decode_scores(scores, CLOCK, ["x", "y"], "v", thresholds={"x": 0.3, "y": 0.5})
    assert [(d.label, *span) for d, span in zip(found, spans(found), strict=True)] == [("x", 0.0, 1.0), ("y", 0.5, 1.0)]
    with pytest.raises(UsageFault, match="no threshold for y"):
        decode_scores(scores, CLOCK, ["x", "y"], "v", thresholds={"x": 0.3})
    with pytest.raises(UsageFault, match="no such class"):
        decode_scores(scores, CLOCK, ["x", "y"], "v", thresholds={"x": 0.3, "y": 0.3, "z": 0.3})


def test_contrast_prefers_segments_that_stand_out() -> None:
    scores = column(0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1)
    plain, contrast = (
        decode_scores(scores, CLOCK, ["x"], "v", thresholds=[0.05, 0.5], contrast=c) for c in (False, True)
    )
    assert spans(plain) == spans(contrast) == [(0.0, 4.0), (1.0, 3.0)]
    assert contrast[1].score == pytest.approx(0.9 * 0.8) and contrast[0].score == pytest.approx(0.5 * 0.5)


def test_nothing_and_bad_input() -> None:
    assert (
        decode_scores(np.zeros((0, 1)), CLOCK, ["x"], "v") == decode_scores(np.zeros((5, 1)), CLOCK, ["x"], "v") == []
    )
    for scores, message in (
        (np.full((3, 1), np.nan), "sigmoid"),
        (column(2.0), "sigmoid"),
        (np.zeros((3, 2)), r"expected \(T, 1\)"),
    ):
        with pytest.raises(InputRefused, match=message):
            decode_scores(scores, CLOCK, ["x"], "v")
    for options in ({"thresholds": []}, {"thresholds": [0.0]}, {"thresholds": [1.2]}, {"hysteresis": 0.0}):
        with pytest.raises(UsageFault):
            decode_scores(column(0.5), CLOCK, ["x"], "v", **options)


def test_cells_begin_at_the_snippets_not_before_the_video() -> None:
    wide = Clock(fps=8.0, window=16, stride=4)  # center of snippet 0 at 1 s
    assert spans(decode_scores(column(1.0, 1.0), wide, ["x"], "v", thresholds=[0.5])) == [(0.75, 1.75)]
    sparse = Clock(fps=8.0, window=4, stride=16)  # its first cell would begin at -0.75 s
    assert spans(decode_scores(column(1.0, 0.0), sparse, ["x"], "v", thresholds=[0.5])) == [(0.0, 1.25)]


def naive_nms(found: Any, threshold: Any) -> Any:
    left, kept = sorted(found, key=lambda d: -d.score), []
    while left:
        best = left.pop(0)
        kept.append(best)

        def tiou(d: Any, best: Any = best) -> Any:
            shared = max(0.0, min(d.end_s, best.end_s) - max(d.start_s, best.start_s))
            return shared / (d.end_s - d.start_s + best.end_s - best.start_s - shared)

        left = [d for d in left if (d.video_id, d.label) != (best.video_id, best.label) or tiou(d) <= threshold]
    return kept


def random_detections(rng: Any, count: Any, ties: Any = False) -> Any:
    def one() -> Any:
        start = float(rng.uniform(0, 30))
        score = float(rng.integers(1, 5) / 5 if ties else rng.uniform(0.1, 1))
        return Detection(f"v{rng.integers(2)}", "ab"[rng.integers(2)], start, start + float(rng.uniform(1, 9)), score)

    return [one() for _ in range(count)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 40), st.booleans(), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_nms_equals_a_plain_loop(seed: Any, count: Any, ties: Any, threshold: Any) -> None:
    found = random_detections(np.random.default_rng(seed), count, ties)
    kept = nms(found, tiou_threshold=threshold)
    assert sorted(kept, key=repr) == sorted(naive_nms(found, threshold), key=repr)
    for video in ("v0", "v1"):
        scores = [d.score for d in kept if d.video_id == video]
        assert scores == sorted(scores, reverse=True)


def test_soft_nms_by_hand_and_its_limits() -> None:
    found = [Detection("v", "a", 0, 10, 0.9), Detection("v", "a", 0, 5, 0.8), Detection("v", "b", 0, 5, 0.7)]
    soft = soft_nms(found, sigma=0.5)
    assert [(d.label, round(d.score, 6)) for d in soft] == [("a", 0.9), ("b", 0.7), ("a", round(0.8 * np.exp(-0.5), 6))]
    many = random_detections(np.random.default_rng(1), 60)
    assert sorted(soft_nms(many, sigma=1e9), key=repr)[0].score == pytest.approx(sorted(many, key=repr)[0].score)
    hard = {(d.video_id, d.label, d.start_s) for d in soft_nms(many, sigma=1e-9)}
    assert hard == {(d.video_id, d.label, d.start_s) for d in nms(many, tiou_threshold=0.0)}
    assert [d.score for d in nms(many, max_per_video=3)][:3] == sorted((d.score for d in nms(many)[:3]), reverse=True)
    assert len(nms(many, max_per_video=3)) == 6
    with pytest.raises(UsageFault):
        nms(many, tiou_threshold=1.5)
    with pytest.raises(UsageFault):
        soft_nms(many, sigma=0)
    assert nms([]) == soft_nms([]) == []


@pytest.mark.parametrize("width", [1, 3, 4, 9, 99])
def test_averages_and_medians_equal_a_plain_loop(width: Any) -> None:
    scores = np.random.default_rng(0).random((20, 3))
    half = width // 2
    windows = [scores[max(0, t - half) : t + half + 1] for t in range(20)]
    np.testing.assert_allclose(moving_average(scores, width), [w.mean(0) for w in windows])
    np.testing.assert_allclose(moving_median(scores, width), [np.median(w, 0) for w in windows])


def test_smoothing_keeps_constants_and_range() -> None:
    constant = np.full((30, 2), 0.7)
    scores = np.random.default_rng(0).random((30, 2))
    for method in ("none", "average", "median", "gaussian"):
        np.testing.assert_allclose(smooth_scores(constant, CLOCK, method=method, width_s=3.0), constant)
        smooth = smooth_scores(scores, CLOCK, method=method, width_s=3.0)
        assert smooth.min() >= scores.min() and smooth.max() <= scores.max()
        assert (method == "none") == np.allclose(smooth, scores)
        assert np.array_equal(smooth_scores(scores, CLOCK, method=method, width_s=0.2), scores)
        assert smooth_scores(scores[:1], CLOCK, method=method).shape == (1, 2)
    pulse = np.zeros((41, 1))
    pulse[20] = 1
    weights = gaussian_smooth(pulse, 2.0)[:, 0]
    np.testing.assert_allclose(weights, weights[::-1])
    np.testing.assert_allclose(weights[22] / weights[20], np.exp(-0.5))
    with pytest.raises(UsageFault):
        smooth_scores(scores, CLOCK, method="mean")


@pytest.mark.parametrize("noise", [0.0, 0.04])
def test_perfect_scores_decode_to_nearly_perfect_events(noise: Any) -> None:
    rng = np.random.default_rng(0)
    classes, index = tuple("abcde"), {c: k for k, c in enumerate("abcde")}
    videos, found = {}, []
    for v in range(8):
        events = []
        for c in classes:
            for slot in range(4):
                start = slot * 30 + float(rng.uniform(0, 10))
                events.append(Event(c, start, start + float(rng.uniform(2, 15))))
        name = f"v{v}"
        videos[name] = VideoRecord(name, 120.0, events=tuple(events))
        truth = rasterise(events, tuple(index), CLOCK, 240).astype(float)
        scores = np.clip(truth * 0.8 + 0.1 + rng.normal(0, noise, truth.shape), 0, 1)
        found += decode_scores(scores, CLOCK, classes, name)
    kept = nms(found, tiou_threshold=0.4)
    result = evaluate("event-map", Dataset("d", classes, videos), list(videos), detections=kept)
    assert result.details["map"]["0.50"] > 0.99
    assert result.details["map"]["0.70"] > 0.9
    strict = evaluate("pku-mmd/event@0.5", Dataset("d", classes, videos), list(videos), detections=kept)
    assert strict.value > 0.99


def test_smoothing_never_leaves_the_range_of_the_scores() -> None:
    rng = np.random.default_rng(0)
    scores = np.where(rng.random((5000, 4)) < 0.5, rng.random((5000, 4)) * 1e-7, 1.0).astype(np.float32)
    scores[1000:2000] = 1.0
    smooth = smooth_scores(scores, CLOCK, width_s=2.5)
    assert smooth.max() <= 1.0 and smooth.min() >= scores.min()
    assert (smooth[1010:1990] > 1 - 1e-9).all()
