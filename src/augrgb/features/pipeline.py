"""Decoding, windows and flow, and the network of one video at the same time, through bounded queues between threads.

Decoders, OpenCV and torch let other threads run while they work, so threads of one process are enough. The network
stays in the thread that asks: one that was interrupted, or that fails, ends the others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Item = TypeVar("Item")
Array = NDArray[Any]
Branch = Callable[[Iterator[Array]], Iterator[Array]]
"""Turns one column of frames into chunks of windows."""

_FRAMES_TOGETHER = 16  # handed over at once: a queue costs as much as the conversion of a small frame
_BLOCKS_WAITING = 2
_CHUNKS_WAITING = 2


def overlapped(
    frames: Iterable[tuple[Array, ...]], branches: Sequence[tuple[int, Branch]]
) -> Generator[tuple[int, Array], None, None]:
    """Chunks of every branch as they come; one thread draws the frames, and each branch has its own.

    What waits between two threads is bounded, so memory does not grow with the video: two blocks of 16 frames
    before each branch, and two chunks behind all of them.

    Args:
        frames: One frame per column at each time; drawn once.
        branches: Which column each one reads, and how it turns it into chunks.

    Yields:
        (number of the branch, chunk), each branch's in its own order.

    Raises:
        Whatever `frames` or a branch raises.
    """
    columns: list[_Pipe[list[Array]]] = [_Pipe(_BLOCKS_WAITING) for _ in branches]
    results: _Pipe[tuple[int, Array]] = _Pipe(_CHUNKS_WAITING, writers=len(branches))

    def draw() -> None:
        blocks: list[list[Array]] = [[] for _ in branches]
        for columns_now in frames:
            for block, (column, _) in zip(blocks, branches, strict=True):
                block.append(columns_now[column])
            if len(blocks[0]) == _FRAMES_TOGETHER:
                for number, pipe in enumerate(columns):
                    pipe.put(blocks[number])
                    blocks[number] = []
        for number, pipe in enumerate(columns):
            pipe.put(blocks[number])
            pipe.end()

    def draw_and_close() -> None:
        try:
            draw()
        finally:
            if isinstance(frames, Generator):  # a decoder is released in the thread that used it
                frames.close()

    def follow(number: int) -> None:
        for chunk in branches[number][1](frame for block in columns[number] for frame in block):
            results.put((number, chunk))
        results.end()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except _Closed:
            pass  # another thread reports why
        except BaseException as error:  # noqa: BLE001 - raised again where the chunks are wanted
            results.fail(error)

    works: list[Callable[[], None]] = [draw_and_close, *(_bound(follow, number) for number in range(len(branches)))]
    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    started: list[threading.Thread] = []
    try:
        for thread in threads:
            _start(thread)
            started.append(thread)
        yield from results
    finally:
        pipes: list[_Pipe[Any]] = [*columns, results]
        for pipe in pipes:
            pipe.close()
        for thread in started:
            thread.join()


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError as error:  # how Python says that the memory limit leaves no room for its stack
        raise MemoryError(str(error)) from error


def _bound(function: Callable[[int], None], number: int) -> Callable[[], None]:
    return lambda: function(number)


class _Closed(Exception):
    """The other side of a pipe has gone."""


class _Pipe(Generic[Item]):
    """A bounded queue that either side can close, and that carries the error of a writer."""

    def __init__(self, depth: int, writers: int = 1) -> None:
        self._items: deque[Item] = deque()
        self._depth, self._writers, self._closed = depth, writers, False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: Item) -> None:
        """Add an item; waits for room."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._depth)
            if self._closed:
                raise _Closed
            self._items.append(item)
            self._changed.notify_all()

    def end(self) -> None:
        """A writer has no more."""
        with self._changed:
            self._writers -= 1
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """The reader gets this error instead of the next item; the first one counts."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def close(self) -> None:
        """Readers and writers have ended."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._error or self._items or not self._writers)
                if self._error is not None:
                    raise self._error
                if self._closed:
                    raise _Closed
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
