"""Windows, queue and state where frames or snippets are missing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augrgb.core.timeline import Clock
from augrgb.detection.pipeline import smoothed
from augrgb.detection.smoothing import MovingAverage, moving_average
from augrgb.inference.stepping import StepModel
from augrgb.streams.predict import predict
from augrgb.video.live.messages import Health
from augrgb.video.windows import iter_windows
from augrgb.watching.cutter import Snippet, SnippetCutter
from augrgb.watching.scorer import LiveScorer
from augrgb.watching.snippet_queue import SnippetQueue
from support.causal_bundle import CLOCK, make_causal_bundle


def frame(number: int) -> Any:
    return np.full((1, 1, 3), number % 251, np.uint8)


@given(st.integers(1, 90), st.integers(1, 9), st.integers(1, 9), st.integers(0, 5))
def test_windows_are_those_of_a_file(count: int, window: int, stride: int, offset: int) -> None:
    clock = Clock(10.0, window, stride, offset)
    cutter = SnippetCutter(clock)
    found = [snippet for index in range(count) for snippet in cutter.push(index, frame(index))] + cutter.finish()
    expected = [one for chunk in iter_windows(map(frame, range(count)), clock, 4) for one in chunk]
    assert [snippet.number for snippet in found] == list(range(len(expected)))
    for snippet, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(snippet.window, wanted)


@given(st.sets(st.integers(0, 120), min_size=1), st.integers(1, 8), st.integers(1, 9))
def test_windows_that_miss_a_frame_never_come(there: set[int], window: int, stride: int) -> None:
    cutter = SnippetCutter(Clock(10.0, window, stride))
    found = [snippet for index in sorted(there) for snippet in cutter.push(index, frame(index))]
    whole = [n for n in range(121) if set(range(n * stride, n * stride + window)) <= there]
    assert [snippet.number for snippet in found] == whole
    for snippet in found:
        numbers = range(snippet.number * stride, snippet.number * stride + window)
        np.testing.assert_array_equal(snippet.window, np.stack([frame(index) for index in numbers]))


def test_a_gap_of_a_month_takes_no_time() -> None:
    cutter = SnippetCutter(CLOCK)
    for index in range(20):
        cutter.push(index, frame(index))
    far = 15 * 86400 * 30
    found = [snippet for index in range(far, far + 30) for snippet in cutter.push(index, frame(index))]
    assert found[0].number >= far // 4 and len(found) > 4


@given(st.integers(1, 9), st.integers(0, 30))
def test_means_of_rows_are_those_of_the_whole_to_the_last_bit(width: int, count: int) -> None:
    rows = np.random.default_rng(width).random((count, 2))
    mean = MovingAverage(width)
    found = [done for row in rows for done in mean.push(row)] + mean.close()
    np.testing.assert_array_equal(np.array(found).reshape(-1, 2), moving_average(rows, width))


def test_a_full_queue_drops_its_oldest_snippet_and_no_message() -> None:
    queue = SnippetQueue(2, drop=True)
    items: list[Any] = [Snippet(0, frame(0)), Health("gap", 0.0), *(Snippet(n, frame(n)) for n in (1, 2, 3))]
    for item in items:
        queue.put(item)
    taken = [queue.get(0.0) for _ in range(4)]
    assert [one.number for one in taken if isinstance(one, Snippet)] == [2, 3] and queue.dropped == 2
    assert isinstance(taken[0], Health) and taken[3] is None


def test_a_queue_for_files_waits() -> None:
    queue = SnippetQueue(1, drop=False)
    thread = threading.Thread(target=lambda: [queue.put(Snippet(n, frame(n))) for n in range(5)], daemon=True)
    thread.start()
    found = [queue.get(5.0) for _ in range(5)]
    assert [one.number for one in found if isinstance(one, Snippet)] == [0, 1, 2, 3, 4] and queue.dropped == 0


@pytest.fixture(scope="module")
def windows() -> Any:
    return np.random.default_rng(1).integers(0, 256, (60, CLOCK.window, 48, 64, 3), dtype=np.uint8)


def scored(model: StepModel, windows: Any, numbers: list[int]) -> tuple[Any, Any]:
    scorer = LiveScorer(model)
    rows = [row for number in numbers for row in scorer.push(number, windows[number % len(windows)])]
    rows += list(scorer.close())
    assert [row.first for row in rows] == np.cumsum([0, *(len(row.scores) for row in rows)])[:-1].tolist()
    missing = np.concatenate([np.full(len(row.scores), row.missing) for row in rows])
    return np.concatenate([row.scores for row in rows]), missing


@pytest.mark.parametrize("look_ahead", [0, 3])
def test_missing_snippets_are_masked_as_offline(tmp_path: Path, windows: Any, look_ahead: int) -> None:
    model = StepModel(make_causal_bundle(tmp_path, look_ahead), "cpu")
    there = np.ones(60, bool)
    there[[5, 17, 18, 19, 30]] = False
    scores, missing = scored(model, windows, np.flatnonzero(there).tolist())
    np.testing.assert_array_equal(missing, ~there)
    features = np.concatenate([model.encode(window) for window in windows])
    stream: Any = model.detector.bundle
    raw = predict(stream.stream.stream, features, available=there)
    for t in np.flatnonzero(there):  # the width of the smoothing is 3 at this stride
        near = [n for n in (t - 2, t - 1, t, t + 1, t + 2) if 0 <= n < 60 and there[n]]
        np.testing.assert_allclose(scores[t], raw[near].mean(0), atol=1e-5)
    assert smoothed(raw, CLOCK).shape == scores.shape and not scores[~there].any()


@pytest.mark.parametrize("look_ahead", [0, 2])
def test_after_a_long_gap_nothing_before_it_counts(tmp_path: Path, windows: Any, look_ahead: int) -> None:
    model = StepModel(make_causal_bundle(tmp_path, look_ahead), "cpu")
    begin = 5000
    scores, missing = scored(model, windows, [*range(40), *range(begin, begin + 60)])
    fresh, _ = scored(model, windows, list(range(60)))
    again = np.roll(windows, -(begin % 60), axis=0)
    np.testing.assert_allclose(scores[begin:], scored(model, again, list(range(60)))[0], atol=1e-6)
    np.testing.assert_allclose(scores[:40], scored(model, windows, list(range(40)))[0], atol=1e-6)
    assert missing[40:begin].all() and missing.sum() == begin - 40 and not np.allclose(scores[begin:], fresh)


def test_a_reset_is_what_masking_for_as_long_gives(tmp_path: Path, windows: Any) -> None:
    model = StepModel(make_causal_bundle(tmp_path, 1), "cpu")
    scorer, limit = LiveScorer(model), model.receptive_field + 1 + 2
    for number in range(20):
        list(scorer.push(number, windows[number]))
    for missing in range(limit + 3):
        states = [torch.as_tensor(state) for state in scorer._states]
        blank = all(not state.any() for state in states)
        assert blank or missing < limit
        list(scorer._step(np.zeros((1, model.dim), np.float32), there=False))
