"""The video files of a folder."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.names import alike

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts"}


def find_videos(folder: Path) -> dict[str, Path]:
    """Video files at any depth, by name without ending.

    Raises:
        InputRefused: E-VID-005 none; E-ID-001 two files of one name; E-ID-002 names alike (all together).
    """
    files: dict[str, Path] = {}
    faults: list[AugrgbError] = []
    twins: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in VIDEO_SUFFIXES or not path.is_file():
            continue
        if path.stem in files:
            faults.append(InputRefused("E-ID-001", path, f"the same name as {files[path.stem]}", "Rename one."))
            continue
        files[path.stem] = path
        twin = twins.setdefault(alike(path.stem), path.stem)
        if twin != path.stem:
            problem = f"differs from {files[twin]} only in case or Unicode form"
            faults.append(InputRefused("E-ID-002", path, problem, "Rename one."))
    raise_together(faults)
    if not files:
        raise InputRefused("E-VID-005", folder, "no video files here", f"Known endings: {sorted(VIDEO_SUFFIXES)}.")
    return files
