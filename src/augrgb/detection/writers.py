"""Detections as files: ActivityNet JSON, CSV, PKU-MMD text, SubRip and WebVTT subtitles.

Every file is complete or absent. CSV cells that a spreadsheet would run as a formula get an apostrophe in front, which
`readers` takes away again. Subtitle times are rounded to milliseconds; everything else is exact.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from augrgb.core.errors import InputRefused
from augrgb.core.files import file_name_of, write_json, write_text
from augrgb.core.types import Detection

CSV_COLUMNS = ("video_id", "label", "start_s", "end_s", "score")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
PKU_FPS = 30.0


def write_activitynet(
    path: Path,
    detections: Iterable[Detection],
    video_ids: Sequence[str],
    *,
    first_frames_s: Mapping[str, float] | None = None,
) -> None:
    """ActivityNet JSON; see `activitynet`.

    Raises:
        InputRefused: A detection of a video that is not in `video_ids`.
    """
    write_json(path, activitynet(detections, video_ids, first_frames_s=first_frames_s))


def activitynet(
    detections: Iterable[Detection], video_ids: Sequence[str], *, first_frames_s: Mapping[str, float] | None = None
) -> dict[str, object]:
    """ActivityNet's result format; every video of `video_ids` has an entry, also one without detections.

    Times count from the first frame shown, and `external_data` says so: `first_frame_s` is when a player shows that
    frame (later than 0 where the sound begins before the image), to be added for a player's time.

    Args:
        first_frames_s: By video; those left out begin at 0.

    >>> activitynet([Detection("v", "walk", 0.0, 2.5, 0.8)], ["v"])["results"]
    {'v': [{'label': 'walk', 'score': 0.8, 'segment': [0.0, 2.5]}]}
    """
    results: dict[str, list[dict[str, object]]] = {video: [] for video in video_ids}
    for d in detections:
        if d.video_id not in results:
            raise InputRefused("E-DET-005", repr(d.video_id), "a detection of a video that is not in video_ids")
        results[d.video_id].append({"label": d.label, "score": d.score, "segment": [d.start_s, d.end_s]})
    starts = first_frames_s or {}
    times = {"unit": "seconds", "zero": "first frame", "first_frame_s": {v: starts.get(v, 0.0) for v in results}}
    return {"version": "VERSION 1.3", "results": results, "external_data": {"times": times}}


def write_csv(path: Path, detections: Iterable[Detection]) -> None:
    """CSV with a header, times in seconds; a video without detections leaves no trace."""
    text = io.StringIO()
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(CSV_COLUMNS)
    for d in detections:
        row = [_harmless(d.video_id), _harmless(d.label), repr(d.start_s), repr(d.end_s), repr(d.score)]
        # A lone carriage return ends a line for readers, but does not make the writer quote its cell.
        (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
    write_text(path, text.getvalue())


def write_pku(
    folder: Path,
    detections: Iterable[Detection],
    video_ids: Sequence[str],
    class_numbers: Mapping[str, int],
    *,
    fps: float = PKU_FPS,
) -> None:
    """One `<video>.txt` per video with lines `class number,first frame,last frame,confidence`, as PKU-MMD submits.

    Args:
        class_numbers: Class name -> number (PKU-MMD counts from 1).
        fps: Frames per second of the numbering. Frames are written as decimals, so nothing is lost by rounding.

    Raises:
        InputRefused: A detection of a video not in `video_ids`, or of a class without a number.
    """
    lines: dict[str, list[str]] = {video: [] for video in video_ids}
    for d in detections:
        if d.video_id not in lines or d.label not in class_numbers:
            problem = f"video {d.video_id!r} or class {d.label!r} is not in the lists given"
            raise InputRefused("E-DET-005", folder, problem)
        lines[d.video_id].append(f"{class_numbers[d.label]},{d.start_s * fps!r},{d.end_s * fps!r},{d.score!r}\n")
    for video, rows in lines.items():
        write_text(folder / f"{file_name_of(video)}.txt", "".join(rows))


def write_srt(path: Path, detections: Iterable[Detection], *, first_frame_s: float = 0.0) -> None:
    """SubRip subtitles of one video, by start: `label score`.

    Args:
        first_frame_s: When a player shows the first frame; cues are moved by it.

    Raises:
        InputRefused: Detections of more than one video.
    """
    blocks = [
        f"{number}\n{_span(d, first_frame_s, ',')}\n{_one_line(d.label)} {d.score:.3f}\n"
        for number, d in enumerate(_of_one_video(path, detections), 1)
    ]
    write_text(path, "\n".join(blocks))


def write_vtt(path: Path, detections: Iterable[Detection], *, first_frame_s: float = 0.0) -> None:
    """WebVTT subtitles of one video, by start: `label score`, with markup characters escaped.

    Args:
        first_frame_s: When a player shows the first frame; cues are moved by it.

    Raises:
        InputRefused: Detections of more than one video.
    """
    blocks = [
        f"{_span(d, first_frame_s, '.')}\n{_escaped(_one_line(d.label))} {d.score:.3f}\n"
        for d in _of_one_video(path, detections)
    ]
    write_text(path, "\n".join(["WEBVTT\n", *blocks]))


def _of_one_video(path: Path, detections: Iterable[Detection]) -> list[Detection]:
    ordered = sorted(detections, key=lambda d: (d.start_s, d.end_s, d.label))
    videos = {d.video_id for d in ordered}
    if len(videos) > 1:
        problem = f"subtitles are for one video, got {len(videos)}: {', '.join(sorted(videos)[:3])}"
        raise InputRefused("E-DET-006", path, problem, "Write one file per video.")
    return ordered


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _one_line(label: str) -> str:
    return " ".join(label.split()).replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _span(detection: Detection, shift_s: float, point: str) -> str:
    return f"{_time(detection.start_s + shift_s, point)} --> {_time(detection.end_s + shift_s, point)}"


def _time(seconds: float, point: str) -> str:
    if not math.isfinite(seconds):
        raise InputRefused("E-DET-007", "subtitles", f"a time is {seconds}")
    total = max(0, round(seconds * 1000))
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{point}{total % 1000:03}"
