"""A bounded queue between the source and the model: for live sources the oldest snippet makes room for the newest."""

from __future__ import annotations

import threading
import time
from collections import deque

from augrgb.video.live.messages import ClipReady, Ended, Health
from augrgb.watching.cutter import Snippet

Item = Snippet | Health | Ended | ClipReady


class SnippetQueue:
    """Holds at most `depth` snippets; messages about the source are never dropped.

    Args:
        depth: Snippets that may wait.
        drop: A full queue drops its oldest snippet, so that latency cannot grow. Without, `put` waits.
    """

    def __init__(self, depth: int, *, drop: bool) -> None:
        if depth < 1:
            raise ValueError(f"depth must be 1 or more, not {depth}")
        self._items: deque[Item] = deque()
        self._depth, self._drop, self._closed = depth, drop, False
        self._changed = threading.Condition()
        self.dropped = 0

    def __len__(self) -> int:
        with self._changed:
            return self._waiting()

    def put(self, item: Item) -> None:
        """Add an item."""
        with self._changed:
            if isinstance(item, Snippet):
                if not self._drop:
                    self._changed.wait_for(lambda: self._closed or self._waiting() < self._depth)
                elif self._waiting() >= self._depth:
                    oldest = next(at for at, held in enumerate(self._items) if isinstance(held, Snippet))
                    del self._items[oldest]
                    self.dropped += 1
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()

    def get(self, timeout_s: float) -> Item | None:
        """The next item; None if there is none for so long."""
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while not self._items:
                left_s = until_s - time.monotonic()
                if left_s <= 0 or self._closed:
                    return None
                self._changed.wait(left_s)
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Nothing is taken or given any more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def _waiting(self) -> int:
        return sum(isinstance(item, Snippet) for item in self._items)
