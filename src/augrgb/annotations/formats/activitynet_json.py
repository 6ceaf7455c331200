"""ActivityNet JSON, the lingua franca of temporal action detection (ActivityNet, THUMOS14, OpenTAD, ActionFormer)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.timed_labels import region_findings, timed_labels, without_ignored
from augrgb.core.errors import AugrgbError, raise_together
from augrgb.core.files import write_json
from augrgb.core.types import Event, VideoRecord


class ActivityNetJson(AnnotationFormat):
    """ActivityNet JSON: `{"database": {id: {subset, duration, annotations: [{label, segment: [start, end]}]}}}`.

    Times are seconds. A video without the key `annotations` was never annotated, one with an empty list is annotated as
    empty. The order of classes is that of the taxonomy's leaves where there is one, else alphabetical. Written without
    loss; subject, camera, scene and frame rate go into keys of those names, which other readers leave alone.

    Args:
        classes: Class list; any other label is then a mistake.
        ignore: Labels of regions to be ignored (THUMOS14 has "Ambiguous").
        subsets: Other names for subsets: THUMOS14 trains on its validation videos, `{validation: training}`. Upper and
            lower case do not count.
    """

    name = "activitynet"
    suffixes = (".json",)
    writes_with = ("ignore",)
    signs = ('"database"', '"annotations"', '"segment"')

    def __init__(
        self,
        *,
        classes: Path | None = None,
        ignore: tuple[str, ...] = ("Ambiguous",),
        subsets: dict[str, str] | None = None,
    ) -> None:
        self.classes, self.ignore = classes, ignore
        self.subsets = {old.lower(): new for old, new in (subsets or {}).items()}

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        return head.lstrip().startswith("{") and ('"database"' in head or '"taxonomy"' in head)

    def read(self, path: Path) -> AnnotationSet:
        raw: dict[str, Any] = {}  # everything but the videos, which are taken one by one
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        for place, value in iter_json(path, inside=("database",)):
            if not place or isinstance(place[0], int):
                as_object([] if place else value, path)  # a list, or no container at all, is refused
                continue
            if len(place) == 1:
                raw[str(place[0])] = value
                continue
            video_id = str(place[1])
            try:
                videos[video_id] = self._video(value, path, video_id)
            except AugrgbError as fault:
                faults.append(fault)
        as_object(member(raw, "database", path), path, "database")
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events or ()}
        listed = read_class_list(self.classes).classes if self.classes is not None else _leaves(raw, path)
        closed = self.classes is not None or used <= set(listed)
        return AnnotationSet(
            classes=listed if closed else tuple(sorted(used)),
            videos=videos,
            findings=tuple(region_findings(videos.values(), path)),
            closed=closed and bool(listed),
        )

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        root = {"nodeId": 0, "nodeName": "Root", "parentId": None, "parentName": None}
        leaves = [
            {"nodeId": number, "nodeName": name, "parentId": 0, "parentName": "Root"}
            for number, name in enumerate(annotations.classes, 1)
        ]
        name = next(iter(self.ignore), "Ambiguous")
        database = {video_id: _row(video, name, self.ignore) for video_id, video in annotations.videos.items()}
        write_json(path, {"version": "augrgb", "taxonomy": [root, *leaves], "database": database})
        return [path]

    def _video(self, value: Any, path: Path, video_id: str) -> VideoRecord:
        video = as_object(value, path, video_id)
        listed = timed_labels(video, "annotations", "segment", path, video_id)
        events, ignored = without_ignored(listed, self.ignore)

        def number(key: str) -> float | None:
            return as_number(video[key], path, video_id, key) if video.get(key) is not None else None

        def text(key: str) -> str | None:
            return as_text(video[key], path, video_id, key) if video.get(key) is not None else None

        subset = text("subset")
        return VideoRecord(
            video_id,
            events=events,
            ignored=ignored,
            duration_s=number("duration"),
            subset=self.subsets.get(subset.lower(), subset) if subset is not None else None,
            fps=number("fps"),
            subject=text("subject"),
            camera=text("camera"),
            scene=text("scene"),
        )


def _leaves(raw: dict[str, Any], path: Path) -> tuple[str, ...]:
    nodes = [as_object(node, path, "taxonomy") for node in as_list(raw.get("taxonomy") or [], path, "taxonomy")]
    parents = [node.get("parentId") for node in nodes]
    leaves = [node for node in nodes if node.get("nodeId") not in parents]
    return tuple(
        dict.fromkeys(as_text(member(leaf, "nodeName", path, "taxonomy"), path, "taxonomy") for leaf in leaves)
    )


def _row(video: VideoRecord, name: str, ignore: tuple[str, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "duration": video.duration_s,
        "subset": video.subset,
        "fps": video.fps,
        "subject": video.subject,
        "camera": video.camera,
        "scene": video.scene,
    }
    row = {key: value for key, value in row.items() if value is not None}
    if video.events is not None:
        regions = [Event(r.label if r.label in ignore else name, r.start_s, r.end_s) for r in video.ignored]
        row["annotations"] = [
            {"label": event.label, "segment": [event.start_s, event.end_s]} for event in (*video.events, *regions)
        ]
    return row
