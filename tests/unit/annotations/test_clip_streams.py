"""Clips in streams: each once, roles kept apart, events moved with their clips."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augrgb.annotations.clip_streams import ClipStream, PlacedClip, StreamRules, dataset_of_streams, plan_streams
from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.core.types import Dataset, Event, VideoRecord

FPS = 10.0


def clips(count: int = 10) -> Dataset:
    names = [f"c{number}" for number in range(count)]
    records = {
        name: VideoRecord(name, 1.0 + number / 10, events=(Event("walk", 0.2, 0.9),), subject=f"s{number % 2}")
        for number, name in enumerate(names)
    }
    splits = {
        "official": {"train": tuple(names[:6]), "test": tuple(names[6:])},
        "scenes": {"train": tuple(names[:3]), "val": tuple(names[3:6])},
    }
    return Dataset("clips", ("walk",), records, splits)


@given(seed=st.integers(0, 1000), at_most=st.integers(1, 7), gap=st.floats(0, 3), more=st.floats(0, 3))
def test_every_clip_stands_once_and_none_overlap(seed: int, at_most: int, gap: float, more: float) -> None:
    dataset = clips()
    streams = plan_streams(dataset, StreamRules(at_most, (gap, gap + more), seed), FPS)
    assert sorted(clip.video_id for stream in streams for clip in stream.clips) == sorted(dataset.videos)
    for stream in streams:
        assert len(stream.clips) <= at_most
        at = 0
        for clip in stream.clips:
            assert round(gap * FPS) <= clip.first - at <= round((gap + more) * FPS)
            at = clip.first + clip.count
        assert round(gap * FPS) <= stream.frames - at <= round((gap + more) * FPS)


def test_roles_of_every_split_are_kept_apart() -> None:
    dataset = clips()
    streams = plan_streams(dataset, StreamRules(clips=20), FPS)
    strung = dataset_of_streams(dataset, streams, FPS)
    home = {clip.video_id: stream.stream_id for stream in streams for clip in stream.clips}
    for split, roles in dataset.splits.items():
        for role, ids in roles.items():
            assert set(strung.splits[split][role]) == {home[video_id] for video_id in ids}
            inside = {name for name, stream in home.items() if stream in strung.splits[split][role]}
            assert inside == set(ids)  # no clip of another role came along


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    plans = [plan_streams(clips(), StreamRules(seed=seed), FPS) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


def test_clips_of_one_person_only() -> None:
    dataset = clips()
    streams = plan_streams(dataset, StreamRules(together="subject"), FPS)
    strung = dataset_of_streams(dataset, streams, FPS)
    assert {record.subject for record in strung.videos.values()} == {"s0", "s1"}
    assert all(name.startswith(record.subject or "") for name, record in strung.videos.items())
    unknown = replace(dataset, videos={**dataset.videos, "c0": replace(dataset.videos["c0"], subject=None)})
    with pytest.raises(UsageFault, match="'c0' has none"):
        plan_streams(unknown, StreamRules(together="subject"), FPS)


def test_events_move_with_their_clip_and_end_with_it() -> None:
    records = {
        "a": VideoRecord("a", 2.0, events=(Event("sit", 0.5, 9.0), Event("walk", 2.5, 3.0))),
        "b": VideoRecord("b", 1.0, events=(), ignored=(Event("", 0.0, 1.0),)),
    }
    stream = ClipStream("s", (PlacedClip("a", 10, 20), PlacedClip("b", 35, 10)), 50)
    record = dataset_of_streams(Dataset("d", ("sit", "walk"), records, {}), [stream], FPS).videos["s"]
    assert record.events == (Event("sit", 1.5, 3.0),)
    assert record.ignored == (Event("", 3.5, 4.5),)
    assert record.duration_s == 5.0


def test_clips_without_annotations_stay_apart_from_annotated_ones() -> None:
    records = {name: VideoRecord(name, 1.0, events=None if name == "c" else ()) for name in "abc"}
    streams = plan_streams(Dataset("d", (), records), StreamRules(), FPS)
    strung = dataset_of_streams(Dataset("d", (), records), streams, FPS)
    assert sorted(record.events is None for record in strung.videos.values()) == [False, True]


@pytest.mark.parametrize(
    "rules", [{"clips": 0}, {"gap_s": (2.0, 1.0)}, {"gap_s": (-1.0, 1.0)}, {"gap_s": (0, float("nan"))}]
)
def test_rules_that_make_no_sense(rules: dict[str, object]) -> None:
    with pytest.raises(AugrgbError, match="E-CFG-003"):
        StreamRules(**rules)  # type: ignore[arg-type]
