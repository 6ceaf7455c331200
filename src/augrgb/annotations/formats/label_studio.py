"""Label Studio JSON exports of video projects: `TimelineLabels` ranges in frames."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlparse

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.frame_rates import Rates, rate_of
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.tool_clock import interface_rate, rate_of_sequences
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

_ASK = (
    "Look at its <Video> tag: without a frameRate it is 24 (--set fps=24), else give that number (--set fps=30), "
    "or the interface as a file (--set interface=FILE.xml). The video's own frame rate does not matter."
)
_UPLOAD = re.compile(r"^[0-9a-f]{8}-(.+)$")


class LabelStudio(AnnotationFormat):
    """Label Studio: list of tasks; results of type `timelinelabels` hold `ranges` of frames.

    Frames are counted from 1 and the end is inclusive, as in Label Studio's converter. They are frames of the rate
    that the labeling interface declares (24 where it says nothing), whatever the video has; the export says it only
    where a task has boxes with times too. The video's id is the name in the task's address, without the prefix that
    uploading puts in front. A task with no (or only skipped) annotations, or with none of this kind, was never
    annotated. Other kinds of results are counted.

    Args:
        fps: The rate that the labeling interface declares (`frameRate` of `<Video>`; 24 without it): one number, or per
            video. Required where the export does not say it.
        interface: The labeling interface (XML) as a file, which declares the rate.
        annotator: With several annotations of a task: refuse them, or take the first or last.
        classes: Class list; any other label is then a mistake.
    """

    name = "label-studio"
    suffixes = (".json",)
    zero = "player"
    tool_frames = True
    signs = ('"data"', '"annotations"', '"result"')

    def __init__(
        self,
        *,
        fps: Rates = None,
        interface: Path | None = None,
        annotator: Literal["only", "first", "last"] = "only",
        classes: Path | None = None,
    ) -> None:
        self.fps, self.annotator, self.classes = fps, annotator, classes
        self.interface = interface

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        return head.lstrip().startswith("[") and '"annotations"' in head

    def read(self, path: Path) -> AnnotationSet:
        if self.fps is not None and self.interface is not None:
            raise UsageFault("E-CFG-013", "--set interface", "fps is given too", "Give one of them.")
        declared = interface_rate(self.interface) if self.interface is not None else None
        asked: list[str] = []
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        left = 0
        for at, value in iter_json(path):
            if not at or isinstance(at[0], str):
                as_list({} if at else value, path)  # an object, or no container at all, is refused
                continue
            place = (path, f"[{at[0]}]")
            try:
                video_id, results = self._task(as_object(value, *place), place)
                if video_id in videos:
                    raise InputRefused("E-ID-001", f"{path} [{at[0]}]", f"a second task for the video {video_id!r}")
                timed = [result for result in results or () if result.get("type") == "timelinelabels"]
                left += len(results or ()) - len(timed)
                fps = self._rate(video_id, value["data"], results or [], declared, place) if timed else 1.0
                if fps is None:
                    asked.append(video_id)
                    continue
                unread = bool(results) and not timed  # labeled in a way that is not understood, so not empty
                events = None if results is None or unread else _events(timed, fps, place)
                videos[video_id] = VideoRecord(video_id, events=events)
            except AugrgbError as fault:
                faults.append(fault)
        if asked:
            problem = (
                f"frame numbers of {len(asked)} videos count frames of the labeling interface, whose rate is not here"
            )
            faults.append(InputRefused("E-ANN-060", path, problem, _ASK))
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events or ()}
        note = Finding("E-ANN-022", "results left out", "noted", str(path), f"{left} that are not TimelineLabels")
        return AnnotationSet(
            classes=read_class_list(self.classes).classes if self.classes is not None else tuple(sorted(used)),
            videos=videos,
            findings=(note,) if left else (),
            closed=self.classes is not None,
        )

    def _rate(
        self,
        video_id: str,
        data: dict[str, Any],
        results: list[dict[str, Any]],
        declared: float | str | None,
        place: tuple[object, ...],
    ) -> float | None:
        """The rate by which the task counts; None where nothing says it."""
        if self.fps is not None:
            return rate_of(self.fps, video_id, place[0])
        if isinstance(declared, str):
            name = declared.removeprefix("$")
            return as_number(member(data, name, *place, "data"), *place, "data", name)
        return declared if declared is not None else rate_of_sequences(results)

    def _task(self, task: dict[str, Any], place: tuple[object, ...]) -> tuple[str, list[dict[str, Any]] | None]:
        data = as_object(member(task, "data", *place), *place, "data")
        address = next((v for v in (data.get("video"), data.get("video_url"), *data.values()) if _is_video(v)), None)
        if address is None:
            raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"no video in the task's data {sorted(data)}")
        rows = [as_object(a, *place) for a in as_list(member(task, "annotations", *place), *place, "annotations")]
        kept = [row for row in rows if not row.get("was_cancelled")]
        if len(kept) > 1 and self.annotator == "only":
            problem = f"{len(kept)} annotations of one video"
            raise UsageFault("E-ANN-028", " ".join(map(str, place)), problem, "Choose: --set annotator=first or last")
        if not kept:
            return video_of(address), None
        chosen = kept[-1 if self.annotator == "last" else 0]
        results = as_list(member(chosen, "result", *place), *place, "result")
        return video_of(address), [as_object(result, *place, "result") for result in results]


def video_of(address: str) -> str:
    """The video's id in an address: `/data/upload/1/0f3a9c2e-kitchen.mp4` -> `kitchen`."""
    parts = urlparse(address)
    query = parse_qs(parts.query).get("d")  # local files: /data/local-files/?d=folder/kitchen.mp4
    stem = PurePosixPath(query[0] if query else unquote(parts.path)).stem
    match = _UPLOAD.match(stem)
    return match[1] if match and "/upload/" in parts.path else stem


def _is_video(value: object) -> bool:
    return isinstance(value, str) and PurePosixPath(video_of(value)).name != "" and "." in value


def _events(results: list[dict[str, Any]], fps: float, place: tuple[object, ...]) -> tuple[Event, ...]:
    events: list[Event] = []
    for result in results:
        value = as_object(member(result, "value", *place), *place, "value")
        labels = as_list(member(value, "timelinelabels", *place), *place, "timelinelabels")
        for span in as_list(member(value, "ranges", *place), *place, "ranges"):
            ends = [as_number(member(as_object(span, *place), key, *place), *place, key) for key in ("start", "end")]
            times = FrameCounting(fps, first=1, end_inclusive=True).to_seconds(ends[0], ends[1])
            events.extend(Event(as_text(label, *place), *times) for label in labels)
    return tuple(events)
