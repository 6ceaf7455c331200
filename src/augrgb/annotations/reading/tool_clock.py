"""Clocks of annotation tools: frame numbers and zeros that are the tool's, not the video's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from augrgb.annotations.reading.text_files import read_text
from augrgb.core.errors import InputRefused

INTERFACE_FPS = 24.0
"""What Label Studio counts by where the `<Video>` tag of the labeling interface has no `frameRate`."""
_VIDEO_TAG = re.compile(r"<\s*Video\b[^>]*>", re.IGNORECASE)
_FRAME_RATE = re.compile(r"""\bframe_?rate\s*=\s*["']\s*([^"']*?)\s*["']""", re.IGNORECASE)
_PAL_FPS, _NTSC_FPS = 25.0, 30000 / 1001


def interface_rate(path: Path) -> float | str:
    """The frame rate that a Label Studio labeling interface declares, or `$name`, the field of a task that has it.

    Raises:
        InputRefused: E-ANN-060: there is no `<Video>` tag, several disagree, or the rate is no number.
    """
    tags = _VIDEO_TAG.findall(read_text(path))
    rates = {match[1] if (match := _FRAME_RATE.search(tag)) else str(INTERFACE_FPS) for tag in tags}
    if len(rates) != 1:
        problem = f"declares the rates {', '.join(sorted(rates))}" if rates else "has no <Video> tag"
        raise InputRefused("E-ANN-060", path, f"{problem}; expected one", "Give the rate: --set fps=24.")
    found = rates.pop()
    if found.startswith("$"):
        return found
    try:
        return float(found)
    except ValueError as error:
        raise InputRefused("E-ANN-060", path, f"frameRate is {found!r}, expected a number") from error


def rate_of_sequences(results: Iterable[Mapping[str, Any]]) -> float | None:
    """The rate by which a Label Studio task counts, from regions that have both frame and time; None without any.

    >>> rate_of_sequences([{"value": {"sequence": [{"frame": 12, "time": 0.5}, {"frame": 48, "time": 2}]}}])
    24.0
    """
    best: tuple[float, float] | None = None
    for result in results:
        value = result.get("value")
        sequence = value.get("sequence") if isinstance(value, dict) else None
        for point in sequence if isinstance(sequence, list) else ():
            if not isinstance(point, dict):
                continue
            frame, time_s = point.get("frame"), point.get("time")
            if not (isinstance(frame, int | float) and isinstance(time_s, int | float) and frame > 0 and time_s > 0):
                continue
            if best is None or frame > best[0]:
                best = float(frame), float(time_s)
    if best is None:
        return None
    rate = best[0] / best[1]
    # times are rounded in some versions: of many frames, a rate near a whole number is that number
    return float(round(rate)) if abs(rate - round(rate)) < 0.02 and best[0] >= 10 else rate


def elan_seconds_per_unit(units: str, file: Path) -> float:
    """Seconds of one unit of ELAN's time values.

    Raises:
        InputRefused: E-ANN-061: a unit that ELAN does not have.

    >>> elan_seconds_per_unit("PAL-frames", Path("a.eaf"))
    0.04
    """
    known = {"": 0.001, "milliseconds": 0.001, "pal-frames": 1 / _PAL_FPS, "ntsc-frames": 1 / _NTSC_FPS}
    if units.strip().lower() not in known:
        problem = f"TIME_UNITS is {units!r}, expected milliseconds, PAL-frames or NTSC-frames"
        raise InputRefused("E-ANN-061", file, problem, "Save the file again in ELAN, which writes milliseconds.")
    return known[units.strip().lower()]


def cvat_shifts(tasks: Iterable[Element]) -> dict[str, int]:
    """What CVAT adds to the frame numbers of each task (by id) when it exports a project.

    Tasks stand in the order of subset and id; each one's numbers go on where those of the task before it in its subset
    end (`start_frame` + frame step x size).
    """
    rows = []
    for task in tasks:
        key = task.findtext("id", "").strip()
        size, start = (_whole(task.findtext(name)) for name in ("size", "start_frame"))
        rows.append((task.findtext("subset", "").strip(), _whole(key), key, start + frame_step(task) * size))
    shifts: dict[str, int] = {}
    ends: dict[str, int] = {}
    for subset, _, key, length in sorted(rows):
        shifts[key] = ends.get(subset, 0)
        ends[subset] = shifts[key] + length
    return shifts


def frame_step(task: Element) -> int:
    """How many frames of the video CVAT goes on from one frame of a task to the next."""
    match = re.search(r"step\s*=\s*(\d+)", task.findtext("frame_filter") or "")
    return max(1, int(match[1])) if match else 1


def cvat_range(task: Element) -> range | None:
    """The frame numbers that a task or job has in its video; None where the file does not say how many."""
    size, start = (_whole(task.findtext(name)) for name in ("size", "start_frame"))
    return range(start, start + frame_step(task) * size) if size else None


def _whole(text: str | None) -> int:
    stripped = (text or "").strip()
    return int(stripped) if stripped.isdecimal() else 0
