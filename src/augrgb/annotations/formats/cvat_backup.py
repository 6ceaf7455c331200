"""CVAT backups of a task or a project: `task.json` and `annotations.json`, in folders or in the zip archive."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.formats.cvat import Runs, add_part, video_of_frames, visible_spans
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.frame_rates import Rates, need_rates, rate_of
from augrgb.annotations.reading.json_values import as_integer, as_list, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of, read_text
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.opening import is_file, is_folder
from augrgb.core.plain_data import parse_json
from augrgb.core.searching import search
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import VideoRecord
from augrgb.video.folder import VIDEO_SUFFIXES

_TASK, _ANNOTATIONS = "task.json", "annotations.json"


class CvatBackup(AnnotationFormat):
    """CVAT: the backup of a task, or of a project with `task_0`, `task_1`, ...: tracks and tags, as in `cvat`.

    Frames count from 0 in the task; its `start_frame` and frame step are added, so that they count in the video. The
    video is what `data/manifest.jsonl` or the folder `data` names, else the task. A task that shows a part of its video
    leaves the rest ignored; several of one video are joined where they show different parts.

    Args:
        fps: The constant frame rate: one number, or per video. Required.
        attribute: The attribute that names the action, where the label is only `person`.
        classes: Class list; any other label is then a mistake.
    """

    name = "cvat-backup"
    suffixes = (".json",)
    zero = "first-frame"
    folders = True

    def __init__(self, *, fps: Rates = None, attribute: str | None = None, classes: Path | None = None) -> None:
        self.fps, self.attribute, self.classes = fps, attribute, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        if is_folder(path):
            return bool(_tasks(path))
        head = head_of(path) if path.name == _TASK else ""
        return head.lstrip().startswith("{") and '"data"' in head and '"jobs"' in head

    def read(self, path: Path) -> AnnotationSet:
        need_rates(self.fps, path)
        folders = _tasks(path if is_folder(path) else path.parent)
        if not folders:
            raise InputRefused(
                "E-ANN-029", path, f"no {_TASK} with {_ANNOTATIONS} beside it", "Give the backup's folder."
            )
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        found: list[bool] = []
        for folder in folders:
            try:
                add_part(videos, self._video(folder, found), folder)
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        if self.attribute is not None and found and not any(found):
            raise UsageFault("E-ANN-027", path, f"no attribute {self.attribute!r} of any track or tag")
        used = {event.label for video in videos.values() for event in video.events or () if event.label}
        listed = classes_or(self.classes, used)
        return AnnotationSet(listed, videos, closed=self.classes is not None, in_frames=True)

    def _video(self, folder: Path, found: list[bool]) -> VideoRecord:
        task = as_object(parse_json(read_text(folder / _TASK), folder / _TASK), folder / _TASK)
        data = as_object(task.get("data") or {}, folder / _TASK, "data")
        start, stop = (as_integer(data.get(key) or 0, folder / _TASK, key) for key in ("start_frame", "stop_frame"))
        match = re.search(r"step\s*=\s*(\d+)", str(data.get("frame_filter") or ""))
        step = max(1, int(match[1])) if match else 1
        video_id = _video_of(folder, task)
        spans: list[tuple[str, int, int]] = []
        tagged: dict[str, Runs] = {}
        path = folder / _ANNOTATIONS
        for number, job in enumerate(as_list(parse_json(read_text(path), path), path)):
            row = as_object(job, path, f"[{number}]")
            for track in as_list(row.get("tracks") or [], path, "tracks"):
                spans += self._track(as_object(track, path, "track"), path, found)
            for value in as_list(row.get("tags") or [], path, "tags"):
                tag = as_object(value, path, "tag")
                frame = as_integer(member(tag, "frame", path, "tag"), path, "frame")
                tagged.setdefault(self._label(tag, tag, found), Runs(1)).add(frame)
        spans += [(label, first, end) for label, runs in tagged.items() for first, end in runs.joined()]
        moved = sorted((label, start + step * first, start + step * end) for label, first, end in spans)
        moved.sort(key=lambda span: (span[1], span[2], span[0]))
        frames = FrameCounting(rate_of(self.fps, video_id, folder))
        part = range(start, stop + step) if stop > start else None
        return video_of_frames(video_id, moved, frames, part)

    def _track(self, track: dict[str, Any], path: Path, found: list[bool]) -> list[tuple[str, int, int]]:
        shapes = [as_object(shape, path, "shape") for shape in as_list(track.get("shapes") or [], path, "shapes")]
        return visible_spans(
            (
                as_integer(member(shape, "frame", path), path, "frame"),
                None if shape.get("outside") else self._label(shape, track, found),
            )
            for shape in shapes
        )

    def _label(self, holder: dict[str, Any], fallback: dict[str, Any], found: list[bool]) -> str:
        if self.attribute is None:
            return as_text(holder.get("label") or fallback.get("label") or "", "label")
        for row in (holder, fallback):
            for attribute in row.get("attributes") or ():
                if isinstance(attribute, dict) and attribute.get("name") == self.attribute:
                    found.append(True)
                    return str(attribute.get("value") or "").strip()
        found.append(False)
        return ""


def _tasks(folder: Path) -> list[Path]:
    """The folders of tasks: the given one, or those in it."""
    places = dict.fromkeys(file.parent for file in search(folder, lambda name: name == _TASK, deep=True).files)
    return [place for place in places if is_file(place / _ANNOTATIONS)]


def _video_of(folder: Path, task: dict[str, Any]) -> str:
    """The video of a task: what its manifest or its data folder names, else its own name."""
    names: list[str] = []
    manifest = folder / "data" / "manifest.jsonl"
    if is_file(manifest):
        for line in read_text(manifest).splitlines():
            try:
                row = parse_json(line, manifest)
            except AugrgbError:
                continue
            properties = row.get("properties") if isinstance(row, dict) else None
            if isinstance(properties, dict) and isinstance(properties.get("name"), str):
                names.append(properties["name"])
    if not names:
        names = [
            file.name
            for file in search(folder / "data", lambda name: PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES).files
        ]
    name = names[0] if names else as_text(member(task, "name", folder / _TASK), folder / _TASK, "name")
    return PurePosixPath(name.replace("\\", "/")).stem if names or "." in name else name
