"""Third-party predictions from files: detections (ActivityNet JSON, CSV, PKU-MMD text) or scores per snippet.

Score arrays are `.npy` or `.npz`, (T, K) in the order of the classes, and the `.safetensors` of `augrgb evaluate`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.reading.archives import opened
from augrgb.annotations.reading.class_list import number_classes
from augrgb.annotations.reading.other_files import other_kind
from augrgb.annotations.repair import LARGE_OVERRUN_S
from augrgb.annotations.videos.match_ids import match_ids
from augrgb.core.arrays import open_arrays
from augrgb.core.errors import AugrgbError, InputRefused, did_you_mean, raise_together
from augrgb.core.files import ARRAY_DAMAGE, identifier_of
from augrgb.core.opening import is_folder, regular_file
from augrgb.core.searching import files_in
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.frame_label_files import is_frame_labels, read_frame_labels
from augrgb.detection.predictions import load_predictions
from augrgb.detection.readers import (
    DetectionFile,
    check_durations,
    is_thumos,
    read_activitynet,
    read_csv,
    read_lines,
    read_pku,
    read_thumos,
    with_class_names,
)
from augrgb.detection.writers import PKU_FPS
from augrgb.metrics.evaluation import VideoScores
from augrgb.metrics.truth import fitting_clock

_ROUNDING_S = 0.1
_ARRAYS = (".npy", ".npz")
_EVENTS = (".json", ".jsonl", ".csv", ".tsv")
_KNOWN = (
    "ActivityNet .json, .jsonl, .csv (or a folder or .zip of them), THUMOS .txt, a folder of PKU-MMD .txt or of "
    "frame-wise labels, .npy or .npz scores, or .safetensors of augrgb evaluate"
)


@dataclass(frozen=True)
class GivenPredictions:
    """What files hold: scores per video, or detections (then `scores` is None) and the videos they were made for."""

    scores: Mapping[str, VideoScores] | None
    detections: tuple[Detection, ...] = ()
    video_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def covered(self) -> frozenset[str]:
        """The videos with a prediction, even an empty one."""
        return frozenset(self.video_ids) | frozenset(self.scores or ())


def read_predictions(
    path: Path,
    classes: Sequence[str],
    durations_s: Mapping[str, float | None],
    *,
    clock: Clock | None = None,
    fps: float = PKU_FPS,
    first_class: int = 1,
    allow_unknown: int = 0,
    allow_outside: int = 0,
) -> GivenPredictions:
    """Read a file, a folder, or a zip archive of such, by its content's kind.

    Args:
        classes: K names, in the order of score columns and of class numbers.
        durations_s: Every known video; None = its duration is not known.
        clock: Time base of score arrays; None = T snippets spread evenly over the duration.
        fps: Frames per second of the numbering in PKU-MMD text.
        first_class: Number of the first class there.
        allow_unknown: How many detections may be of unknown videos or classes; they are left aside, and noted.
        allow_outside: How many may start before their video or end past it; they stay as they are, and are noted.

    Raises:
        InputRefused, FaultList: E-FILE-001, E-DET-010 (no such kind of file), E-DET-007 to -009 (bad entries, times
            past the video), E-MET-001 (shape), E-MET-003 (unknown video), E-MET-004 (classes), E-FEA-004 (the clock
            does not fit the duration), E-DET-012 (damaged), E-FILE-013 (pickled), E-ANN-024 (duration not known).
    """
    path = Path(path)
    if is_folder(path) or path.suffix.lower() in (*_ARRAYS, ".safetensors"):  # .npz are archives of their own kind
        return _read(path, classes, durations_s, clock, fps, first_class, allow_unknown, allow_outside)
    with opened(path, (*_ARRAYS, *_EVENTS, ".txt", ".safetensors")) as export:
        place = export.place
        if place != path and len(files := files_in(place)) == 1:
            place = files[0]  # an archive of one file
        return _read(place, classes, durations_s, clock, fps, first_class, allow_unknown, allow_outside)


def _read(
    path: Path,
    classes: Sequence[str],
    durations_s: Mapping[str, float | None],
    clock: Clock | None,
    fps: float,
    first_class: int,
    allow_unknown: int,
    allow_outside: int,
) -> GivenPredictions:
    kind = kind_of(path)
    if kind == ".safetensors":
        return _ours(path, classes, durations_s)
    labeled = kind == ".txt" and is_frame_labels(path)
    if kind in _ARRAYS or labeled:
        tracks, faults = {}, list[AugrgbError]()
        arrays: Mapping[str, NDArray[Any]]
        arrays = read_frame_labels(path, classes) if labeled else _arrays(path, kind)
        names, notes = _meant(arrays, durations_s)
        for written, values in arrays.items():
            video = names[written]
            try:
                tracks[video] = _track(path, video, values, len(classes), durations_s, clock)
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults[:20])
        return GivenPredictions(tracks, notes=notes)
    found: DetectionFile
    note = ""
    if kind == ".txt" and is_thumos(path):
        found, note = read_thumos(path, classes, first_class=first_class)
    elif kind == ".txt" and not is_folder(path):
        raise InputRefused("E-DET-010", path, "its lines are not `video start end class score`", f"Expected {_KNOWN}.")
    elif kind == ".txt":
        numbers = number_classes(classes, first=first_class)
        found = read_pku(path, {number: name for name, number in numbers.items()}, fps=fps)
    else:
        read = {".json": read_activitynet, ".jsonl": read_lines}.get(kind, read_csv)
        files = files_in(path, kind) if is_folder(path) else [path]
        parts = [read(file) for file in files]
        found = DetectionFile(
            tuple(d for part in parts for d in part.detections),
            tuple(dict.fromkeys(video for part in parts for video in part.video_ids)),
        )
        found, note = with_class_names(found, classes, first_class)
    names, notes = _meant(found.video_ids, durations_s)
    found = DetectionFile(
        tuple(replace(d, video_id=names[d.video_id]) for d in found.detections),
        tuple(names[video] for video in found.video_ids),
    )
    known = {video: duration_s for video, duration_s in durations_s.items() if duration_s is not None}
    notes = (*notes, note) if note else notes
    detections = found.detections
    listed = set(classes)
    known_ones = tuple(d for d in detections if d.video_id in durations_s and d.label in listed)
    if 0 < len(detections) - len(known_ones) <= allow_unknown:
        strange = [d for d in detections if d.video_id not in durations_s or d.label not in listed]
        detections = known_ones
        notes += (f"{len(strange)} detections of unknown videos or classes were left aside; first: {strange[0]}",)
    outside = [d for d in detections if _is_outside(d, known)]
    if len(outside) > allow_outside:
        check_durations(detections, known, path, tolerance_s=LARGE_OVERRUN_S)
    if outside:
        notes += (f"{len(outside)} detections start before or end past their video; first: {outside[0]}",)
    ids = tuple(video for video in found.video_ids if not allow_unknown or video in durations_s)
    return GivenPredictions(None, detections, ids, notes)


def _is_outside(detection: Detection, durations_s: Mapping[str, float]) -> bool:
    duration_s = durations_s.get(detection.video_id)
    return duration_s is not None and (detection.start_s < 0 or detection.end_s > duration_s + _ROUNDING_S)


def _meant(ids: Collection[str], durations_s: Collection[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The annotated video that each id means (itself, where it is none), and a note where they differ."""
    match = match_ids(durations_s, ids)  # all annotated videos may be looked for, and predictions be of others too
    back = {known: name for name, known in match.names.items()}
    differing = next((pair for pair in back.items() if pair[0] != pair[1]), None)
    note = f"ids of predictions: {match.rule} ({differing[1]!r} is {differing[0]!r} there)" if differing else ""
    return {video: back.get(video, video) for video in ids}, (note,) if note else ()


