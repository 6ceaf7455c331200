"""No check of annotations costs more than in proportion to its input. Operations are counted, not seconds."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import make_format, write_annotations
from augrgb.annotations.coverage import Untimed
from augrgb.annotations.dataset_file import check_dataset
from augrgb.annotations.read import Source, read_and_judge
from augrgb.annotations.reading.timed_labels import without_ignored
from augrgb.annotations.repair import repair
from augrgb.annotations.unlabeled import untimed_as_ignored
from augrgb.annotations.videos.match_ids import match_ids
from augrgb.core.errors import AugrgbError, Hints
from augrgb.core.types import Event, VideoRecord

SIZES = (100, 400)
MOST_GROWTH = 1.5  # times the growth of the input, which a quadratic check exceeds by far

Work = Callable[[], object]


def operations(work: Work) -> int:
    """Lines and calls of Python, and calls of built-in functions, that a piece of work takes."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += 1

    def traced(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return traced

    before = sys.gettrace()
    sys.setprofile(called)
    sys.settrace(traced)
    try:
        work()
    except AugrgbError:
        pass
    finally:
        sys.setprofile(None)
        sys.settrace(before)
    return count


def overlapping(count: int) -> AnnotationSet:
    """One video whose events all overlap."""
    events = tuple(Event("ab"[n % 2], 0.001 * n, 5e4 + n) for n in range(count))
    return AnnotationSet(("a", "b"), {"v": VideoRecord("v", 1e5, events=events)})


def repeated(count: int) -> AnnotationSet:
    """One video with one event many times."""
    return AnnotationSet(("a",), {"v": VideoRecord("v", 1e5, events=(Event("a", 1.0, 2.0),) * count)})


def unknown_labels(count: int, folder: Path) -> Work:
    """As many unknown labels as classes."""
    (folder / "x.csv").write_text("video,label,start,end\n" + "".join(f"v{n},label {n}x,1,2\n" for n in range(count)))
    (folder / "classes.txt").write_text("\n".join(f"class number {n}" for n in range(count)))
    source = Source(folder / "x.csv", format_name="csv", options={"classes": str(folder / "classes.txt")})
    return lambda: read_and_judge(source).refuse()


def unknown_videos(count: int, folder: Path) -> Work:
    """A split that names as many unknown videos as there are videos."""
    rows = [{"id": f"v{n}", "duration_s": 9.0, "events": []} for n in range(count)]
    splits = {"s": {"train": [f"w{n}" for n in range(count)]}}
    values = {"schema": "augrgb.dataset/1", "name": "x", "classes": ["a"], "videos": rows, "splits": splits}
    (folder / "dataset.json").write_text(json.dumps(values))
    return lambda: check_dataset(folder)


def written(name: str) -> Callable[[int, Path], Work]:
    return lambda count, folder: lambda: write_annotations(overlapping(count), folder / "out", format_name=name)


def read(name: str) -> Callable[[int, Path], Work]:
    def prepare(count: int, folder: Path) -> Work:
        write_annotations(overlapping(count), folder / "out", format_name=name)
        return lambda: make_format(name, {}).read(folder / "out")

    return prepare


def ignored(count: int, folder: Path) -> Work:
    """As many ignored events as others."""
    return lambda: without_ignored(overlapping(count).videos["v"].events, ("b",))


def untimed(count: int, folder: Path) -> Work:
    """As many events without times, each of its own label, as events with times, all in one video."""
    lost = tuple(Untimed(f"l{n}", -math.inf, math.inf) for n in range(count))
    timed = tuple(Event("a", 2.0 * n, 2.0 * n + 1) for n in range(count))
    given = AnnotationSet(("a",), {"v": VideoRecord("v", 1e5, events=(*lost, *timed))})
    return lambda: untimed_as_ignored(given, folder)


def ids(count: int, folder: Path) -> Work:
    given, files = [f"a/Vid{n}.MP4" for n in range(count)], [f"vid{n}" for n in range(count)]
    return lambda: match_ids(given, files)


def hints(count: int, folder: Path) -> Work:
    hint = Hints([f"name {n}" for n in range(count)])
    return lambda: [hint(f"nama {n}") for n in range(count)]


CASES: dict[str, Callable[[int, Path], Work]] = {
    "events that overlap": lambda count, _: lambda: repair(overlapping(count)),
    "events that repeat": lambda count, _: lambda: repair(repeated(count)),
    "unknown labels": unknown_labels,
    "unknown videos": unknown_videos,
    "events that are ignored": ignored,
    "events without times": untimed,
    "ids": ids,
    "hints": hints,
    **{f"write {name}": written(name) for name in ("elan", "csv", "activitynet", "augrgb")},
    **{f"read {name}": read(name) for name in ("elan", "csv", "activitynet", "augrgb", "webvtt")},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_check_costs_in_proportion_to_its_input(case: Callable[[int, Path], Work], tmp_path: Path) -> None:
    counts = []
    for size in (8, *SIZES):  # the first is to import and fill caches
        folder = tmp_path / str(size)
        folder.mkdir()
        counts.append(operations(case(size, folder)))
    growth = counts[2] / counts[1]
    assert growth <= MOST_GROWTH * SIZES[1] / SIZES[0], f"{counts[1]} operations became {counts[2]}"
