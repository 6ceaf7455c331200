"""What is written comes back: exactly where a format holds seconds, within half a unit where it holds frames or ms."""

import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import detect_format, make_format, write_annotations
from augrgb.annotations.reading.class_list import number_classes, read_class_list, write_class_list
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), min_size=1, max_size=12
).filter(lambda text: text == text.strip())
TIDY = st.text(string.ascii_letters + "_-éß ", min_size=1, max_size=12).filter(lambda t: t == " ".join(t.split()))
TIMES = st.floats(0, 1e5, allow_nan=False)


@st.composite
def annotation_sets(
    draw: Any, names: Any = NAMES, unannotated: Any = False, duration: Any = True, minimum_s: Any = 1e-3
) -> Any:
    classes = tuple(sorted(set(draw(st.lists(names, min_size=1, max_size=4)))))
    videos = {}
    for video_id in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        events = []
        for _ in range(draw(st.integers(0, 4))):
            start = draw(TIMES)
            length = draw(st.floats(minimum_s, 100))
            events.append(Event(draw(st.sampled_from(classes)), start, start + length))
        none = unannotated and draw(st.booleans())
        videos[video_id] = VideoRecord(
            video_id,
            events=None if none else tuple(events),
            duration_s=draw(st.floats(0.1, 1e5)) if duration else None,
            subset=draw(st.sampled_from(["training", "testing"])),
        )
    return AnnotationSet(classes, videos)


def round_trip(annotations: Any, name: Any, target: Any = "out", **options: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / target
        write_annotations(annotations, path, format_name=name)
        # a folder of empty label files tells nothing
        known = name != "pku-mmd" or any(video.events for video in annotations.videos.values())
        return make_format(name, options).read(path), detect_format(path) if known else name


@settings(max_examples=40, deadline=None)
@given(annotation_sets(unannotated=True))
def test_activitynet_is_lossless(annotations: Any) -> None:
    found, detected = round_trip(annotations, "activitynet", "x.json", ignore=[])
    assert found.videos == annotations.videos and detected == "activitynet"
    assert found.classes == annotations.classes


@settings(max_examples=40, deadline=None)
@given(annotation_sets())
def test_csv_is_lossless(annotations: Any) -> None:
    found, detected = round_trip(annotations, "csv", "x.csv")
    assert found.videos == annotations.videos and detected == "csv"


@settings(max_examples=40, deadline=None)
@given(annotation_sets(names=TIDY))
@pytest.mark.parametrize("name", ["charades-json", "multithumos-json"])
def test_actions_json_is_lossless(name: Any, annotations: Any) -> None:
    found, _ = round_trip(annotations, name, "x.json")
    assert (found.videos, found.classes) == (annotations.videos, annotations.classes)


@settings(max_examples=40, deadline=None)
@given(annotation_sets(names=TIDY, duration=False, minimum_s=0.04))
def test_pku_is_within_half_a_frame(annotations: Any) -> None:
    found, detected = round_trip(annotations, "pku-mmd")
    assert found.classes == annotations.classes
    assert found.videos.keys() == annotations.videos.keys()
    _within(found, annotations, 0.5 / 30 + 1e-9)
    assert detected == "pku-mmd"


@settings(max_examples=40, deadline=None)
@given(annotation_sets(duration=False, minimum_s=0.002))
def test_elan_is_within_half_a_millisecond(annotations: Any) -> None:
    found, detected = round_trip(annotations, "elan")
    assert detected == "elan" and found.classes == annotations.classes
    assert found.videos.keys() == annotations.videos.keys()
    _within(found, annotations, 0.0005 + 1e-9)


def _within(found: Any, expected: Any, tolerance_s: Any) -> None:
    for video_id, video in expected.videos.items():
        one = sorted(video.events, key=lambda e: (e.label, e.start_s, e.end_s))
        other = sorted(found.videos[video_id].events, key=lambda e: (e.label, e.start_s, e.end_s))
        assert [e.label for e in one] == [e.label for e in other]
        for label in {e.label for e in one}:
            for field in ("start_s", "end_s"):
                left = sorted(getattr(e, field) for e in one if e.label == label)
                right = sorted(getattr(e, field) for e in other if e.label == label)
                assert all(abs(a - b) <= tolerance_s for a, b in zip(left, right, strict=True))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 100_000),
    st.integers(1, 5000),
    st.sampled_from([10.0, 19.62, 23.976, 25.0, 29.97, 30.0, 60.0]),
    st.integers(0, 1),
    st.booleans(),
)
def test_frames_come_back_exactly_in_every_convention(
    start: Any, length: Any, fps: Any, first: Any, inclusive: Any
) -> None:
    counting = FrameCounting(fps, first, inclusive)
    span = (start + first, start + first + length - inclusive)
    start_s, end_s = counting.to_seconds(*span)
    assert start_s == start / fps and end_s == (start + length) / fps
    assert counting.to_frames(start_s, end_s) == span


@settings(max_examples=100, deadline=None)
@given(st.lists(TIDY, min_size=1, max_size=8, unique=True), st.integers(0, 1))
def test_class_lists_come_back(names: Any, first: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_class_list(number_classes(names, first=first), Path(folder) / "classes.txt")
        assert read_class_list(path, first=first).classes == tuple(names)


def test_pku_is_known_by_its_first_files_with_actions(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("")
    (tmp_path / "d.txt").write_text("3,10,40,1\n")
    assert detect_format(tmp_path) == "pku-mmd"
