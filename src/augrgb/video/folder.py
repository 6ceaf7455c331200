"""The video files of a folder."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.names import alike
from augrgb.core.opening import resolved
from augrgb.core.searching import files_in, search

VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".qt", ".f4v", ".mj2", ".insv", ".3gp", ".3g2", ".3gpp", ".mkv", ".webm", ".avi"),
        *(".divx", ".ts", ".mts", ".m2ts", ".m2t", ".trp", ".tp", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".m2p"),
        *(".vob", ".mod", ".tod", ".wmv", ".asf", ".flv", ".ogv", ".ogm", ".dv", ".mxf"),
    }
)
"""Endings, in lower case, of the containers that `container.open_video` opens."""


def find_videos(folder: Path) -> dict[str, Path]:
    """Video files at any depth, by name without ending, or by the path below the folder where names repeat.

    Raises:
        InputRefused: E-VID-005 none; E-ID-005 two files with one name; E-ID-002 names alike (all together).
    """
    files: dict[str, Path] = {}
    faults: list[AugrgbError] = []
    twins: dict[str, str] = {}
    paths = files_in(folder, *VIDEO_SUFFIXES, deep=True)
    stems = Counter(path.stem for path in paths)
    for path in paths:
        name = path.stem if stems[path.stem] == 1 else path.relative_to(folder).with_suffix("").as_posix()
        if name in files:
            faults.append(InputRefused("E-ID-005", path, f"the same name as {files[name]}", "Rename one."))
            continue
        files[name] = path
        twin = twins.setdefault(alike(name), name)
        if twin != name:
            problem = f"differs from {files[twin]} only in case or Unicode form"
            faults.append(InputRefused("E-ID-002", path, problem, "Rename one."))
    raise_together(faults)
    if not files:
        raise InputRefused("E-VID-005", folder, "no video files here", f"Known endings: {sorted(VIDEO_SUFFIXES)}.")
    return files


def left_aside(folder: Path) -> list[Path]:
    """Files at any depth that are taken for no video, hidden ones and those in hidden folders apart."""
    return [
        path
        for path in search(folder, lambda name: Path(name).suffix.lower() not in VIDEO_SUFFIXES, deep=True).files
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def name_videos(videos: Iterable[Path], *, leave_out: str = "") -> dict[str, Path]:
    """Files, and the video files of folders, by a unique name: the stem, or where stems clash as `find_videos` has it.

    A file that is given twice is taken once.

    Args:
        videos: Files (of any name), folders (searched at any depth), and patterns such as `cam*/**/*.mp4`.
        leave_out: Ending of file names in folders that are not wanted.

    Raises:
        InputRefused: E-VID-005, a folder without video files, or a pattern that fits none.
    """
    paths: list[Path] = []
    below: dict[Path, str] = {}  # the names of files in folders, as `find_videos` gives them
    for path in _expanded(videos):
        if path.is_dir():
            inside = files_in(
                path, *VIDEO_SUFFIXES, wanted=lambda name: not (leave_out and name.endswith(leave_out)), deep=True
            )
            if not inside:
                raise InputRefused(
                    "E-VID-005", path, "no video files in this folder", f"Known: {sorted(VIDEO_SUFFIXES)}."
                )
            paths += inside
            below |= {one: one.relative_to(path).with_suffix("").as_posix() for one in inside}
        else:
            paths.append(path)
    paths = list({resolved(path): path for path in reversed(paths)}.values())[::-1]
    longer = {path: below.get(path, str(path)) for path in paths}
    stems, names = Counter(path.stem for path in paths), Counter(longer.values())

    def unique(path: Path) -> str:
        if stems[path.stem] == 1:
            return path.stem
        return longer[path] if names[longer[path]] == 1 and longer[path] not in stems else str(path)

    return {unique(path): path for path in paths}


def _expanded(videos: Iterable[Path]) -> Iterable[Path]:
    """Patterns replaced by what they fit: a shell leaves them alone in quotes, and on Windows always."""
    for path in map(Path, videos):
        if not glob.has_magic(str(path)) or path.exists():
            yield path
            continue
        found = sorted(map(Path, glob.glob(str(path), recursive=True)))
        found = [one for one in found if one.is_dir() or one.suffix.lower() in VIDEO_SUFFIXES]
        if not found:
            raise InputRefused(
                "E-VID-005", path, "no video file fits this pattern", f"Known: {sorted(VIDEO_SUFFIXES)}."
            )
        yield from found
