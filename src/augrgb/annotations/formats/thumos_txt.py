"""THUMOS14 and MultiTHUMOS as distributed: one text file per class, `video start end` per line, seconds."""

from __future__ import annotations

import re
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.text_files import files_below, head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.searching import files_in
from augrgb.core.types import Event, VideoRecord

_LINE = re.compile(r"^\s*\S*video_(validation|test)_\d+\s+\S+\s+\S+\s*(\n|\r|$)")
_LIST_FILE = "class_list.txt"


class ThumosTxt(AnnotationFormat):
    """THUMOS14 / MultiTHUMOS text files: folder of `<class>.txt`, `<class>_val.txt` or `<class>_test.txt`.

    Each line is `video_validation_0000266 72.80 76.40` (seconds). Validation videos are the training subset, test
    videos the testing subset, as everybody uses them. Files of the classes in `ignore` become ignored regions.

    Args:
        classes: Class list; `class_list.txt` in the folder is used without being named. Otherwise sorted file names.
        ignore: Classes that mark regions to be ignored.
    """

    name = "thumos-txt"
    suffixes = (".txt",)
    line = "video_test_0000004 1.0 2.5"
    folders = True

    def __init__(self, *, classes: Path | None = None, ignore: tuple[str, ...] = ("Ambiguous",)) -> None:
        self.classes, self.ignore = classes, ignore

    @classmethod
    def sniff(cls, path: Path) -> bool:
        files = [path] if path.is_file() else files_in(path, ".txt", wanted=lambda name: name != _LIST_FILE, deep=True)
        return any(file.suffix == ".txt" and _LINE.match(head_of(file)) is not None for file in files[:3])

    def read(self, path: Path) -> AnnotationSet:
        files = [file for file in files_below(path, ".txt") if file.name != _LIST_FILE]
        faults: list[AugrgbError] = []
        events: dict[str, list[Event]] = {}
        ignored: dict[str, list[Event]] = {}
        labels: set[str] = set()
        for file in files:
            label = re.sub(r"_(val|validation|test|testF?)$", "", file.stem)
            if label not in self.ignore:
                labels.add(label)
            _read_file(file, label, ignored if label in self.ignore else events, faults)
        beside = path / _LIST_FILE
        listed = self.classes or (beside if beside.is_file() else None)
        raise_together(faults)
        count = sum(map(len, ignored.values()))
        note = Finding("E-ANN-018", "ignored regions", "noted", str(path), f"{count} regions of {self.ignore}")
        return AnnotationSet(
            classes=read_class_list(listed).classes if listed is not None else tuple(sorted(labels)),
            videos={
                video_id: VideoRecord(
                    video_id,
                    events=tuple(events.get(video_id, ())),
                    ignored=tuple(ignored.get(video_id, ())),
                    subset="testing" if "_test_" in video_id else "training",
                )
                for video_id in sorted(events.keys() | ignored.keys())
            },
            findings=(note,) if count else (),
            closed=listed is not None,
        )


def _read_file(file: Path, label: str, into: dict[str, list[Event]], faults: list[AugrgbError]) -> None:
    with open_text(file) as text:
        for number, line in enumerate(text, 1):
            cells = line.split()
            if not cells:
                continue
            try:
                video_id, start, end = cells if len(cells) > 1 else (cells[0], None, None)
                times = (float(time) if time is not None else None for time in (start, end))
                into.setdefault(video_id, []).append(event_of(label, *times))
            except ValueError:
                problem = f"{line.strip()[:80]!r}: expected a video, a start and an end in seconds"
                faults.append(InputRefused("E-ANN-005", f"{file}:{number}", problem))
