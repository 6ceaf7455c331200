"""Pose and sensor files of a dataset's videos: found by name, and held against the length of each video."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from augrgb.annotations.videos.match_ids import match_ids
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import identifier_of
from augrgb.core.opening import check_folder, resolved
from augrgb.core.searching import files_in
from augrgb.core.types import VideoRecord
from augrgb.poses.batch import SECOND
from augrgb.sensors.file_lengths import file_length_faults


def check_places(places: Mapping[str, Path | None]) -> None:
    """Refuse what is no folder.

    Raises:
        UsageFault, InputRefused: See `check_folder`.
    """
    for key, place in places.items():
        if place is not None:
            check_folder(place, f"folder of {key if key == 'poses' else f'{key}s'}")


def with_own_files(
    records: Mapping[str, VideoRecord], places: Mapping[str, Path | None]
) -> tuple[dict[str, VideoRecord], list[AugrgbError]]:
    """The videos with the files that folders have for them, and what is wrong with any of their files.

    Args:
        records: By id; files that they already name are looked at too.
        places: `poses`, `signal`, `grid` -> folder of `.npz` files named like the videos; None = no folder.
    """
    files = {key: own_files(place, records) for key, place in places.items() if place is not None}
    faults: list[AugrgbError] = []
    found: dict[str, VideoRecord] = {}
    for video_id, record in records.items():
        own = {key: resolved(named[video_id]) for key, named in files.items() if video_id in named}
        found[video_id] = replace(record, **own)  # type: ignore[arg-type]
        faults.extend(file_length_faults(found[video_id]))
    for key, named in files.items():
        if not named:
            problem = "has no .npz file named like one of the videos"
            faults.append(
                InputRefused("E-VID-008", places[key], problem, f"Expected {next(iter(records), 'NAME')}.npz.")
            )
    return found, faults


def own_files(place: Path, video_ids: Collection[str]) -> dict[str, Path]:
    """The `.npz` file of each video that has one, also where all are named with one constant prefix or suffix."""
    files = {
        identifier_of(path.relative_to(place).with_suffix("").as_posix()): path
        for path in files_in(place, ".npz", deep=True)
        if path.relative_to(place).parts[0] != SECOND
    }
    found = {video_id: files[video_id] for video_id in video_ids if video_id in files}
    rest = [name for name in files if name not in found]
    matched = match_ids(rest, [video_id for video_id in video_ids if video_id not in found]) if not found else None
    for name, video_id in matched.names.items() if matched is not None else ():
        found.setdefault(video_id, files[name])
    return found
