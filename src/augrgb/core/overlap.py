"""Long sequences cut into windows that overlap, so that a filter gives what it gives on the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Result = TypeVar("Result", bound=np.floating[Any])


def in_windows(
    run: Callable[[Values], NDArray[Result]], pieces: Iterable[Values], *, reach: int | None, window: int = 1024
) -> NDArray[Result]:
    """Apply a filter to a sequence that arrives in pieces; of the input only what it can still see is kept.

    Args:
        run: The filter: (T, C) -> (T, K).
        pieces: (n, C) each, in order, at least one.
        reach: How many rows to either side can change an output; None = all, so that the end is waited for.
        window: Rows of output at once.

    Returns:
        (T, K).

    >>> in_windows(lambda x: x * 2, [np.ones((2, 1), np.float32)] * 3, reach=1, window=2).ravel().tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """
    results: list[NDArray[Result]] = []
    held: list[Values] = []
    done = count = 0  # of the rows held, how many have their result, and how many there are
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        while reach is not None and count - done >= window + reach:
            block = np.concatenate(held)
            stop = done + window
            results.append(run(block[: stop + reach])[done:stop])
            first = max(0, stop - reach)
            held, count, done = [block[first:]], count - first, stop - first
    results.append(run(np.concatenate(held))[done:])
    return np.concatenate(results)
