"""Folders of pose and sensor files that lie beside a folder of videos, found for who did not name them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import AugrgbError
from augrgb.core.files import ARRAY_DAMAGE
from augrgb.core.opening import is_file, resolved
from augrgb.core.types import VideoRecord
from augrgb.workflows.own_files import with_own_files

_KIND_OF_AXES = {2: "signal", 3: "grid", 4: "grid"}
_LOOKED_AT = 5


@dataclass(frozen=True, slots=True)
class SensorFolder:
    """A folder beside the videos with files named like them.

    Args:
        kind: `poses`, `signal` or `grid`.
        place: The folder.
        count: How many videos have a file there.
    """

    kind: str
    place: Path
    count: int


def sensors_beside(videos: Path) -> list[SensorFolder]:
    """Folders of pose and sensor files, `.npz` named exactly like videos: among, below or beside the videos.

    Only folders are looked into that lie directly there; where files lie among the videos, no other folder is looked
    at for that kind. What cannot be read, or holds something else, is passed over.
    """
    names = {Path(name).stem for name in _files(videos) if not name.endswith(".npz")}
    beside = _folders(videos.parent if videos.name else resolved(videos).parent)
    found: list[SensorFolder] = []
    for place in (videos, *_folders(videos), *(one for one in beside if resolved(one) != resolved(videos))):
        mine = sorted(name for name in _files(place) if name.endswith(".npz") and name.removesuffix(".npz") in names)
        kind = next(filter(None, (_kind(place / name) for name in mine[:_LOOKED_AT])), None)
        if kind is not None and (kind, videos) not in [(one.kind, one.place) for one in found]:
            found.append(SensorFolder(kind, place, len(mine)))
    return found


@dataclass(frozen=True, slots=True)
class SensorChoice:
    """What a new dataset is made of.

    Args:
        root: The dataset folder.
        folders: `poses`, `signal`, `grid` -> its folder.
        found: Those of them that nobody named.
        sentences: About folders that nobody named.
    """

    root: Path
    folders: Mapping[str, Path]
    found: tuple[str, ...]
    sentences: tuple[str, ...]


def choose_sensors(videos: Path, out: Path | None, named: Mapping[str, Path | None]) -> SensorChoice:
    """The dataset folder, and sensor folders: those that were named, and others that lie beside the videos.

    The dataset folder is `out`, else `videos`; where sensor files lie beside the videos, it is the folder of both,
    unless `videos` is a dataset already.
    """
    folders = {kind: place for kind, place in named.items() if place is not None}
    found = [folder for folder in sensors_beside(videos) if folder.kind not in folders]
    above = [*folders.values(), *(folder.place for folder in found if folder.kind != "poses")]
    root = out or (videos.parent if videos.name and _beside(videos, above) else videos)
    if out is None and not folders and is_file(videos / "dataset.json"):
        root = videos
    sentences = []
    for kind in dict.fromkeys(folder.kind for folder in found):
        mine = [folder for folder in found if folder.kind == kind]
        place, count = mine[0].place, mine[0].count
        what = f"{place} has {kind} files of {count} videos"
        if len(mine) > 1:
            places = ", ".join(str(folder.place) for folder in mine)
            sentences.append(f"{len(mine)} folders have {kind} files ({places}); use one with --{kind} FOLDER.")
        elif not resolved(place).is_relative_to(resolved(root)):
            sentences.append(f"{what}; use them with --{kind} {place}.")
        else:
            folders[kind] = place
            sentences.append(f"{what}: used, as with --{kind} {place}.")
    return SensorChoice(root, folders, tuple(kind for kind in folders if named.get(kind) is None), tuple(sentences))


def with_fitting(
    records: Mapping[str, VideoRecord], places: Mapping[str, Path | None]
) -> tuple[dict[str, VideoRecord], list[str]]:
    """The videos with the files of folders that fit them all, and a sentence for each folder that does not."""
    videos, sentences = dict(records), []
    for key, place in places.items():
        found, faults = with_own_files(videos, {key: place})
        if faults:
            sentences.append(f"{place} is not used after all: {faults[0]}")
        else:
            videos = found
    return videos, sentences


def _beside(videos: Path, places: Sequence[Path]) -> bool:
    """Whether some of the folders lie beside the videos, and none elsewhere than there or below."""
    parent = resolved(videos).parent
    outside = [resolved(place) for place in places if not resolved(place).is_relative_to(resolved(videos))]
    return bool(outside) and all(place.is_relative_to(parent) for place in outside)


def _files(folder: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file())


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    return []


def _kind(path: Path) -> str | None:
    """What a file holds, from its arrays' names and shape; None if it is neither poses nor a sensor's."""
    with suppress(AugrgbError, *ARRAY_DAMAGE), open_arrays(path) as arrays:
        if "joints" in arrays and "parents" in arrays:
            return "poses"
        if "values" in arrays and "fps" in arrays:
            return _KIND_OF_AXES.get(arrays["values"].ndim)
    return None
