"""CVAT XML exports ("CVAT for video 1.1", "CVAT for images 1.1"): tracks and tags, frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import joined, outside
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.frame_rates import Rates, need_rates, rate_of
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.tool_clock import cvat_range, cvat_shifts, frame_step
from augrgb.annotations.reading.xml_reader import iter_xml
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

_Span = tuple[str, int, int]
"""Label, first frame, end frame."""
_NOT_CVAT = "no <annotations> with a task in <meta>, as CVAT exports them"


class Cvat(AnnotationFormat):
    """CVAT: a track is an event wherever it is not `outside`; a tag is an event over its run of frames.

    A task or job that shows a part of its video leaves the rest ignored, and several of one video are joined where they
    show different parts. Frames are counted from 0 in the video; in the export of a project, where each task's numbers
    go on from the task before it, that is taken off again. A track lasts from its first visible frame up to (not
    including) the frame where it is outside, or through its last frame. Tags of one label on neighbouring frames (by
    the frame step of the task) join. The label is that of the track, or the value of an attribute. Classes are in the
    order of the task's labels. The file is read one track or image at a time. The export of a job does not name its
    video: it is the file's name, unless that is CVAT's own `annotations.xml`.

    Args:
        fps: The constant frame rate: one number, or per video. Required.
        attribute: The attribute that names the action, where the label is only `person`.
        video: Name of the video, for the export of a job.
        classes: Class list; any other label is then a mistake.
    """

    name = "cvat"
    suffixes = (".xml",)
    zero = "first-frame"
    signs = ("<annotations>", "<meta>", "<task>")

    def __init__(
        self,
        *,
        fps: Rates = None,
        attribute: str | None = None,
        video: str | None = None,
        classes: Path | None = None,
    ) -> None:
        self.fps, self.attribute, self.video, self.classes = fps, attribute, video, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        return "<annotations>" in head and "<meta>" in head

    def read(self, path: Path) -> AnnotationSet:
        need_rates(self.fps, path)
        meta = _meta(path)
        tasks = meta.findall("task") or meta.findall("project/tasks/task") or meta.findall("job")
        if not tasks:
            raise InputRefused("E-ANN-029", path, _NOT_CVAT)
        tasks_of = {task.findtext("id", "").strip(): task for task in tasks}
        ids = {task.findtext("id", "").strip(): self._video_id(task, path) for task in tasks}
        found_attribute: list[bool] = []
        spans = self._spans(path, {key: frame_step(task) for key, task in tasks_of.items()}, found_attribute)
        if self.attribute is not None and found_attribute and not any(found_attribute):
            raise UsageFault("E-ANN-027", path, f"no attribute {self.attribute!r} of any track or tag")
        spans = _in_their_videos(spans, tasks_of, path)
        videos: dict[str, VideoRecord] = {}
        for key, video_id in ids.items():
            frames = FrameCounting(rate_of(self.fps, video_id, path))
            video = video_of_frames(video_id, spans[key], frames, cvat_range(tasks_of[key]))
            add_part(videos, video, path)
        used = {event.label for video in videos.values() for event in video.events or () if event.label}
        if self.classes is not None:
            classes = read_class_list(self.classes).classes
        else:
            listed = [name.text or "" for name in meta.iterfind(".//labels/label/name")]
            classes = (
                tuple(dict.fromkeys(name for name in listed if name in used))
                if used <= set(listed)
                else tuple(sorted(used))
            )
        return AnnotationSet(classes, videos, closed=self.classes is not None, in_frames=True)

    def _video_id(self, task: Element, path: Path) -> str:
        name = (self.video or task.findtext("source") or task.findtext("name") or "").strip()
        if not name and path.stem.lower() != "annotations":
            name = path.name
        if not name:
            remedy = "Name it: --set video=NAME, or rename the file after it."
            raise UsageFault("E-ANN-070", path, "the export of a job does not name its video", remedy)
        return PurePosixPath(name.replace("\\", "/")).stem

    def _label(self, element: Element, fallback: Element, found: list[bool]) -> str:
        """The label of a shape or tag, "" for none; whether it has the wanted attribute is added to `found`."""
        if self.attribute is None:
            return element.get("label") or fallback.get("label") or ""
        for holder in (element, fallback):
            for attribute in holder.iterfind("attribute"):
                if attribute.get("name") == self.attribute:
                    found.append(True)
                    return (attribute.text or "").strip()
        found.append(False)
        return ""

    def _spans(self, path: Path, steps: dict[str, int], found: list[bool]) -> dict[str, list[_Span]]:
        """(label, first frame, end frame) of each task's tracks and tags, in order of time."""
        spans: dict[str, list[tuple[str, int, int]]] = {key: [] for key in steps}
        tagged: dict[str, dict[str, Runs]] = {key: {} for key in steps}
        folders: dict[str, None] = {}
        for above, element in iter_xml(path):
            key = next(iter(steps)) if len(steps) == 1 else element.get("task_id", element.get("subset"))
            if above is None or key not in steps:
                continue
            if element.tag == "track":
                spans[key].extend(self._track(element, steps[key], path, found))
            tags = [element] if element.tag == "tag" else element.findall("tag") if element.tag == "image" else []
            if element.tag == "image":
                _same_folder(element, folders, path)
            for tag in tags:
                frame = _frame(element, "frame" if element.tag == "tag" else "id", path)
                tagged[key].setdefault(self._label(tag, tag, found), Runs(steps[key])).add(frame)
        for key, labels in tagged.items():
            spans[key].extend((label, start, end) for label, runs in labels.items() for start, end in runs.joined())
            spans[key].sort(key=_by_time)
        return spans

    def _track(self, track: Element, step: int, path: Path, found: list[bool]) -> list[tuple[str, int, int]]:
        shapes = [
            (_frame(shape, "frame", path), self._label(shape, track, found) if shape.get("outside") != "1" else None)
            for shape in track
            if shape.get("frame")
        ]
        return visible_spans(shapes, step)


