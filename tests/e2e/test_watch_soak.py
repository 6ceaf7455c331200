"""An hour of stream, as fast as it goes: memory, handles and threads stay as they were."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from augrgb.detection.event_rule import EventRule
from augrgb.inference.stepping import StepModel
from augrgb.video.live.source import source_of
from augrgb.watching.sink import JsonLines
from augrgb.watching.watcher import Watcher, WatchSettings
from support.causal_bundle import CLASSES, make_causal_bundle
from support.video_samples import square_frames, write_video


class _Repeated:
    """Frames over and over, without their memory."""

    def __init__(self, frames: Any, count: int) -> None:
        self._frames, self._count = frames, count

    def __getitem__(self, number: int) -> Any:
        if number >= self._count:
            raise IndexError
        return self._frames[number % len(self._frames)]


def soak(folder: Path, seconds: int) -> tuple[list[tuple[int, int, int]], int]:
    """(memory of both processes, handles, threads) along the way, and how many snippets there were."""
    frames = square_frames(150, 64, 48, step=3.0)
    frames[70:] = np.clip(frames[70:] * 0.5, 0, 255)
    many: Any = _Repeated(frames, 15 * seconds)
    video = write_video(folder / "v.mkv", many, fps=15, codec="mpeg4", options={"qscale": "8"})
    here, seen = psutil.Process(os.getpid()), []
    every = max(1, 15 * seconds // 4 // 30)

    def look(rows: Any) -> None:
        if rows.first % every == 0:
            children = here.children()
            memory = here.memory_info().rss + sum(child.memory_info().rss for child in children)
            seen.append((memory, here.num_fds() + sum(child.num_fds() for child in children), threading.active_count()))

    model = StepModel(make_causal_bundle(folder / "bundle"), "cpu")
    rules = dict.fromkeys(CLASSES, EventRule(0.5))
    sink = JsonLines(folder / "events.jsonl")
    report = Watcher(
        model, source_of(str(video)), rules, [sink], WatchSettings(speed=0.0, max_per_minute=4), on_rows=look
    ).run()
    assert report.fault is None and report.dropped == report.missing == 0
    return seen, report.snippets


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path: Path) -> None:
    seen, snippets = soak(tmp_path, 3600)
    assert snippets == 15 * 3600 // 4 - 1
    memory, handles, threads = zip(*seen[3:], strict=True)
    assert max(handles) <= min(handles) + 2 and max(threads) <= min(threads) + 1
    assert max(memory[-5:]) < max(memory[:5]) + 24 * 2**20
