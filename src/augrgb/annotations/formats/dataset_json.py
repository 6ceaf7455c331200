"""Dataset folders (`dataset.json`) as annotations, so that they can be converted, checked and counted too."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.dataset_file import read_dataset, save_dataset
from augrgb.annotations.dataset_schema import FILES
from augrgb.annotations.splits import splits_of
from augrgb.core.errors import InputRefused
from augrgb.core.files import file_name_of, make_folder
from augrgb.core.opening import resolved
from augrgb.core.types import Dataset, VideoRecord


class DatasetJson(AnnotationFormat):
    """augrgb dataset folder: `dataset.json` with classes, videos, events in seconds and splits. Written without loss.

    Video and pose files must lie in the dataset folder. Those that lie elsewhere are hard-linked into `videos/` and
    `poses/` of the folder, so nothing is copied and the originals stay as they are.

    Args:
        name_as: Name of the dataset when writing; default: the name of the folder.
    """

    name = "augrgb"
    suffixes = (".json",)
    writes_with = ("name_as",)
    only_writes_with = ("name_as",)
    folders = True
    zero = "first-frame"
    signs = ('"schema"', '"classes"', '"videos"')

    def __init__(self, *, name_as: str | None = None) -> None:
        self.name_as = name_as

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return (path / "dataset.json").is_file() or (path.name == "dataset.json" and path.is_file())

    def read(self, path: Path) -> AnnotationSet:
        dataset = read_dataset(_folder(path))
        return AnnotationSet(dataset.classes, dataset.videos, dataset.splits, closed=True)

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        folder = _folder(path)
        videos = {video_id: _with_files_in(folder, video) for video_id, video in annotations.videos.items()}
        name = self.name_as or resolved(folder).name or "dataset"
        return [
            save_dataset(Dataset(name, annotations.classes, videos, splits_of(annotations, only_labelled=True)), folder)
        ]


def _folder(path: Path) -> Path:
    return path.parent if path.name == "dataset.json" else path


def _with_files_in(folder: Path, video: VideoRecord) -> VideoRecord:
    name = file_name_of(video.video_id)
    places: dict[str, Path | None] = {key: getattr(video, key) for key in FILES}
    linked: dict[str, Any] = {
        key: _linked(place, folder, f"{'videos' if key == 'file' else key}/{name}{place.suffix}")
        for key, place in places.items()
        if place is not None
    }
    return replace(video, **linked)


def _linked(file: Path, folder: Path, name: str) -> Path:
    """The file's path in the dataset folder, where a hard link is made if it lies elsewhere.

    Raises:
        InputRefused: E-ID-003: it cannot be linked, or another file has the name of the link.
    """
    if not file.exists() or resolved(file).is_relative_to(resolved(folder)):
        return file
    link = folder / name
    try:
        make_folder(link.parent)
        if not link.exists() or not link.samefile(file):
            os.link(resolved(file), link)
    except OSError as error:
        problem = f"lies outside {folder} and cannot be hard-linked to {link} ({error.strerror})"
        remedy = "Choose a folder above the videos, or an empty folder on their disk."
        raise InputRefused("E-ID-003", file, problem, remedy) from error
    return link
