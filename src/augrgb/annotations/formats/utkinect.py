"""UTKinect-Action3D labels: `actionLabel.txt`, a block of `action: first last` per sequence, in frame numbers."""

from __future__ import annotations

import re
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.files import identifier_of
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord
from augrgb.poses.formats.utkinect import first_frame

_SEQUENCE = re.compile(r"s(\d\d)_e\d\d")
_ACTION = re.compile(r"([A-Za-z]\w*):\s*(\S+)\s+(\S+)")
_FILE = "actionLabel.txt"


class UTKinect(AnnotationFormat):
    """UTKinect-Action3D: `actionLabel.txt`, or the folder that holds it.

    Frames are numbered at 30 a second; both frames of an action belong to it. Times count from the first frame that
    `joints_SEQUENCE.txt` beside the labels lists, as those of its poses do (`augrgb data poses`); without that file
    from frame 0. An action without frame numbers (NaN; the dataset has one) is no background: where it may be is
    ignored. The subject is the number after `s`. `actionLabel_modified.txt`, which others have corrected, is read where
    it is named.

    Args:
        fps: Frames per second of the numbering.
    """

    name = "utkinect"
    suffixes = (".txt",)
    line = "walk: 252 390"
    folders = True
    zero = "first-frame"

    def __init__(self, *, fps: float = 30.0) -> None:
        self.fps = fps

    @classmethod
    def sniff(cls, path: Path) -> bool:
        file = path / _FILE if path.is_dir() else path
        if file.suffix != ".txt" or not file.is_file():
            return False
        lines = [line.strip() for line in head_of(file).splitlines() if line.strip()][:2]
        return len(lines) == 2 and bool(_SEQUENCE.fullmatch(lines[0]) and _ACTION.fullmatch(lines[1]))

    def read(self, path: Path) -> AnnotationSet:
        file = path / _FILE if path.is_dir() else path
        faults: list[AugrgbError] = []
        events: dict[str, list[Event]] = {}
        classes: dict[str, None] = {}
        frames = FrameCounting(self.fps, end_inclusive=True)
        sequence = ""
        with open_text(file) as text:
            for number, line in enumerate(text, 1):
                words, where = line.strip(), f"{file}:{number}"
                action = _ACTION.fullmatch(words)
                if _SEQUENCE.fullmatch(words):
                    sequence = identifier_of(words)
                    if sequence in events:
                        faults.append(InputRefused("E-ID-001", where, f"a second block for {sequence!r}"))
                    events[sequence] = []
                    first = _first_frame(file.parent / f"joints_{sequence}.txt")
                    frames = FrameCounting(self.fps, first, end_inclusive=True)
                elif action is not None and sequence:
                    try:
                        event = _event(action, frames)
                    except ValueError:
                        faults.append(InputRefused("E-ANN-005", where, f"{words[:80]!r}: expected two frame numbers"))
                        continue
                    classes[action[1]] = None
                    events[sequence].append(event)
                elif words:
                    problem = f"{words[:80]!r}: expected a sequence such as s01_e01, or ACTION: FIRST LAST"
                    faults.append(InputRefused("E-ANN-005", where, problem))
        raise_together(faults)
        videos = {
            name: VideoRecord(name, events=tuple(found), fps=self.fps, subject=name[:3])
            for name, found in events.items()
        }
        return AnnotationSet(tuple(sorted(classes)), videos)


def _event(action: re.Match[str], frames: FrameCounting) -> Event:
    if action[2].lower() == action[3].lower() == "nan":
        return event_of(action[1], None, None)
    return Event(action[1], *frames.to_seconds(int(action[2]), int(action[3])))


def _first_frame(joints: Path) -> int:
    return (first_frame(joints) or 0) if joints.is_file() else 0
