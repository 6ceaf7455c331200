"""Events as subtitles, to be seen in any player: WebVTT and SubRip. Written only."""

from __future__ import annotations

from html import escape
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.core.errors import UsageFault
from augrgb.core.files import file_name_of, write_text
from augrgb.core.types import Event


class WebVtt(AnnotationFormat):
    """WebVTT subtitles, one `.vtt` file per video; milliseconds; overlapping events are shown together."""

    name = "webvtt"
    suffixes = (".vtt",)
    readable = False

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return False

    def read(self, path: Path) -> AnnotationSet:
        raise UsageFault("E-ANN-008", path, "subtitles can be written, not read")

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        return _write(annotations, path, ".vtt")


class SubRip(AnnotationFormat):
    """SubRip subtitles, one `.srt` file per video; milliseconds; overlapping events are shown together."""

    name = "srt"
    suffixes = (".srt",)
    readable = False

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return False

    def read(self, path: Path) -> AnnotationSet:
        raise UsageFault("E-ANN-008", path, "subtitles can be written, not read")

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        return _write(annotations, path, ".srt")


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