def kind_of(path: Path) -> str:
    """The suffix that says how a file, or the files of a folder, are read.

    Raises:
        InputRefused: E-FILE-001 nothing there; E-DET-010 no such kind, or several.
    """
    if not is_folder(path):
        regular_file(path, "predictions file")
    known = (*_ARRAYS, *_EVENTS, ".txt") if is_folder(path) else (*_ARRAYS, *_EVENTS, ".txt", ".safetensors")
    names = files_in(path, *known) if is_folder(path) else [path]
    suffixes = sorted({name.suffix.lower() for name in names} & set(known))
    if is_folder(path) and not suffixes and is_frame_labels(path):
        return ".txt"
    if len(suffixes) != 1:
        found = f"files of several kinds: {', '.join(suffixes)}" if suffixes else "not a predictions file or folder"
        other = other_kind(path) if not suffixes and not is_folder(path) else None
        if other is not None:
            raise InputRefused("E-DET-010", path, f"this is {other[0]}, which is not read", other[1])
        raise InputRefused("E-DET-010", path, found, f"Expected {_KNOWN}.")
    return suffixes[0]


def _ours(path: Path, classes: Sequence[str], durations_s: Mapping[str, float | None]) -> GivenPredictions:
    predictions = load_predictions(path)
    if set(predictions.classes) != set(classes):
        differing = sorted(set(predictions.classes) ^ set(classes))
        problem = f"scores of other classes than annotated; differing: {', '.join(differing[:8])}"
        raise InputRefused("E-MET-004", path, problem, "Name the class list: --set classes=FILE.")
    columns = [predictions.classes.index(name) for name in classes]
    tracks = {
        video: _track(path, video, values[:, columns], len(classes), durations_s, predictions.clock)
        for video, values in predictions.scores.items()
    }
    return GivenPredictions(tracks)


