"""`augrgb init` again, with more videos and corrected labels: no known video changes sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.video.mp4 import write_mp4
from augrgb.workflows.init import init_dataset


def make_clips(folder: Path, names: list[str]) -> Path:
    for name in names:
        frames = np.random.default_rng(int(name[1:])).integers(0, 255, (20, 32, 32, 3), dtype=np.uint8)
        write_mp4(folder / f"{name}.mp4", frames, fps=10)
    return folder


def events(folder: Path, names: list[str], subsets: dict[str, str] | None = None) -> Path:
    lines = [f"{name},walk,0,1{',' + subsets[name] if subsets else ''}" for name in names]
    path = folder / "events.csv"
    path.write_text("\n".join([f"video,label,start,end{',subset' if subsets else ''}", *lines]) + "\n")
    return path


def test_known_videos_keep_their_roles_and_new_ones_are_trained_on(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(12)]
    videos = make_clips(tmp_path / "videos", names[:9])
    first = init_dataset(videos, events(tmp_path, names[:9]), videos).dataset.splits["random"]
    make_clips(videos, names[9:])
    (videos / f"{first['train'][0]}.mp4").unlink()
    left = [name for name in names if name != first["train"][0]]
    report = init_dataset(videos, events(tmp_path, left), videos, seed=5)
    second = report.dataset.splits["random"]
    assert second["test"] == first["test"] and second["val"] == first["val"]
    assert set(second["train"]) == (set(first["train"]) & set(left)) | set(names[9:]) == set(second["encoder"])
    assert report.reasons[0] == "Split random: 8 videos keep their roles, 3 new ones are trained on."


def test_official_test_videos_are_always_those_of_the_annotations(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(8)]
    videos = make_clips(tmp_path / "videos", names)
    subsets = {name: "testing" if name in names[:2] else "training" for name in names}
    first = init_dataset(videos, events(tmp_path, names, subsets), videos).dataset.splits["given"]
    moved = {**subsets, names[0]: "training", names[7]: "testing"}
    second = init_dataset(videos, events(tmp_path, names, moved), videos, seed=3).dataset.splits["given"]
    assert first["test"] == ("v00", "v01") and second["test"] == ("v01", "v07")
    assert set(second["train"]) | set(second["val"]) == set(names) - {"v01", "v07"}


def test_whole_scenes_are_held_out_where_they_are_known(tmp_path: Path) -> None:
    names = [f"v{scene}{take}" for scene in range(5) for take in range(3)]
    videos = make_clips(tmp_path / "videos", names)
    report = init_dataset(videos, events(tmp_path, names), videos, scene=r"^v(\d)")
    split = report.dataset.splits["random"]
    scenes = {part: {report.dataset.videos[name].scene for name in split[part]} for part in ("train", "val", "test")}
    assert scenes["train"] and scenes["val"] and scenes["test"]
    assert not scenes["train"] & scenes["val"] and not (scenes["train"] | scenes["val"]) & scenes["test"]
    assert "no scene of its validation videos is in training" in " ".join(report.reasons)


def test_a_column_states_scenes_and_without_one_a_warning(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(9)]
    videos = make_clips(tmp_path / "videos", names)
    report = init_dataset(videos, events(tmp_path, names), videos)
    assert "may show places and people of training ones" in " ".join(report.reasons)
    rows = "\n".join(f"{name},walk,0,1,room{number % 3}" for number, name in enumerate(names))
    path = tmp_path / "rooms.csv"
    path.write_text(f"video,label,start,end,room\n{rows}\n")
    other = init_dataset(make_clips(tmp_path / "more", names), path, tmp_path / "more")
    assert other.dataset.videos["v04"].scene == "room1"
    split = other.dataset.splits["random"]
    assert len({other.dataset.videos[name].scene for name in split["test"]}) == 1


def people(folder: Path, names: list[str], unknown: str = "") -> Path:
    rows = [f"{name},walk,0,1,{'' if name == unknown else f'p{number % 3}'}" for number, name in enumerate(names)]
    path = folder / "people.csv"
    path.write_text("\n".join(["video,label,start,end,person", *rows]) + "\n")
    return path


def test_people_stated_after_a_split_was_drawn(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(9)]
    videos = make_clips(tmp_path / "videos", names)
    before = init_dataset(videos, events(tmp_path, names), videos).dataset.splits
    kept = init_dataset(videos, people(tmp_path, names), videos)
    assert kept.dataset.splits == before and "`--new-split` draws it again" in " ".join(kept.reasons)
    drawn = init_dataset(videos, people(tmp_path, names), videos, new_split=True)
    split, known = drawn.dataset.splits["random"], drawn.dataset.videos
    assert "no person of its test videos is in training" in " ".join(drawn.reasons)
    assert not {known[name].subject for name in split["train"]} & {known[name].subject for name in split["test"]}


def test_why_people_are_not_held_out(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(9)]
    report = init_dataset(make_clips(tmp_path / "videos", names), people(tmp_path, names, "v04"), tmp_path / "videos")
    said = " ".join(report.reasons)
    assert "(the person is known for 8 of 9 videos only (not for 'v04'))." in said and "a column `subject`" not in said


def test_background_videos_are_empty_and_not_unlabeled(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(6)]
    videos = make_clips(tmp_path / "videos", names)
    make_clips(videos / "quiet", ["q21", "q22", "q23"])
    listed = events(tmp_path, [*names, "q23"])
    plain = init_dataset(videos, listed, videos).dataset
    assert plain.videos["q21"].events is None and "q21" in plain.splits["random"]["unlabelled"]
    report = init_dataset(videos, listed, videos, background=videos / "quiet", new_split=True)
    found = report.dataset
    assert found.videos["q21"].events == () == found.videos["q22"].events and len(found.videos["q23"].events or ()) == 1
    assert not found.splits["random"]["unlabelled"]
    assert "nothing happens in 2 videos" in " ".join(report.reasons) and "1 others" in " ".join(report.reasons)
    subsets = {name: "testing" if name in names[:2] else "training" for name in [*names, "q23"]}
    given = init_dataset(
        videos, events(tmp_path, [*names, "q23"], subsets), videos, background=videos / "quiet"
    ).dataset.splits["given"]
    assert {"q21", "q22"} <= {*given["train"], *given["val"]} and given["test"] == ("v00", "v01")
    with pytest.raises(UsageFault, match="E-CFG-042"):
        init_dataset(videos, listed, videos, background=tmp_path / "elsewhere")
