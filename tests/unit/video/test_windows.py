"""Windows, whole and streaming."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.core.timeline import Clock
from augrgb.video.windows import iter_windows, windows


def test_windows_by_hand() -> None:
    track = np.arange(11)
    assert windows(track, Clock(10, 4, 4)).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 10]]
    assert windows(track, Clock(10, 4, 4, offset=1)).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 10, 10]]
    assert windows(np.arange(2), Clock(10, 4, 4)).tolist() == [[0, 1, 1, 1]]
    assert windows(np.arange(1), Clock(10, 4, 4, offset=3)).shape == (0, 4)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 12), st.integers(0, 5), st.integers(1, 7))
def test_streaming_gives_the_same(count: Any, window: Any, stride: Any, offset: Any, chunk: Any) -> None:
    track, clock = np.random.default_rng(count).normal(size=(count, 2)), Clock(10, window, stride, offset)
    chunks = list(iter_windows(iter(track), clock, chunk))
    assert all(0 < len(part) <= chunk for part in chunks)
    found = np.concatenate(chunks) if chunks else np.empty((0, window, 2))
    np.testing.assert_array_equal(found, windows(track, clock))


def test_streaming_holds_few_frames() -> None:
    alive = 0

    class Frame(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def frames() -> Any:
        nonlocal alive
        for _ in range(5000):
            alive += 1
            peaks.append(alive)
            yield np.zeros(3).view(Frame)

    peaks: list[int] = []
    for _ in iter_windows(frames(), Clock(10, 8, 4), 4):
        pass
    assert len(peaks) == 5000 and max(peaks) < 60
