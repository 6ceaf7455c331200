"""Events as subtitles, to be seen and edited in any player: WebVTT and SubRip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape, unescape
from itertools import takewhile
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.text_files import files_below, first_below, read_text
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.files import file_name_of, identifier_of, write_text
from augrgb.core.types import Event, VideoRecord

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^}]*\}")
_SCORE = re.compile(r"\s+[01]?\.\d+$")


class WebVtt(AnnotationFormat):
    """WebVTT subtitles, one `.vtt` file per video; milliseconds; overlapping events are shown together.

    The text of a cue is its label, without markup; lines that all begin with a dash are a label each. A score that ends
    every cue, as `augrgb detect` writes it, is left out.
    """

    name = "webvtt"
    suffixes = (".vtt",)
    signs = ("WEBVTT", "-->")
    folders = True
    zero = "player"

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return _sniff(path, ".vtt")

    def read(self, path: Path) -> AnnotationSet:
        return _read(path, ".vtt")

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        return _write(annotations, path, ".vtt")


class SubRip(AnnotationFormat):
    """SubRip subtitles, one `.srt` file per video; milliseconds; overlapping events are shown together.

    The text of a cue is its label, without markup; lines that all begin with a dash are a label each. A score that ends
    every cue, as `augrgb detect` writes it, is left out.
    """

    name = "srt"
    suffixes = (".srt",)
    line = "00:00:01,000 --> 00:00:02,500"
    folders = True
    zero = "player"

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return _sniff(path, ".srt")

    def read(self, path: Path) -> AnnotationSet:
        return _read(path, ".srt")

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        return _write(annotations, path, ".srt")


def _sniff(path: Path, suffix: str) -> bool:
    path = first_below(path, suffix)
    return path.suffix.lower() == suffix and path.is_file()


def _read(path: Path, suffix: str) -> AnnotationSet:
    videos: dict[str, VideoRecord] = {}
    faults: list[AugrgbError] = []
    scored = 0
    for file in files_below(path, suffix):
        video_id = identifier_of(file.stem)
        try:
            if video_id in videos:
                raise InputRefused("E-ID-001", file, f"a second file for the video {video_id!r}")
            cues = list(_cues(file))
            if any(e.label for e in cues) and all(_SCORE.search(e.label) for e in cues if e.label):
                scored += len(cues)
                cues = [replace(event, label=_SCORE.sub("", event.label)) for event in cues]
            videos[video_id] = VideoRecord(video_id, events=tuple(cues))
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    labels = sorted({event.label for video in videos.values() for event in video.events or () if event.label})
    note = Finding(
        "E-ANN-022", "scores left out", "noted", str(path), f"{scored} cues end in a score, as of detections"
    )
    return AnnotationSet(tuple(labels), videos, findings=(note,) if scored else ())


def _cues(file: Path) -> Iterator[Event]:
    """The cues of a file: a time line, and the lines up to the next blank one."""
    lines = read_text(file).splitlines()
    remark = False
    for number, line in enumerate(lines, 1):
        if number == 1 or not lines[number - 2].strip():
            remark = file.suffix.lower() == ".vtt" and line.startswith(("NOTE", "STYLE", "REGION"))
        if "-->" not in line or remark:
            continue
        start, _, rest = line.partition("-->")
        try:
            times = seconds_of(start), seconds_of(rest.split()[0]) if rest.split() else None
        except ValueError as error:
            raise InputRefused("E-ANN-005", f"{file}:{number}", f"not a cue's times: {error}") from error
        text = list(takewhile(str.strip, lines[number:]))
        said = [unescape(_MARKUP.sub("", " ".join(one.split()))).strip() for one in text]
        if len(said) > 1 and all(one.startswith(("- ", "\u2013 ")) for one in said):  # a dash for each speaker
            yield from (event_of(one[2:].strip(), *times) for one in said)
            continue
        yield event_of(" ".join(said).strip(), *times)


def _write(annotations: AnnotationSet, path: Path, suffix: str) -> list[Path]:
    chosen = {video_id: video.events for video_id, video in annotations.videos.items() if video.events is not None}
    single = path.suffix.lower() == suffix
    if single and len(chosen) != 1:
        problem = f"subtitles have one file per video, and there are {len(chosen)}"
        raise UsageFault("E-ANN-040", path, problem, "Name a folder.")
    written = []
    for video_id, events in chosen.items():
        written.append(path if single else path / f"{file_name_of(video_id)}{suffix}")
        write_text(written[-1], _vtt(events) if suffix == ".vtt" else _srt(events))
    return written


def _vtt(events: tuple[Event, ...]) -> str:
    cues = [f"{_clock(e.start_s, '.')} --> {_clock(e.end_s, '.')}\n{_line(e.label)}\n" for e in _sorted(events)]
    return "\n".join(["WEBVTT\n", *cues])


def _srt(events: tuple[Event, ...]) -> str:
    cues = [
        f"{number}\n{_clock(e.start_s, ',')} --> {_clock(e.end_s, ',')}\n{_line(e.label)}\n"
        for number, e in enumerate(_sorted(events), 1)
    ]
    return "\n".join(cues)


def _sorted(events: tuple[Event, ...]) -> list[Event]:
    return sorted(events, key=lambda event: (event.start_s, event.end_s, event.label))


def _line(label: str) -> str:
    """A class name on one line, with nothing in it that a player takes for markup or for a time line."""
    return escape(" ".join(label.split()), quote=False)


def _clock(time_s: float, point: str) -> str:
    milliseconds = round(max(0.0, time_s) * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{milliseconds:03d}"
