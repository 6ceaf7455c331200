"""The project that corrections go into: its dataset, and what was corrected in it.

`dataset.json` of the project gets the corrected videos, for training only: a video of validation or test stays as it
is. `corrections.json` beside the project file keeps everything that people said, and the rows of `dataset.json` as they
were, so that a correction can be taken back, and a deleted video leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.annotations.dataset_schema import VideoRow, record_of, row_of
from augrgb.annotations.repair import repair_video
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.files import atomic_file, write_json
from augrgb.core.opening import open_regular, resolved, sha256_file
from augrgb.core.plain_data import read_json, read_yaml
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.server.annotations.documents import Document
from augrgb.server.teaching.corrections import corrected_record, count_judged, known_stretches
from augrgb.server.videos.index import Video

SCHEMA = "augrgb.corrections/2"
COPIES = "corrections"
PROJECT_FILE = "project.yaml"
_HELD_OUT = ("val", "test")
_SUFFIXES = {"matroska,webm": ".mkv", "avi": ".avi", "mpegts": ".ts"}


@dataclass(frozen=True, slots=True)
class Corrected:
    """A video with its newest saved document."""

    video: Video
    path: Path
    version: int
    document: Document


@dataclass(frozen=True, slots=True)
class Applied:
    """What the dataset has of the corrections.

    Args:
        videos: Videos that were corrected or added.
        events: Events in them that a person vouches for.
        judged: Events that a person judged, rejected ones too.
        known_s: Seconds that a person vouches for.
        left_out: Videos with a document that says nothing yet.
        held_out: Validation and test videos, which stay as they are.
    """

    videos: int
    events: int
    judged: int
    known_s: float
    left_out: int
    held_out: int

    def to_json(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


class LoopProject:
    """A project file with its dataset.

    Args:
        path: `project.yaml`, or its folder.

    Raises:
        UsageFault: E-RUN-010, not a project file.
        AugrgbError: See `load_dataset`.
    """

    def __init__(self, path: Path) -> None:
        self.file = path / PROJECT_FILE if path.is_dir() else path
        self.folder = self.file.parent
        # Read here by hand: the module that checks all of a project file imports torch, which no server needs.
        values = read_yaml(self.file, "project file")
        dataset, split = (values.get(key) if isinstance(values, dict) else None for key in ("dataset", "split"))
        if not isinstance(dataset, str) or not isinstance(split, str):
            remedy = "Correct it, or make it again with `augrgb init`."
            raise UsageFault("E-RUN-010", self.file, "not a project file: dataset and split are needed", remedy)
        self.split: str = split
        self._root = resolved(self.folder / dataset)
        self._lock = threading.Lock()
        self._same: dict[str, str | None] = {}
        self._deleted: list[str] = []
        load_dataset(self._root)

    @property
    def dataset_folder(self) -> Path:
        """Where `dataset.json` is."""
        return self._root

    def true_events(self) -> dict[str, tuple[Event, ...]]:
        """Labeled events before any correction, by the file name of the video."""
        dataset, state = load_dataset(self._root), self._state()
        records = self._restored(dataset, state).videos.values()
        return {one.file.name: one.events for one in records if one.file is not None and one.events is not None}

    def held_out(self, videos: Iterable[tuple[Video, Path]]) -> dict[str, bool]:
        """Which videos are of validation or test, by their files or by the content of these.

        Args:
            videos: Each with its file.

        Returns:
            By `Video.video_id`; videos whose file cannot be read are left out.

        Raises:
            UsageFault: E-SPL-001, the dataset has no such split.
            AugrgbError: The dataset cannot be read.
        """
        dataset = load_dataset(self._root)
        roles, files = self._roles(dataset), _files_of(dataset)
        held_out = {name for role in _HELD_OUT for name in roles.get(role, ())}
        found = {}
        for video, path in videos:
            with contextlib.suppress(InputRefused, OSError):
                found[video.video_id] = self._id_of(files, video, path) in held_out
        return found

    def apply(self, entries: Sequence[Corrected]) -> Applied:
        """Bring the dataset up to date with all documents; the same documents give the same dataset.

        Raises:
            InputRefused: E-ANN-003: an event of a class that the dataset does not have.
            AugrgbError: The dataset cannot be read or written.
        """
        with self._lock:
            state = self._state()
            dataset = self._restored(load_dataset(self._root), state)
            self._deleted += set(state) - set(dataset.videos)
            videos, roles, files = dict(dataset.videos), self._roles(dataset), _files_of(dataset)
            rows: dict[str, Any] = {}
            left_out = held_out = events = judged = 0
            known_s = 0.0
            for entry in entries:
                self._check_classes(dataset, entry)
                name = self._id_of(files, entry.video, entry.path)
                if any(name in roles.get(role, ()) for role in _HELD_OUT):
                    held_out += 1
                    continue
                old = videos.get(name)
                base = old or VideoRecord(name, self._duration_s(entry), self._copy_of(entry), fps=_fps(entry.video))
                one_class = len(dataset.classes) == 1
                found = corrected_record(base, entry.document, one_class=one_class)
                if found is None:
                    left_out += 1
                    continue
                if old is None:
                    self._copy(entry)
                found = repair_video(found, [])
                videos[name] = found
                before = {"row": None if old is None else row_of(old, self._root), "roles": _roles_with(roles, name)}
                for role in {"unlabelled", "encoder_unlabelled"} & roles.keys():
                    roles[role] = [one for one in roles[role] if one != name]
                for role in ("train", "encoder"):
                    roles[role] = list(dict.fromkeys([*roles.get(role, ()), name]))
                rows[name] = {
                    "video": entry.video.video_id,
                    "version": entry.version,
                    "before": before,
                    "after": row_of(found, self._root),
                    **entry.document.model_dump(),
                }
                events += sum(one.state in ("accepted", "corrected") for one in entry.document.events)
                judged += count_judged(entry.document)
                stretches = known_stretches(entry.document, base.known_duration_s, one_class=one_class)
                known_s += sum(stop - start for start, stop in stretches)
            # Names first: a server that is killed before the dataset is written must know what the rows were.
            write_json(self.folder / "corrections.json", {"schema": SCHEMA, "videos": rows})
            splits = {**dataset.splits, self.split: {role: tuple(ids) for role, ids in roles.items()}}
            save_dataset(replace(dataset, videos=MappingProxyType(videos), splits=splits), self._root)
            self._remove_copies(videos)
            return Applied(len(rows), events, judged, known_s, left_out, held_out)

    def take_deleted(self) -> list[str]:
        """Ids that corrections had added and that are gone now, once."""
        with self._lock:
            found, self._deleted = self._deleted, []
            return [name for name in found if name not in load_dataset(self._root).videos]

    def _state(self) -> dict[str, Any]:
        path = self.folder / "corrections.json"
        raw = read_json(path) if path.exists() else {}
        return dict(raw["videos"]) if isinstance(raw, dict) and raw.get("schema") == SCHEMA else {}

    def _restored(self, dataset: Dataset, state: Mapping[str, Any]) -> Dataset:
        """The dataset as it was before corrections; rows that somebody has changed by hand since stay as they are."""
        videos, roles = dict(dataset.videos), self._roles(dataset)
        for name, entry in state.items():
            if name not in videos or row_of(videos[name], self._root) != entry["after"]:
                continue
            before = entry["before"]
            for role in roles.keys() - set(before["roles"]):
                roles[role] = [one for one in roles[role] if one != name]
            if before["row"] is None:
                del videos[name]
                continue
            videos[name] = record_of(VideoRow.model_validate(before["row"]), self._root, name, [])
            for role in before["roles"]:
                roles[role] = list(dict.fromkeys([*roles.get(role, ()), name]))
        splits = {**dataset.splits, self.split: {role: tuple(ids) for role, ids in roles.items()}}
        return replace(dataset, videos=MappingProxyType(videos), splits=splits)

    def _roles(self, dataset: Dataset) -> dict[str, list[str]]:
        split = dataset.splits.get(self.split)
        if split is None:
            remedy = did_you_mean(self.split, dataset.splits)
            raise UsageFault("E-SPL-001", self.file, f"no split {self.split!r}", remedy)
        return {role: list(ids) for role, ids in split.items()}

    def _id_of(self, files: Mapping[str, Path], video: Video, path: Path) -> str:
        """The id of a video in the dataset: of the same file, of a file with the same content, or a new one."""
        if video.video_id not in self._same:
            size, here = path.stat().st_size, resolved(path)
            alike = [name for name, file in files.items() if file == here]
            if not alike:
                same_size = [name for name, file in files.items() if file.stat().st_size == size]
                own = sha256_file(path) if same_size else ""
                alike = [name for name in same_size if sha256_file(files[name]) == own]
            self._same[video.video_id] = alike[0] if alike else None
        return self._same[video.video_id] or f"{PurePath(video.name).stem or 'video'} {video.video_id[:8]}"

    def _check_classes(self, dataset: Dataset, entry: Corrected) -> None:
        for event in entry.document.events:
            if event.state in ("accepted", "corrected") and event.label not in dataset.classes:
                hint = did_you_mean(event.label, dataset.classes)
                raise InputRefused("E-ANN-003", entry.video.name, f"unknown class {event.label!r}", hint)

    def _duration_s(self, entry: Corrected) -> float:
        duration_s = float(entry.video.info.get("duration_s") or 0.0)
        if duration_s <= 0:
            raise InputRefused("E-ANN-024", entry.video.name, "its duration is not known", "Re-encode the video.")
        return duration_s

    def _copy_of(self, entry: Corrected) -> Path:
        suffix = _SUFFIXES.get(str(entry.video.info.get("container")), ".mp4")
        return self._root / COPIES / f"{entry.video.video_id}{suffix}"

    def _copy(self, entry: Corrected) -> None:
        target = self._copy_of(entry)
        if target.exists():
            return
        with open_regular(entry.path, "video") as source, atomic_file(target) as copy:
            shutil.copyfileobj(source, copy)

    def _remove_copies(self, videos: Mapping[str, VideoRecord]) -> None:
        used = {one.file for one in videos.values()}
        for path in (self._root / COPIES).glob("*"):
            if path not in used:
                path.unlink(missing_ok=True)


def digest(versions: Mapping[str, int]) -> str:
    """Changes whenever somebody has saved something.

    Args:
        versions: Of the newest document of each video.
    """
    text = ";".join(sorted(f"{video}:{version}" for video, version in versions.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _files_of(dataset: Dataset) -> dict[str, Path]:
    """The video files of a dataset that are there, but for the copies of uploads."""
    files = {name: resolved(one.file) for name, one in dataset.videos.items() if one.file is not None}
    return {name: file for name, file in files.items() if file.is_file() and file.parent.name != COPIES}


def _roles_with(roles: Mapping[str, Sequence[str]], name: str) -> list[str]:
    return [role for role, ids in roles.items() if name in ids]


def _fps(video: Video) -> float | None:
    return float(video.info.get("fps") or 0.0) or None
