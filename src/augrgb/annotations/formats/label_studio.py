"""Label Studio JSON exports of video projects: `TimelineLabels` ranges in frames, audio regions in seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, unquote, urlparse

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.frame_rates import Rates, rate_of
from augrgb.annotations.reading.json_reader import iter_list
from augrgb.annotations.reading.json_values import as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.tool_clock import interface_rate, rate_of_sequences
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.plain_data import read_json
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

_ASK = (
    "Look at its <Video> tag: without a frameRate it is 24 (--set fps=24), else give that number (--set fps=30), "
    "or the interface as a file (--set interface=FILE.xml). The video's own frame rate does not matter."
)
_SOURCE = re.compile(r"""<(?:video|audio|source)\b[^>]*\bsrc\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_UPLOAD = re.compile(r"^[0-9a-f]{8}-(.+)$")


class LabelStudio(AnnotationFormat):
    """Label Studio: list of tasks; results of type `timelinelabels` hold `ranges` of frames, audio regions seconds.

    Frames are counted from 1 and the end is inclusive, as in Label Studio's converter. They are frames of the rate
    that the labeling interface declares (24 where it says nothing), whatever the video has; the export says it only
    where a task has boxes with times too. The video's id is the name in the task's address, without the prefix that
    uploading puts in front. A task with no (or only skipped) annotations, or with none of this kind, was never
    annotated. Other kinds of results are counted. Of several annotations of a task those without any result give way to
    the others, which is noted, and all do to a single one that is marked as ground truth. Predictions are no labels.

    Args:
        fps: The rate that the labeling interface declares (`frameRate` of `<Video>`; 24 without it): one number, or per
            video. Required where the export does not say it.
        interface: The labeling interface (XML) as a file, which declares the rate.
        annotator: With several annotations of a task: refuse them, or take the first or last.
        classes: Class list; any other label is then a mistake.
    """

    name = "label-studio"
    suffixes: ClassVar[tuple[str, ...]] = (".json",)
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
        begins = head.lstrip()[:1]
        listed = '"annotations"' in head or '"completions"' in head
        single = '"data"' in head and (listed or '"result"' in head)
        return (begins == "[" and listed) or (begins == "{" and single and '"database"' not in head)

    def read(self, path: Path) -> AnnotationSet:
        if self.fps is not None and self.interface is not None:
            raise UsageFault("E-CFG-013", "--set interface", "fps is given too", "Give one of them.")
        declared = interface_rate(self.interface) if self.interface is not None else None
        asked: list[str] = []
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        left = empty = predicted = 0
        for at, value in self._tasks(path):
            place = (path, at)
            try:
                task = as_object(value, *place)
                video_id = video_of(_address(task, place))
                if video_id in videos:
                    remedy = "Export one of them, or delete the other in Label Studio."
                    raise InputRefused("E-ID-001", f"{path} {at}", f"a second task for the video {video_id!r}", remedy)
                results, given_way = self._results(task, place)
                empty += given_way
                predicted += results is None and bool(task.get("predictions"))
                timed = [result for result in results or () if _is_timed(result)]
                left += len(results or ()) - len(timed)
                in_frames = any(result.get("type") == "timelinelabels" for result in timed)
                fps = self._rate(video_id, value["data"], results or [], declared, place) if in_frames else 1.0
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
        notes = []
        if left:
            detail = f"{left} that are no TimelineLabels and no regions of sound"
            notes.append(Finding("E-ANN-022", "results left out", "noted", str(path), detail))
        if empty:
            detail = f"{empty} without any result, of tasks that have others (--set annotator=first or last takes one)"
            notes.append(Finding("E-ANN-044", "empty annotations", "noted", str(path), detail))
        if predicted:
            detail = f"{predicted} tasks have predictions only, which nobody confirmed; they count as never annotated"
            notes.append(Finding("E-ANN-044", "predictions left out", "noted", str(path), detail))
        return AnnotationSet(
            classes=classes_or(self.classes, used),
            videos=videos,
            findings=tuple(notes),
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

    def _tasks(self, path: Path) -> Iterator[tuple[str, Any]]:
        """Place in the file and value of each task; a file may hold a single task, or an annotation with its task."""
        if head_of(path).lstrip().startswith("["):
            yield from iter_list(path)
            return
        value = as_object(read_json(path, "annotation file"), path)
        task = value.get("task")
        if isinstance(task, dict) and "result" in value:  # as it is stored in a target storage
            value = {**task, "annotations": [{key: value[key] for key in value if key != "task"}]}
        yield "the task", value

    def _results(self, task: dict[str, Any], place: tuple[object, ...]) -> tuple[list[dict[str, Any]] | None, int]:
        """Results of the chosen annotation (None: there is none), and how many empty ones gave way to it."""
        key = "completions" if "annotations" not in task and "completions" in task else "annotations"
        rows = [as_object(a, *place) for a in as_list(member(task, key, *place), *place, key)]
        true = [row for row in rows if row.get("ground_truth") and not row.get("was_cancelled")]
        if self.annotator == "only" and len(true) == 1:
            rows = true  # the one that was marked as the truth
        kept = [
            [as_object(result, *place, "result") for result in as_list(member(row, "result", *place), *place, "result")]
            for row in rows
            if not row.get("was_cancelled")
        ]
        empty = 0
        if len(kept) > 1 and self.annotator == "only":
            filled = [results for results in kept if results] or kept[:1]
            if len(filled) > 1:
                problem = f"{len(filled)} annotations of one video"
                remedy = "Choose: --set annotator=first or last"
                raise UsageFault("E-ANN-028", " ".join(map(str, place)), problem, remedy)
            empty, kept = (len(kept) - 1 if filled[0] else 0), filled
        if not kept:
            return None, 0
        return kept[-1 if self.annotator == "last" else 0], empty


def _address(task: dict[str, Any], place: tuple[object, ...]) -> str:
    """The address of the video, or of the sound, that a task shows."""
    data = as_object(member(task, "data", *place), *place, "data")
    for value in (data.get("video"), data.get("video_url"), *data.values()):
        if isinstance(value, str):
            tag = _SOURCE.search(value) if "<" in value else None
            address = tag[1] if tag else value
            if _is_video(address):
                return address
    raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"no video in the task's data {sorted(data)}")


