"""Toyota Smarthome Untrimmed as distributed: one CSV file per video, frames."""

from __future__ import annotations

from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.frame_rates import Rates, need_rates, rate_of
from augrgb.annotations.reading.tables import header_of, read_table
from augrgb.annotations.reading.text_files import files_below, first_below, head_of, open_text
from augrgb.annotations.reading.tsu_ids import official_splits, with_subject_and_camera
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

_HEADER = ("event", "start_frame", "end_frame")


class TsuCsv(AnnotationFormat):
    """TSU CSV files (`Annotation/P02/P02T01C06.csv`): `event,start_frame,end_frame`, one file per video.

    Frames are counted from 0 and the end is exclusive, as in `tsu-json`. Class names are taken as they stand. The
    duration is not in these files.

    Args:
        fps: The constant frame rate of the videos: one number, or per video. Required.
        classes: Class list; any other class is then a mistake.
    """

    name = "tsu-csv"
    suffixes = (".csv",)
    signs = ("event", "start_frame", "end_frame")
    folders = True
    zero = "first-frame"

    def __init__(self, *, fps: Rates = None, classes: Path | None = None) -> None:
        self.fps, self.classes = fps, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return header_of(head_of(first_below(path, ".csv"))) == _HEADER

    def read(self, path: Path) -> AnnotationSet:
        need_rates(self.fps, path)
        videos: dict[str, VideoRecord] = {}
        faults: list[AugrgbError] = []
        origin: dict[str, Path] = {}
        for file in files_below(path, ".csv"):
            video_id = file.stem
            if video_id in origin:
                faults.append(InputRefused("E-ID-001", file, f"the same video as {origin[video_id]}"))
                continue
            origin[video_id] = file
            try:
                frames = FrameCounting(rate_of(self.fps, video_id, file))
                video = VideoRecord(video_id, events=_events(file, frames), fps=frames.fps)
            except AugrgbError as fault:
                faults.append(fault)
                continue
            videos[video_id] = with_subject_and_camera(video)
        raise_together(faults)
        labels = {event.label for video in videos.values() for event in video.events or ()}
        classes = classes_or(self.classes, labels)
        splits = official_splits(videos)
        return AnnotationSet(classes, videos, splits, closed=self.classes is not None, in_frames=True)


def _events(file: Path, frames: FrameCounting) -> tuple[Event, ...]:
    events: list[Event] = []
    with open_text(file) as text:
        table = read_table(file, text)
        if table.names != _HEADER:
            raise InputRefused("E-ANN-034", f"{file}:1", f"header {list(table.names)}, expected {list(_HEADER)}")
        for line, cells in table.rows:
            try:
                label, start, end = cells
                timed = bool(start or end)
                events.append(
                    Event(label, *frames.to_seconds(int(start), int(end))) if timed else event_of(label, None, None)
                )
            except ValueError as error:
                problem = f"{cells}: expected a class and two frame numbers"
                raise InputRefused("E-ANN-005", f"{file}:{line}", problem) from error
    return tuple(events)
