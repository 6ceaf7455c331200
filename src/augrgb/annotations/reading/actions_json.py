"""The layout that super-events, PDAN and TSU share: `{id: {subset, duration, actions: [[class, start, end], ...]}}`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of, outside
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import ClassList, number_classes, read_class_list, unnamed, write_class_list
from augrgb.annotations.reading.json_values import as_integer, as_list, as_number, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.videos_json import each_video
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.files import write_json
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import VideoRecord

_START = re.compile(r'^\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*\{\s*"(?:subset|duration|actions)"\s*:')

_Row = tuple[int, float | None, float | None]
"""Class number, start and end; None where the file has null."""

THUMOS_IDS = ("video_validation_", "video_test_")
"""How the ids of THUMOS videos begin."""


def first_id(path: Path) -> str | None:
    """The first video id of a file of this layout, or None if it is another one."""
    head = head_of(path)
    match = _START.match(head)
    sentences = '"timestamps"' in head and '"actions"' not in head  # captions of ActivityNet
    return match[1] if match and not sentences else None


def read_actions(
    path: Path,
    *,
    first: int,
    classes: Path | None,
    counting: Callable[[str], FrameCounting] | None = None,
    shift: str | None = None,
) -> AnnotationSet:
    """Read a file of this layout.

    Args:
        first: The number of the first class.
        classes: Class list file; without one, classes are called `c000`, `c001`, ... by their number in the file.
        counting: For times in frames: how the frames of a video (by id) become seconds.
        shift: A key of each video whose number is added to its times: the file is about the part of the video that
            begins there, and the rest is ignored. Other keys beyond the layout are noted.
    """
    faults: list[AugrgbError] = []
    beyond: Counter[str] = Counter()
    label = dict(read_class_list(classes, first=first).names) if classes is not None else {}
    used: set[int] = set()

    def video_of(value: dict[str, Any], video_id: str) -> VideoRecord:
        rows, video = _video(path, video_id, value, counting)
        if len(value) > 3:
            beyond.update(key for key in value if key not in ("subset", "duration", "actions"))
        if shift is not None:
            added = as_number(member(value, shift, path, video_id), path, video_id, shift)
            rows = [
                (number, start + added if start is not None else None, end + added if end is not None else None)
                for number, start, end in rows
            ]
            video = _within(video, added)
        used.update(row[0] for row in rows)
        if classes is None:
            label.update({row[0]: f"c{row[0]:03d}" for row in rows if row[0] not in label})
        # numbers without a class are reported below
        return replace(video, events=tuple(event_of(label.get(n, ""), start, end) for n, start, end in rows))

    videos = each_video(path, video_of, faults)
    names = ClassList(label) if classes is not None else unnamed(used, first=first)
    for number in sorted(used - names.names.keys()):
        expected = f"{min(names.names, default=first)} to {max(names.names, default=first)}"
        faults.append(InputRefused("E-ANN-030", path, f"class number {number}, expected {expected}"))
    raise_together(faults)
    findings = []
    for key, count in beyond.items():
        if key != shift:
            moves = (
                f"; if times count from it: --set shift={key}" if re.search("start|offset|origin|begin", key) else ""
            )
            detail = f"{key!r} of {count} videos is not used{moves}"
            findings.append(Finding("E-ANN-044", "keys left alone", "noted", str(path), detail))
    if classes is None and first == 0 and used and 0 not in used:
        detail = f"no event has class number 0, the largest is {max(used)}; if classes count from 1: --set first=1"
        findings.append(Finding("E-ANN-044", "first class number", "noted", str(path), detail))
    return AnnotationSet(
        names.classes, videos, findings=tuple(findings), closed=classes is not None, in_frames=counting is not None
    )


def write_actions(annotations: AnnotationSet, path: Path, *, first: int) -> list[Path]:
    """Write a file of this layout in seconds, and `<name>_classes.txt` beside it. Videos never annotated are left out.

    Raises:
        InputRefused: E-ANN-024: a video without duration, which this layout must have.
    """
    numbers = number_classes(annotations.classes, first=first)
    faults: list[AugrgbError] = []
    rows: dict[str, Any] = {}
    for video_id, video in annotations.videos.items():
        if video.events is None:
            continue
        if video.duration_s is None:
            faults.append(InputRefused("E-ANN-024", video_id, "its duration is not known", "Give --videos."))
            continue
        actions = [[numbers[event.label], event.start_s, event.end_s] for event in video.events]
        rows[video_id] = {"subset": video.subset or "training", "duration": video.duration_s, "actions": actions}
    raise_together(faults)
    write_json(path, rows)
    return [path, write_class_list(numbers, path.with_name(f"{path.stem}_classes.txt"))]


def class_list_of(path: Path, classes: Path | None) -> Path | None:
    """The class list named by the option, or the one that `write_actions` put beside the file."""
    beside = path.with_name(f"{path.stem}_classes.txt")
    return classes if classes is not None or not beside.is_file() else beside


def _video(
    path: Path, video_id: str, video: dict[str, Any], counting: Callable[[str], FrameCounting] | None
) -> tuple[list[_Row], VideoRecord]:
    frames = counting(video_id) if counting is not None else None
    duration = as_number(member(video, "duration", path, video_id), path, video_id, "duration")
    actions = as_list(member(video, "actions", path, video_id), path, video_id, "actions")
    rows = [_action(action, (path, video_id, "actions", position)) for position, action in enumerate(actions)]
    if frames is not None:
        rows = [
            (number, *frames.to_seconds(start, end)) if start is not None and end is not None else (number, None, None)
            for number, start, end in rows
        ]
    subset = as_text(video["subset"], path, video_id, "subset") if "subset" in video else None
    seconds = duration if frames is None else duration / frames.fps
    fps = frames.fps if frames is not None else None
    return rows, VideoRecord(video_id, seconds, subset=subset, fps=fps)


def _within(part: VideoRecord, start_s: float) -> VideoRecord:
    """The whole video of which a part was annotated; what lies before and after the part is an ignored region."""
    end_s = start_s + part.known_duration_s
    return replace(part, duration_s=end_s, ignored=outside(start_s, end_s))


def _action(action: Any, place: tuple[object, ...]) -> _Row:
    cells = as_list(action, *place)
    if len(cells) != 3:
        raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"expected [class, start, end], found {cells}")
    number, start, end = cells
    if type(number) is int and type(start) is float and type(end) is float:  # the usual case, made quick
        return number, start, end
    times = [as_number(time, *place) if time is not None else None for time in (start, end)]
    return as_integer(number, *place), times[0], times[1]
