"""Views of a dataset: without some videos and sensors, with splits of their own, and never of another dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from augrgb.annotations.dataset_file import load_dataset, read_dataset, save_dataset
from augrgb.annotations.dataset_view import save_view
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Dataset, Event, VideoRecord


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    videos = {
        name: VideoRecord(
            name, 5.0, file=folder / f"{name}.mp4", grid=folder / f"{name}.npz", events=(Event("a", 0, 1),)
        )
        for name in ("one", "two", "three", "four")
    }
    save_dataset(Dataset("base", ("a",), videos, {"random": {"train": ("one",), "test": ("two",)}}), folder)
    return folder


def test_a_view_leaves_out_what_it_says_and_has_its_own_splits(base: Path, tmp_path: Path) -> None:
    splits = {"fold1": {"train": ["one"], "test": ["two"]}, "fold2": {"train": ["two"], "test": ["one"]}}
    folder = tmp_path / "far" / "view"
    save_view(folder, base, splits, without=["four"], without_sensors={"one": ["grid"]})
    for read in (load_dataset, read_dataset):
        seen = read(folder)
        assert set(seen.videos) == {"one", "two", "three"} and set(seen.splits) == {"fold1", "fold2"}
        assert seen.videos["one"].grid is None and seen.videos["two"].grid == base.resolve() / "two.npz"
        assert seen.videos["one"].file == base.resolve() / "one.mp4" and seen.splits["fold2"]["test"] == ("one",)


def test_a_view_without_a_sensor_that_there_is_not_is_refused(base: Path, tmp_path: Path) -> None:
    save_view(tmp_path / "view", base, {}, without_sensors={"one": ["duration_s"]})
    with pytest.raises(AugrgbError, match="without_sensors"):
        load_dataset(tmp_path / "view")


def test_a_view_of_a_changed_dataset_or_of_a_view_or_with_leaks_is_refused(base: Path, tmp_path: Path) -> None:
    view = tmp_path / "view"
    save_view(view, base, {"s": {"train": ["one"], "test": ["one"]}})
    with pytest.raises(AugrgbError, match="E-SPL-002"):
        load_dataset(view)
    save_view(view, base, {"s": {"train": ["one"], "test": ["four"]}}, without=["four"])
    with pytest.raises(AugrgbError, match="E-SPL-003"):
        load_dataset(view)
    save_view(view, base, {})
    save_view(tmp_path / "second", view, {})
    with pytest.raises(AugrgbError, match="view of a view"):
        load_dataset(tmp_path / "second")
    text = (base / "dataset.json").read_text()
    (base / "dataset.json").write_text(text.replace('"base"', '"other"'))
    with pytest.raises(AugrgbError, match=r"E-SPL-013.*--extend"):
        load_dataset(view)
