"""Threads with bounded queues: same results, bounded memory, no thread left over."""

import threading
import time
from typing import Any

import numpy as np
import pytest

from augrgb.features.pipeline import overlapped


def frames(count: Any, drawn: Any = None) -> Any:
    for number in range(count):
        if drawn is not None:
            drawn.append(number)
        yield np.array([number]), np.array([-number])


def in_pairs(column: Any) -> Any:
    waiting = []
    for frame in column:
        waiting.append(frame)
        if len(waiting) == 2:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 1000])
def test_branches_see_every_frame_in_order(count: Any) -> None:
    found = {0: [], 1: [], 2: []}
    for number, chunk in overlapped(frames(count), [(0, in_pairs), (1, in_pairs), (0, iter)]):
        found[number] += chunk.tolist()
    assert found == {0: list(range(count)), 1: [-n for n in range(count)], 2: list(range(count))}


def test_no_more_is_drawn_than_may_wait() -> None:
    drawn, before = [], threading.active_count()  # other tests of this process may have left threads
    results = overlapped(frames(100_000, drawn), [(0, in_pairs), (1, in_pairs)])
    next(results)
    time.sleep(0.2)
    assert len(drawn) < 200
    results.close()
    settled = len(drawn)
    time.sleep(0.1)
    assert len(drawn) == settled and threading.active_count() == before


def failing(column: Any) -> Any:
    yield next(column)
    raise ValueError("in the branch")


def broken(count: Any) -> Any:
    yield from frames(count)
    raise ValueError("in the frames")


@pytest.mark.parametrize(
    "source, branch, text", [(frames(99), failing, "in the branch"), (broken(99), in_pairs, "in the frames")]
)
def test_faults_of_threads_reach_the_caller(source: Any, branch: Any, text: Any) -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match=text):
        list(overlapped(source, [(0, branch), (1, in_pairs)]))
    assert threading.active_count() == before


def test_a_fault_of_the_caller_ends_the_threads() -> None:
    before = threading.active_count()
    closed = []

    def source() -> Any:
        try:
            yield from frames(10_000)
        finally:
            closed.append(threading.current_thread())

    results = overlapped(source(), [(0, in_pairs)])
    with pytest.raises(KeyError):
        for _ in results:
            raise KeyError
    results.close()
    assert threading.active_count() == before
    assert closed and closed[0] is not threading.main_thread()  # decoders end where they worked
