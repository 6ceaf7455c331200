"""A label per frame: the layout of MS-TCN, ASFormer and DiffAct for Breakfast, 50 Salads and GTEA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import number_classes, read_class_list, write_class_list
from augrgb.annotations.reading.frame_rates import Rates, need_rates, rate_of
from augrgb.annotations.reading.text_files import files_below, head_of, open_text, read_text
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.files import file_name_of, identifier_of, write_text
from augrgb.core.searching import files_in
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

_COARSE = re.compile(r"^(\d+)-(\d+)\s+(\S.*)$")
_BUNDLE = re.compile(r"^(train|val|valid|test)\.(split\w+)\.bundle$")
_ROLES = {"valid": "val"}
_LABELS, _MAPPING, _SPLITS = "groundTruth", "mapping.txt", "splits"


class FrameWise(AnnotationFormat):
    """One text file per video with a label per line and frame, or with spans `1-15 SIL` (Breakfast's coarse files).

    The folder is `groundTruth`, or the one that holds it; `mapping.txt` (number and label) and `splits/*.bundle` lie in
    either, and labels may be numbers of the mapping. Runs of one label are events; a blank line is a frame without a
    label, and an empty file a video that was never annotated. Spans count frames from 1 and include the last one; where
    a file labels background, frames without any span are ignored. The labels in `background` are no events; published
    results on Breakfast and 50 Salads count all of them but `background` as classes.

    Args:
        fps: Frames per second of the labels, one number or per video. Required. Breakfast and GTEA: 15; 50 Salads: 30.
        background: Labels of frames without an action; the first of them is written for such frames.
        classes: Class list in place of `mapping.txt`.
    """

    name = "frame-wise"
    suffixes = (".txt",)
    writes_with = ("fps", "background")
    line = "take_cup"
    folders = True
    zero = "first-frame"

    def __init__(
        self,
        *,
        fps: Rates = None,
        background: tuple[str, ...] = ("background", "SIL", "action_start", "action_end"),
        classes: Path | None = None,
    ) -> None:
        self.fps, self.background, self.classes = fps, background, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        if path.is_dir():
            folder = _labels_of(path)
            files = [
                file for file in files_in(folder, ".txt", wanted=lambda name: name != _MAPPING) if head_of(file).strip()
            ]
            named = folder != path and not any(mark in head_of(file) for file in files[:3] for mark in ",\t")
            return bool(files) and (named or all(map(_is_frame_wise, files[:3])))
        return path.suffix.lower() == ".txt" and _is_frame_wise(path)

    def read(self, path: Path) -> AnnotationSet:
        need_rates(self.fps, path)
        folder = _labels_of(path) if path.is_dir() else path
        places = (folder, folder.parent)
        beside = next((place / _MAPPING for place in places if (place / _MAPPING).is_file()), None)
        listed = self.classes or beside
        named = read_class_list(listed).names if listed is not None else {}
        names = {str(number): name for number, name in named.items() if str(number) not in named.values()}
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        left = 0
        used: set[str] = set()
        for file in files_below(folder, ".txt"):
            if file.name == _MAPPING:
                continue
            video_id = identifier_of(file.stem)
            try:
                if video_id in videos:
                    raise InputRefused("E-ID-001", file, f"a second file for the video {video_id!r}")
                frames = FrameCounting(rate_of(self.fps, video_id, file))
                spans = [(names.get(label, label), start, end) for label, start, end in _spans(file)]
                if not spans:  # an empty file: nobody labeled it
                    videos[video_id] = VideoRecord(video_id, fps=frames.fps)
                    continue
                if any(label in self.background for label, _, _ in spans):
                    spans = _with_gaps(spans)  # nothing is known of frames without a label
                events = tuple(
                    Event(label, *frames.to_seconds(start, end))
                    for label, start, end in spans
                    if label not in self.background
                )
                left += len(spans) - len(events)
                used.update(event.label for event in events if event.label)
                duration_s = max(end for _, _, end in spans) / frames.fps
                videos[video_id] = VideoRecord(video_id, duration_s, events=events, fps=frames.fps)
            except AugrgbError as fault:
                faults.append(fault)
        classes = tuple(sorted(used)) if listed is None else tuple(named.values())
        raise_together(faults)
        note = Finding("E-ANN-022", "runs left out", "noted", str(path), f"{left} of {', '.join(self.background)}")
        return AnnotationSet(
            tuple(name for name in classes if name not in self.background),
            videos,
            _read_splits(next((place / _SPLITS for place in places if (place / _SPLITS).is_dir()), None)),
            findings=(note,) if left else (),
            closed=listed is not None,
            in_frames=True,
        )

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        written = []
        for video_id, video in annotations.videos.items():
            if video.events is None:
                continue
            rate = rate_of(self.fps, video_id, path) if self.fps is not None or video.fps is None else video.fps
            frames = FrameCounting(rate)
            labels = [self.background[0]] * round(video.known_duration_s * frames.fps)
            for event in video.events:
                start, end = frames.to_frames(event.start_s, event.end_s)
                taken = {label for label in labels[start:end] if label not in (self.background[0], event.label)}
                if taken:
                    problem = f"{event.label!r} overlaps {sorted(taken)[0]!r}, and a frame has one label here"
                    raise UsageFault("E-ANN-008", repr(video_id), problem, "Write another format.")
                labels[start:end] = [event.label] * len(labels[start:end])
            written.append(path / _LABELS / f"{file_name_of(video_id)}.txt")
            write_text(written[-1], "".join(f"{label}\n" for label in labels))
        for split, roles in annotations.splits.items():
            for role, ids in roles.items():
                name = split if split.startswith("split") else f"split_{split}"
                written.append(path / _SPLITS / f"{role}.{name}.bundle")
                write_text(written[-1], "".join(f"{file_name_of(video_id)}.txt\n" for video_id in ids))
        names = [self.background[0], *annotations.classes]
        return [*written, write_class_list(number_classes(names), path / _MAPPING)]


def _labels_of(path: Path) -> Path:
    return path / _LABELS if (path / _LABELS).is_dir() else path


def _is_frame_wise(file: Path) -> bool:
    """Spans, or lines that mostly repeat the line before."""
    lines = [line.strip() for line in head_of(file).splitlines()][:-1][:400] or [head_of(file).strip()]
    lines = [line for line in lines if line]
    if lines and all(_COARSE.match(line) for line in lines):
        return True
    same = sum(a == b for a, b in pairwise(lines))
    return len(lines) > 4 and 2 * same >= len(lines) and not any("," in line or "\t" in line for line in lines)


def _spans(file: Path) -> Iterator[tuple[str, int, int]]:
    """Label, first frame from 0, frame after the last."""
    with open_text(file) as text:
        lines = [(number, line.strip()) for number, line in enumerate(text, 1)]
    while lines and not lines[-1][1]:
        lines.pop()
    filled = [(number, line) for number, line in lines if line]
    if filled and _COARSE.match(filled[0][1]):
        for number, line in filled:
            match = _COARSE.match(line)
            if match is None:
                raise InputRefused("E-ANN-005", f"{file}:{number}", f"{line[:80]!r}: expected a span such as 1-15 SIL")
            yield match[3].strip(), int(match[1]) - 1, int(match[2])
        return
    at = 0
    for label, run in groupby(line for _, line in lines):
        count = len(list(run))
        yield label, at, at + count
        at += count


def _with_gaps(spans: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """The spans, and one without a label wherever frames between two of them have none."""
    found: list[tuple[str, int, int]] = []
    end = 0
    for span in sorted(spans, key=lambda span: span[1:]):
        if span[1] > end and found:
            found.append(("", end, span[1]))
        found.append(span)
        end = max(end, span[2])
    return found


def _read_splits(folder: Path | None) -> dict[str, dict[str, tuple[str, ...]]]:
    splits: dict[str, dict[str, tuple[str, ...]]] = {}
    for file in files_in(folder, wanted=lambda name: _BUNDLE.match(name) is not None) if folder is not None else ():
        match = _BUNDLE.match(file.name)
        if match:
            lines = [line.strip() for line in read_text(file).splitlines() if line.strip()]
            ids = tuple(
                identifier_of(line.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".txt")) for line in lines
            )
            splits.setdefault(match[2], {})[_ROLES.get(match[1], match[1])] = ids
    return splits