def video_of(address: str) -> str:
    """The video's id in an address: `/data/upload/1/0f3a9c2e-kitchen.mp4` -> `kitchen`."""
    parts = urlparse(address)
    query = parse_qs(parts.query).get("d")  # local files: /data/local-files/?d=folder/kitchen.mp4
    stem = PurePosixPath(query[0] if query else unquote(parts.path)).stem
    match = _UPLOAD.match(stem)
    return match[1] if match and "/upload/" in parts.path else stem


def _is_video(value: str) -> bool:
    return PurePosixPath(video_of(value)).name != "" and "." in value


def _is_timed(result: dict[str, Any]) -> bool:
    """Whether a result is a span of time: of the timeline in frames, or of sound in seconds (not of characters)."""
    if result.get("type") == "timelinelabels":
        return True
    value = result.get("value")
    return (
        result.get("type") == "labels"
        and isinstance(value, dict)
        and {"start", "end", "labels"} <= value.keys()
        and not isinstance(value.get("text"), str)
        and not {"startOffset", "paragraphlabels"} & value.keys()
    )


def _events(results: list[dict[str, Any]], fps: float, place: tuple[object, ...]) -> tuple[Event, ...]:
    events: list[Event] = []
    for result in results:
        value = as_object(member(result, "value", *place), *place, "value")
        in_frames = result.get("type") == "timelinelabels"
        key = "timelinelabels" if in_frames else "labels"
        labels = [as_text(label, *place) for label in as_list(member(value, key, *place), *place, key)]
        for span in as_list(member(value, "ranges", *place), *place, "ranges") if in_frames else [value]:
            row = as_object(span, *place)
            ends = [as_number(row[end], *place, end) if row.get(end) is not None else None for end in ("start", "end")]
            if in_frames:
                times = FrameCounting(fps, first=1, end_inclusive=True).to_seconds(ends[0] or 0.0, ends[1] or 0.0)
                ends = [time if end is not None else None for time, end in zip(times, ends, strict=True)]
            events.extend(event_of(label, ends[0], ends[1]) for label in labels or [""])
    return tuple(events)
