"""Which columns of a table, or keys of a JSON object, are the video, the label and the times of an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from augrgb.annotations.reading.tables import column_name, find_columns
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.video.folder import VIDEO_SUFFIXES

Unit = Literal["seconds", "milliseconds", "frames"]
COLUMNS = {
    "video": (
        *("video_id", "id", "video_name", "video_file", "file", "filename", "file_name", "media_file"),
        *("media_file_path", "media", "clip", "clip_id", "video_path", "video_filename", "file_path", "filepath"),
        *("path", "youtube_id", "yt_id", "ytid"),
    ),
    "label": (
        *("class", "action", "class_name", "label_name", "action_name", "name", "behavior", "behaviour", "activity"),
        *("event", "category", "type", "annotation", "trial_type", "event_label", "class_label", "labels"),
        *("label_idx", "label_id", "label_index", "class_idx", "class_id", "class_index", "action_id", "category_id"),
        *("activity_id", "cls"),
    ),
    "start": (
        *("start_s", "start_seconds", "start_sec", "start_time", "begin", "begin_time", "t_start", "t_init", "onset"),
        *("start_timestamp", "time_start", "begin_s", "from"),
    ),
    "end": (
        *("end_s", "end_seconds", "end_sec", "end_time", "stop", "stop_s", "stop_time", "t_end", "t_stop", "offset"),
        *("end_timestamp", "stop_timestamp", "time_end", "finish", "to"),
    ),
}
"""The columns that an event must have, and the usual other names of each, the likeliest first."""
EXTRA = {
    "duration": ("duration_s", "video_duration", "video_length", "total_length"),
    "subset": ("split",),
    "fps": ("frame_rate", "framerate"),
    "subject": ("subject_id", "person", "person_id", "participant", "participant_id"),
    "camera": ("camera_id", "cam"),
    "scene": ("room", "place", "location"),
}
"""Columns that may be there."""
LENGTHS = ("video_duration", "video_length", "total_length")
"""Names that can only be those of a video's length."""
_TIMES = ("start", "end", "duration")
_UNITS: dict[str, Unit] = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "milliseconds", "millisecond"), "milliseconds"),
    **dict.fromkeys(("frame", "frames"), "frames"),
}


@dataclass(frozen=True, slots=True)
class EventColumns:
    """What the columns of a table mean.

    Args:
        at: What -> its column; only what there is.
        others: What -> further columns that could be meant too.
        unit: Of times without colons.
        missing: What an event must have and the table has not; without `video`, the file stands for it.
    """

    at: Mapping[str, int]
    others: Mapping[str, tuple[int, ...]]
    unit: Unit
    missing: tuple[str, ...]

    @staticmethod
    def of(names: Sequence[str], given: Mapping[str, str] | None = None, unit: Unit | None = None) -> EventColumns:
        """The columns of a header.

        Args:
            names: Its cells.
            given: What -> name of its column, where an option says it.
            unit: Of the times; None = what their names say (`start_ms`, `endFrame`), else seconds.

        Raises:
            UsageFault: E-CFG-003, no column of a name that was given.

        >>> EventColumns.of(["video", "action", "startFrame", "endFrame"]).unit
        'frames'
        >>> EventColumns.of(["video", "action", "start", "end", "start_frame", "end_frame"]).unit
        'seconds'
        """
        given = dict(given or {})
        fixed = {key: _named(key, name, names) for key, name in given.items()}
        units, bare = zip(*map(_unit_and_rest, names), strict=True) if names else ((), ())
        written = unit if unit is not None else next((units[fixed[key]] for key in _TIMES[:2] if key in fixed), None)
        choices: tuple[Unit, ...] = (written,) if written is not None else ("seconds", "milliseconds", "frames")
        found = [_in_unit(names, bare, units, choice, fixed, any_unit=unit is not None) for choice in choices]
        return min(found, key=lambda columns: len(columns.missing))  # the first of equals: seconds


def refuse_other_video(names: Sequence[str], cells: Sequence[object], columns: EventColumns, where: str) -> None:
    """Refuse to name a video after its file where a column that is not known holds names of videos.

    Raises:
        InputRefused: E-ANN-034.
    """
    for at, (name, cell) in enumerate(zip(names, cells, strict=False)):
        if at not in columns.at.values() and PurePosixPath(str(cell)).suffix.lower() in VIDEO_SUFFIXES:
            remedy = f"Say so: --set video={name}."
            raise InputRefused("E-ANN-034", where, f"no column video, but {name!r} seems to name videos", remedy)


def unit_of(name: str) -> Unit:
    """The unit that the name of a column of times says; seconds where it says none.

    >>> unit_of("start_ms"), unit_of("endFrame"), unit_of("Start (ms)"), unit_of("start")
    ('milliseconds', 'frames', 'milliseconds', 'seconds')
    """
    return _unit_and_rest(name)[0]


def _unit_and_rest(name: str) -> tuple[Unit, str]:
    words = column_name(name).split("_")
    unit: Unit = next((_UNITS[word] for word in words if word in _UNITS), "seconds")
    return unit, "_".join(word for word in words if word not in _UNITS)


def _in_unit(
    names: Sequence[str],
    bare: Sequence[str],
    units: Sequence[Unit],
    unit: Unit,
    fixed: Mapping[str, int],
    *,
    any_unit: bool,
) -> EventColumns:
    """The columns where times are in one unit."""
    times = {key: (COLUMNS | EXTRA)[key] for key in _TIMES}
    others = {key: words for key, words in (COLUMNS | EXTRA).items() if key not in _TIMES}
    columns = find_columns(names, others)
    for key, words in times.items():
        listed = [at for word in (key, *words) for at, name in enumerate(bare) if name == word]
        listed = [at for at in dict.fromkeys(listed) if any_unit or units[at] == unit]
        columns[key] = sorted(listed, key=lambda at: units[at] != unit)  # the one that says the unit, if any does
    taken = set(fixed.values())
    columns = {
        key: [fixed[key]] if key in fixed else [at for at in listed if at not in taken]
        for key, listed in columns.items()
    }
    at = {key: listed[0] for key, listed in columns.items() if listed}
    missing = [key for key in COLUMNS if key not in at]
    if "duration" in at and "end" in missing and "start" in at:
        missing.remove("end")
    more = {key: tuple(listed[1:]) for key, listed in columns.items() if key in COLUMNS and key not in fixed}
    return EventColumns(at, more, unit, tuple(missing))


def _named(key: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        problem = f"no column {name!r} in the header {list(names)}"
        raise UsageFault("E-CFG-003", f"--set {key}={name}", problem, did_you_mean(name, names))
    return list(names).index(name)
