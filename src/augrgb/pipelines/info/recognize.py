"""Recognizing what a file or folder is, by the files that mark it, its name, or what can be read in it.

A new kind is a function in one of the modules beside this one, and a line in one of the tables here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.opening import is_file, is_folder
from augrgb.inference.export.folder import EXPORT_FILE
from augrgb.pipelines.fitting.project import PROJECT_FILE
from augrgb.pipelines.fitting.summary import SETTINGS_FILE
from augrgb.pipelines.info import datasets, models, projects, recordings
from augrgb.pipelines.info.description import Describe, Info, guarded


def _of_folder(describe: Describe) -> Describe:
    """For a file that stands for its folder."""
    return lambda file: describe(file.parent)


MARKED_FOLDERS: Mapping[str, Describe] = {
    EXPORT_FILE: models.export,
    "run.json": models.run,
    "model.json": models.model,
    "frames.json": datasets.frames,
    SETTINGS_FILE: projects.fit,
    PROJECT_FILE: projects.project,
    "dataset.json": datasets.dataset,
    "costs.json": projects.comparison,
    "results.json": projects.comparison,
    datasets.DETECTIONS_FILE: datasets.detections,
}
"""Folders by a file in them; the first that is there counts."""
OTHER_FOLDERS: tuple[Describe, ...] = (datasets.features, datasets.npy_features, recordings.videos)
"""Folders without such a file, tried in order."""
NAMED_FILES: Mapping[str, Describe] = {
    EXPORT_FILE: _of_folder(models.export),
    "run.json": _of_folder(models.run),
    "model.json": _of_folder(models.model),
    "thresholds.json": _of_folder(models.model),
    "training.json": _of_folder(models.model),
    "dataset.json": _of_folder(datasets.dataset),
    datasets.DETECTIONS_FILE: datasets.detections,
    "detections.csv": datasets.detections,
}
FILES_BY_ENDING: Mapping[str, Describe] = {
    ".yaml": projects.yaml_file,
    ".yml": projects.yaml_file,
    ".npz": recordings.npz,
    ".safetensors": models.weights,
}
OTHER_FILES: tuple[Describe, ...] = (datasets.event_file, recordings.video)
"""Files of any other name, tried in order."""


def describe_path(path: Path | str) -> Info:
    """Recognize a file or folder by what it holds, and look into it; nothing is changed.

    Raises:
        InputRefused: E-FILE-001, it does not exist; E-FILE-006, it is nothing that augrgb writes or reads.
    """
    path = Path(path)
    if not path.exists():
        raise InputRefused("E-FILE-001", path, "no such file or folder", "Check the path.")
    found = _folder(path) if is_folder(path) else _file(path)
    if found is None:
        what = "folder" if is_folder(path) else "file"
        problem = f"this {what} is nothing that augrgb writes or reads"
        remedy = (
            "Known are projects, datasets, runs, bundles, features, frames, recipes, annotations, detections, poses, "
            "sensors and videos (docs/index.md)."
        )
        raise InputRefused("E-FILE-006", path, problem, remedy)
    return found


def _folder(path: Path) -> Info | None:
    for mark, describe in MARKED_FOLDERS.items():
        if is_file(path / mark) and (found := guarded(path, describe)) is not None:
            return found
    for describe in OTHER_FOLDERS:
        try:
            found = describe(path)
        except AugrgbError:
            continue
        if found is not None:
            return found
    return None


def _file(path: Path) -> Info | None:
    ending = path.suffix.lower()
    if path.name in NAMED_FILES:
        return guarded(path, NAMED_FILES[path.name])
    if ending in FILES_BY_ENDING:
        return guarded(path, FILES_BY_ENDING[ending])
    for describe in OTHER_FILES:
        try:
            return describe(path)
        except AugrgbError as fault:
            last = fault
    return recordings.broken_video(path, last)