def visible_spans(shapes: Iterable[tuple[int, str | None]], step: int = 1) -> list[_Span]:
    """Where a track is visible: from each shape to the next of another label; the last one counts for a step.

    Args:
        shapes: Frame and label of each shape, None where the track is outside.

    >>> visible_spans([(20, None), (10, "cut"), (30, "cut"), (39, "cut")])
    [('cut', 10, 20), ('cut', 30, 40)]
    """
    spans: list[_Span] = []
    running: tuple[str, int] | None = None
    last = 0
    for frame, label in sorted(shapes, key=lambda shape: shape[0]):
        if running is not None and running[0] != label:
            spans.append((running[0], running[1], frame))
            running = None
        if label is not None and running is None:
            running = (label, frame)
        last = frame
    return spans if running is None else [*spans, (running[0], running[1], last + step)]


def video_of_frames(
    video_id: str, spans: Sequence[tuple[str, int, int]], frames: FrameCounting, part: range | None
) -> VideoRecord:
    """A video from spans of frames; what lies outside the frames that a task or job shows is ignored.

    Args:
        part: These frames; None = the file does not say which.
    """
    events = tuple(Event(label, *frames.to_seconds(start, end)) for label, start, end in spans)
    if part is not None and any(start < part.start or end > part.stop for _, start, end in spans):
        part = None  # numbers that count otherwise: nothing is known of the rest
    ignored = outside(*frames.to_seconds(part.start, part.stop)) if part is not None else ()
    return VideoRecord(video_id, events=events, ignored=ignored, fps=frames.fps)


def add_part(videos: dict[str, VideoRecord], video: VideoRecord, path: Path) -> None:
    """Add a video, or a further part of one.

    Raises:
        InputRefused: E-ID-001: the same part is annotated twice.
    """
    known = videos.get(video.video_id)
    whole = video if known is None else joined(known, video)
    if whole is None:
        problem = f"several tasks show the same frames of the video {video.video_id!r}"
        raise InputRefused("E-ID-001", path, problem, "Export the one that counts.")
    videos[video.video_id] = whole


class Runs:
    """Frames of one tag, kept as runs of neighbours, in whatever order they come."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._runs: list[list[int]] = []  # first and last frame

    def add(self, frame: int) -> None:
        if self._runs and self._runs[-1][1] <= frame <= self._runs[-1][1] + self._step:
            self._runs[-1][1] = frame
        else:
            self._runs.append([frame, frame])

    def joined(self) -> list[tuple[int, int]]:
        """(first frame, end frame) of each run."""
        found: list[list[int]] = []
        for first, last in sorted(self._runs):
            if found and first <= found[-1][1] + self._step:
                found[-1][1] = max(found[-1][1], last)
            else:
                found.append([first, last])
        return [(first, last + self._step) for first, last in found]


def _same_folder(image: Element, folders: dict[str, None], path: Path) -> None:
    """Refuse a task whose images lie in several folders: they are frames of several videos."""
    folders[PurePosixPath((image.get("name") or "").replace("\\", "/")).parent.as_posix()] = None
    if len(folders) > 1:
        problem = f"its images are frames of several videos: they lie in the folders {', '.join(folders)}"
        raise InputRefused("E-ANN-001", path, problem, "Make a task of each video in CVAT, or export one folder.")


def _meta(path: Path) -> Element:
    """The description of the tasks, which CVAT writes first."""
    for above, element in iter_xml(path):
        if above is None and element.tag != "annotations":
            raise InputRefused("E-ANN-029", path, _NOT_CVAT)
        if above is not None and element.tag == "meta":
            return element
    raise InputRefused("E-ANN-029", path, _NOT_CVAT)


def _by_time(span: tuple[str, int, int]) -> tuple[int, int, str]:
    return span[1], span[2], span[0]


def _in_their_videos(spans: dict[str, list[_Span]], tasks: dict[str, Element], path: Path) -> dict[str, list[_Span]]:
    """The spans with the frame numbers of their videos: in the export of a project they go on from task to task."""
    shifts = cvat_shifts(tasks.values())
    if not any(shifts.values()):
        return spans
    ranges = {key: frames for key, task in tasks.items() if (frames := cvat_range(task)) is not None}

    def fits(moves: Mapping[str, int]) -> bool:
        return all(
            frames.start <= start - moves[key] and end - moves[key] <= frames.stop
            for key, frames in ranges.items()
            for _, start, end in spans[key]
        )

    if fits(shifts):
        return {
            key: [(label, start - shifts[key], end - shifts[key]) for label, start, end in found]
            for key, found in spans.items()
        }
    if fits(dict.fromkeys(shifts, 0)):
        return spans
    problem = "frame numbers lie outside the tasks, whether they go on from task to task or not"
    raise InputRefused("E-ANN-062", path, problem, "Export the tasks one by one.")


def _frame(element: Element, key: str, path: Path) -> int:
    text = element.get(key) or ""
    if not text.isdecimal():
        raise InputRefused("E-ANN-005", path, f"<{element.tag}> with {key}={text!r}, expected a frame number")
    return int(text)
