"""Folds of a small dataset: every video once, no person on both sides where that can be, rare classes spread."""

from __future__ import annotations

from augrgb.annotations.folds import FEW_VIDEOS, choose_folds, foldable
from augrgb.core.types import Dataset, Event, VideoRecord


def videos(count: int, *, subjects: int = 0) -> dict[str, VideoRecord]:
    found = {}
    for number in range(count):
        events = [Event("common", 0.0, 1.0)] + ([Event("rare", 2.0, 3.0)] if number < 4 else [])
        subject = f"s{number % subjects}" if subjects else None
        found[f"v{number:02d}"] = VideoRecord(f"v{number:02d}", 5.0, events=tuple(events), subject=subject)
    return found


def test_every_video_is_held_out_once_and_rare_classes_are_spread() -> None:
    known = videos(14)
    folds = choose_folds(known, list(known))
    assert sorted(name for group in folds.groups for name in group) == sorted(known)
    assert folds.by == "video" and len(folds.groups) == 4
    assert {len(group) for group in folds.groups} <= {3, 4}
    assert all(sum(name < "v04" for name in group) == 1 for group in folds.groups)
    assert choose_folds(known, list(known)) == folds


def test_whole_people_are_held_out_where_there_are_enough_of_them() -> None:
    known = videos(12, subjects=5)
    folds = choose_folds(known, list(known))
    assert folds.by == "person" and "5 of them" in folds.why
    for group in folds.groups:
        others = {known[name].subject for name in known if name not in group}
        assert not others & {known[name].subject for name in group}
    two = choose_folds(videos(12, subjects=2), list(videos(12)))
    assert two.by == "video" and two.why.startswith("2 people are too few to hold one out")


def test_two_or_three_videos_make_as_many_folds() -> None:
    for count in (2, 3):
        known = videos(count)
        assert [len(group) for group in choose_folds(known, list(known)).groups] == [1] * count


def test_given_test_videos_stay_test_videos_and_random_ones_do_not() -> None:
    known = videos(FEW_VIDEOS)
    names = tuple(known)
    roles = {"train": names[:8], "encoder": names[:8], "val": names[8:10], "test": names[10:12]}
    dataset = Dataset(
        "d", ("common", "rare"), known, {"given": roles, "random": roles, "many": {**roles, "test": names[10:]}}
    )
    assert foldable(dataset, "given") == names[:10]
    assert foldable(dataset, "random") == names[:12]
    assert foldable(dataset, "many") == ()
