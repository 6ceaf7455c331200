"""PKU-MMD label files: one text file per video, `class,start_frame,end_frame,confidence` per line."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import number_classes, read_class_list, unnamed, write_class_list
from augrgb.annotations.reading.frame_rates import Rates, rate_of
from augrgb.annotations.reading.text_files import files_below, head_of, open_text, read_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.files import file_name_of, identifier_of, write_text
from augrgb.core.searching import files_in
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

_LINE = re.compile(r"^\s*\d+\s*,\s*-?\d+\s*,\s*-?\d+\s*(,[^,\n]*)?(\n|\r|$)")
_CAMERA = re.compile(r"^\d{4}-([LMR])$")
_SPLIT_FILES = ("cross-subject.txt", "cross-view.txt")
_CLASS_LIST = "classes.txt"


class PkuMmd(AnnotationFormat):
    """PKU-MMD: folder of `0002-L.txt` label files with `class,start_frame,end_frame,confidence`, classes from 1.

    Frames are counted from 0 and the end is exclusive, as the users of the dataset slice them; the dataset is recorded
    at 30 frames per second. The confidence is not kept. `cross-subject.txt` and `cross-view.txt` (lines `Training
    videos:` and `Validataion videos:`, ids separated by commas) become splits when they lie in the folder, beside
    it, or in a folder `Split` beside it; the validation videos are the test role. Written times are off by half a
    frame at most. They are written at `fps` too, whatever the videos have, so that they are read back as they were.

    Args:
        fps: Constant frame rate of the numbering: one number, or per video.
        first: The number of the first class, in files and in lists of names. Default: 1, or 0 where a file has it.
        classes: Class list; `classes.txt` in the folder is used without being named. Otherwise `c001`, `c002`, ...
    """

    name = "pku-mmd"
    suffixes = (".txt",)
    writes_with = ("fps", "first")
    line = "7,30,75,1"
    folders = True
    zero = "first-frame"

    def __init__(self, *, fps: Rates = 30.0, first: int | None = None, classes: Path | None = None) -> None:
        self.fps, self.first, self.classes = fps, first, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        files = [path] if path.is_file() else [p for p in files_in(path, ".txt") if not _is_extra(p)]
        labeled = (file for file in files if file.suffix == ".txt" and file.stat().st_size)  # empty: no action
        return any(_LINE.match(head_of(file)) is not None for file in itertools.islice(labeled, 3))

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        rows: dict[str, tuple[list[tuple[int, float, float]], float]] = {}
        for file in files_below(path, ".txt"):
            if _is_extra(file):
                continue
            video_id = identifier_of(file.stem)
            if video_id in rows:
                faults.append(InputRefused("E-ID-001", file, f"a second file for the video {video_id!r}"))
                continue
            frames = FrameCounting(rate_of(self.fps, video_id, file))
            rows[video_id] = (_read_file(file, frames, faults), frames.fps)
        used = {row[0] for actions, _ in rows.values() for row in actions}
        beside = path / _CLASS_LIST
        listed = self.classes or (beside if beside.is_file() else None)
        # files of other datasets in this layout count from 0
        first = self.first if self.first is not None else min(used | {1})
        names = (
            read_class_list(listed, first=1 if self.first is None else self.first)
            if listed is not None
            else unnamed(used, first=first)
        )
        for number in sorted(used - names.names.keys()):
            faults.append(InputRefused("E-ANN-030", path, f"class number {number} is not in {listed}"))
        raise_together(faults)
        videos = {}
        for video_id, (actions, fps) in rows.items():
            camera = _CAMERA.match(video_id)
            events = tuple(Event(names.names[number], start, end) for number, start, end in actions)
            videos[video_id] = VideoRecord(video_id, events=events, fps=fps, camera=camera[1] if camera else None)
        splits = {file.stem.replace("-", "_"): read_split(file) for file in _split_files(path)}
        return AnnotationSet(names.classes, videos, splits, closed=listed is not None, in_frames=True)

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        numbers = number_classes(annotations.classes, first=1 if self.first is None else self.first)
        written = []
        for video_id, video in annotations.videos.items():
            if video.events is None:
                continue
            frames = FrameCounting(rate_of(self.fps, video_id, path))  # not the video's: a reader takes 30 for granted
            spans = [(numbers[event.label], *frames.to_frames(event.start_s, event.end_s)) for event in video.events]
            written.append(path / f"{file_name_of(video_id)}.txt")
            write_text(written[-1], "".join(f"{number},{start},{end},1\n" for number, start, end in spans))
        return [*written, write_class_list(numbers, path / _CLASS_LIST)]


def read_split(file: Path) -> dict[str, tuple[str, ...]]:
    """One official split file as roles `train` and `test`.

    Raises:
        InputRefused: E-SPL-009: no training or no validation videos are listed.
    """
    parts = re.split(r"(?im)^\s*(training|valida\w+|test\w*)\s+videos\s*:", read_text(file))
    roles: dict[str, tuple[str, ...]] = {}
    for word, names in zip(parts[1::2], parts[2::2], strict=True):
        role = "train" if word.lower() == "training" else "test"
        roles[role] = tuple(name for name in re.split(r"[,\s]+", names) if name)
    if not roles.get("train") or not roles.get("test"):
        raise InputRefused("E-SPL-009", file, f"lists {sorted(roles) or 'no videos'}, expected training and validation")
    return roles


def _is_extra(path: Path) -> bool:
    return path.name in (*_SPLIT_FILES, _CLASS_LIST)


def _split_files(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    places = (folder, folder.parent, folder.parent / "Split", folder.parent / "split")
    return [
        next(p / name for p in places if (p / name).is_file())
        for name in _SPLIT_FILES
        if any((p / name).is_file() for p in places)
    ]


def _read_file(file: Path, frames: FrameCounting, faults: list[AugrgbError]) -> list[tuple[int, float, float]]:
    rows = []
    with open_text(file) as text:
        for number, line in enumerate(text, 1):
            cells = [cell.strip() for cell in line.split(",")]
            if cells == [""]:
                continue
            try:
                if len(cells) not in (3, 4):
                    raise ValueError
                rows.append((int(cells[0]), *frames.to_seconds(int(cells[1]), int(cells[2]))))
            except ValueError:
                problem = f"{line.strip()[:80]!r}: expected class,start_frame,end_frame,confidence"
                faults.append(InputRefused("E-ANN-005", f"{file}:{number}", problem))
    return rows