def _track(
    path: Path,
    video: str,
    values: NDArray[Any],
    width: int,
    durations_s: Mapping[str, float | None],
    clock: Clock | None,
) -> VideoScores:
    if video not in durations_s:
        remedy = did_you_mean(video, durations_s) if len(durations_s) < 1000 else "Check file names."
        problem = "predictions for a video that the annotations do not have"
        raise InputRefused("E-MET-003", repr(video), problem, remedy)
    duration_s = durations_s[video]
    if duration_s is None:
        remedy = "Scores need it: use annotations that state it, or a dataset.json."
        raise InputRefused("E-ANN-024", video, "its duration is not known", remedy)
    if values.dtype.kind not in "fiub" or values.ndim != 2 or values.shape[1] != width or not len(values):
        problem = f"scores are {values.dtype} of shape {values.shape}, expected numbers (T, {width}) with T > 0"
        turned = values.ndim == 2 and values.shape[0] == width
        remedy = "Looks like (K, T); transpose it." if turned else "One column per class; or name the class list."
        raise InputRefused("E-MET-001", f"{path}: {video}", problem, remedy)
    clock = fitting_clock(video, len(values), duration_s, clock)
    return VideoScores(values if values.dtype.kind == "f" else values.astype(np.float32), clock)


def _arrays(path: Path, kind: str) -> Mapping[str, NDArray[Any]]:
    """Arrays by video id: of a folder, one per file; of an archive, one per entry."""
    if is_folder(path):
        files = files_in(path, kind)
        return {identifier_of(file.stem): _only(file) for file in files}
    return _loaded(path) if kind == ".npz" else {identifier_of(path.stem): _only(path)}


def _only(file: Path) -> NDArray[Any]:
    arrays = _loaded(file)
    if len(arrays) != 1:
        names = ", ".join(list(arrays)[:5])
        raise InputRefused("E-DET-012", file, f"holds {len(arrays)} arrays ({names}), expected the scores alone")
    return next(iter(arrays.values()))


def _loaded(file: Path) -> dict[str, NDArray[Any]]:
    try:
        with open_arrays(file, "predictions file") as found:
            if isinstance(found, np.ndarray):
                return {file.stem: found}
            return {name: found[name] for name in found.files}
    except ARRAY_DAMAGE as error:
        if "pickle" in str(error).lower():
            remedy = "Save a plain array; objects could run code when read, so they never are."
            raise InputRefused("E-FILE-013", file, "holds pickled Python objects", remedy) from error
        raise InputRefused("E-DET-012", file, f"damaged or not NumPy arrays ({error})", "Copy it again.") from error
