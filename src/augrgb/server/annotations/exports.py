"""Corrected events as annotation files of any format, and into the project."""

from __future__ import annotations

import io
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import write_annotations
from augrgb.annotations.formats import FORMATS
from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.files import write_json
from augrgb.core.opening import read_bytes
from augrgb.core.types import Event, VideoRecord
from augrgb.server.annotations.documents import Document, true_events
from augrgb.server.videos.index import Video

CORRECTIONS = "corrections"


def writable_formats() -> list[str]:
    """Names of the annotation formats that can be written."""
    return [name for name, entry in FORMATS.items() if entry.write is not AnnotationFormat.write]


def record_of(video: Video, video_id: str, events: Sequence[Event]) -> VideoRecord:
    """A video with its events, as annotation formats take it."""
    duration, fps = float(video.info.get("duration_s") or 0.0), float(video.info.get("fps") or 0.0)
    return VideoRecord(video_id, duration_s=duration or None, events=tuple(events), fps=fps or None)


def export(video: Video, events: Sequence[Event], classes: Sequence[str], format_name: str) -> tuple[str, bytes]:
    """One video's events in a format: the ending and the bytes of a file, or of a zip archive if it takes several.

    Raises:
        InputRefused: E-SRV-004: no such format.
        AugrgbError: The format cannot hold these events.
    """
    known = writable_formats()
    if format_name not in known:
        raise InputRefused("E-SRV-004", "format", "no such format", did_you_mean(format_name, known))
    video_id = PurePath(video.name).stem or "video"
    names = tuple(dict.fromkeys([*classes, *(event.label for event in events)]))
    annotations = AnnotationSet(names, {video_id: record_of(video, video_id, events)})
    with tempfile.TemporaryDirectory(prefix="augrgb-export-") as folder:
        suffix = next(iter(FORMATS[format_name].suffixes), "")
        target = Path(folder) / (
            f"annotations{suffix}" if suffix not in ("", ".txt") and format_name != "augrgb" else "annotations"
        )
        files = write_annotations(annotations, target, format_name=format_name)
        if len(files) == 1 and files[0].parent == Path(folder):  # a file whose name does not matter
            return files[0].suffix, read_bytes(files[0])
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in files:
                packed.write(file, file.relative_to(folder).as_posix())
        return f".{format_name}.zip", archive.getvalue()


def write_corrections(
    project: Path, entries: Sequence[tuple[Video, str, int, Document]], classes: Sequence[str]
) -> dict[str, int]:
    """Put the corrections of all videos into a project: `corrections.csv` for training, `corrections.json` with states.

    The CSV has the accepted and corrected events of the videos in which a person has looked at every event; those of
    other videos are left out, because what nobody looked at is neither an action nor background.

    Returns:
        How many videos and events the CSV has, and how many videos were left out.
    """
    records: dict[str, VideoRecord] = {}
    states: dict[str, Any] = {}
    left_out = 0
    for video, video_id, version, document in entries:
        states[video_id] = {"version": version, **document.model_dump()}
        if is_reviewed(document, float(video.info.get("duration_s") or 0.0)):
            records[video_id] = record_of(video, video_id, true_events(document.events))
        else:
            left_out += 1
    write_json(
        project / f"{CORRECTIONS}.json", {"schema": "augrgb.corrections/1", "at_s": time.time(), "videos": states}
    )
    if records:
        used = (event.label for record in records.values() for event in record.events or ())
        annotations = AnnotationSet(tuple(dict.fromkeys([*classes, *used])), records)
        write_annotations(annotations, project / f"{CORRECTIONS}.csv", format_name="csv")
    events = sum(len(record.events or ()) for record in records.values())
    return {"videos": len(records), "events": events, "left_out": left_out}


def is_reviewed(document: Document, duration_s: float) -> bool:
    """Whether a person vouches for a whole video: every event is judged, and its reviewed stretches cover all of it."""
    if any(event.state in ("unreviewed", "unsure") for event in document.events):
        return False
    covered = 0.0
    for start, stop in sorted(document.reviewed):
        if start > covered + 0.05:
            return False
        covered = max(covered, stop)
    return covered >= duration_s - 0.05


def unique_names(videos: Sequence[Video]) -> Mapping[str, str]:
    """An id for every video that annotation files can use: its name without ending, numbered where two share it."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for video in videos:
        stem = PurePath(video.name).stem or "video"
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem} ({number})", number + 1
        taken.add(name)
        found[video.video_id] = name
    return found
