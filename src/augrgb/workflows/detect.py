"""Detect actions in untrusted video files from RGB alone; JSON, CSV, timelines, subtitles and marked videos.

Every file is decoded and encoded in one child process, which is kept for all of them: a file that crashes or hangs
the decoder, or wants too much memory, is left out and named. This process loads neither torch nor the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from augrgb.core.errors import AugrgbError, EnvironmentFault, UsageFault
from augrgb.core.files import file_name_of, remove_leftovers
from augrgb.core.types import Detection
from augrgb.detection.writers import write_activitynet, write_csv, write_srt
from augrgb.parallel.child import Child, ChildJob, ChildLimits
from augrgb.report import write_timeline
from augrgb.report.data import DetectedVideo
from augrgb.report.overlay import write_overlay
from augrgb.video.decode import Partial
from augrgb.video.folder import VIDEO_SUFFIXES
from augrgb.video.probe import VideoInfo, probe

if TYPE_CHECKING:
    from augrgb.workflows.detect_video import Detector

_OVERLAY = ".overlay.mp4"
_OPEN_S = 120.0
_SECONDS_PER_SECOND = 10.0
_UNKNOWN_DURATION_S = 3600.0


@dataclass(frozen=True)
class DetectOutcome:
    """What was found, the files written, and the videos that were refused."""

    videos: tuple[DetectedVideo, ...]
    files: tuple[Path, ...]
    faults: tuple[AugrgbError, ...]


@dataclass(frozen=True, slots=True)
class _Open:
    model: Path
    device: str


@dataclass(frozen=True, slots=True)
class _Look:
    path: Path


@dataclass(frozen=True, slots=True)
class _Find:
    path: Path
    name: str
    model: Path
    device: str
    min_score: float
    partial: Partial


@dataclass(frozen=True, slots=True)
class _Mark:
    path: Path
    target: Path
    detections: tuple[Detection, ...]
    classes: tuple[str, ...]
    partial: Partial


_Request: TypeAlias = _Open | _Look | _Find | _Mark
_Answer: TypeAlias = VideoInfo | DetectedVideo | int | None


def detect_videos(
    videos: Sequence[Path],
    model: Path,
    out: Path,
    *,
    min_score: float = 0.3,
    partial: Partial = "refuse",
    srt: bool = False,
    overlay: bool = False,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> DetectOutcome:
    """Detect in files and folders of files; one JSON and CSV for all, one HTML timeline for each.

    A bad video is reported in `faults` and left out; the others are finished.

    Args:
        min_score: Detections whose mean class score is below are left out.
        srt: Also write subtitles for each video.
        overlay: Also write each video with the labels of its detections on the frames.
        device: Where networks run: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Raises:
        UsageFault: No video is named.
        InputRefused: The model cannot be used.
        EnvironmentFault: The output cannot be written; E-ENV-002, the device is not there.
    """
    paths = _files(videos)
    model = Path(model)
    opening = _Open(model, device)
    found: list[DetectedVideo] = []
    detections: list[Detection] = []
    faults: list[AugrgbError] = []
    files: list[Path] = []
    try:
        with Child(_answer, limits=ChildLimits(), warm_up=functools.partial(_answer, opening)) as child:
            _ask(child, model, opening, _OPEN_S)
            for number, (name, path) in enumerate(paths.items()):
                request = _Find(path, name, model, device, min_score, partial)
                try:
                    stem = file_name_of(name)
                    video = _found_in(child, request, out / f"{stem}{_OVERLAY}" if overlay else None)
                except EnvironmentFault:
                    raise
                except AugrgbError as fault:
                    faults.append(fault)
                    continue
                finally:
                    if progress is not None:
                        progress(number + 1, len(paths))
                files += _write(out, stem, video, srt=srt)
                files += [out / f"{stem}{_OVERLAY}"] if overlay else []
                found.append(video)
                detections += video.detections
    finally:
        if overlay:
            remove_leftovers(out)  # of an overlay whose process died or was stopped
    if found:
        write_activitynet(out / "detections.json", detections, [video.name for video in found])
        write_csv(out / "detections.csv", detections)
        files = [out / "detections.json", out / "detections.csv", *files]
    return DetectOutcome(tuple(found), tuple(files), tuple(faults))


def _answer(request: _Request) -> _Answer:
    """What the child does; the model is loaded once in each process."""
    match request:
        case _Open(model, device):
            _detector(model, device)
            return None
        case _Look(path):
            return probe(path)
        case _Find(path, name, model, device, min_score, partial):
            from augrgb.workflows.detect_video import detect_video

            return detect_video(path, name, _detector(model, device), min_score=min_score, partial=partial)
        case _Mark(path, target, detections, classes, partial):
            return write_overlay(path, target, detections, classes=classes, partial=partial)


@functools.lru_cache(maxsize=1)
def _detector(model: Path, device: str) -> Detector:
    from augrgb.workflows.detect_video import load_detector

    return load_detector(model, device)


def _found_in(child: Child[_Request, _Answer], request: _Find, overlay: Path | None) -> DetectedVideo:
    """What is found in one video, in time that its header's duration allows; with an overlay if it is given a name."""
    info = _ask(child, request.path, _Look(request.path), _OPEN_S)
    assert isinstance(info, VideoInfo)
    timeout_s = _OPEN_S + _SECONDS_PER_SECOND * (info.duration_s or _UNKNOWN_DURATION_S)
    video = _ask(child, request.path, request, timeout_s)
    assert isinstance(video, DetectedVideo)
    if overlay is not None:
        mark = _Mark(request.path, overlay, video.detections, video.classes, request.partial)
        _ask(child, request.path, mark, timeout_s + _overlay_s(info))
    return video


def _ask(child: Child[_Request, _Answer], where: Path, request: _Request, timeout_s: float) -> _Answer:
    outcome = child.call(ChildJob(str(where), request, timeout_s))
    if isinstance(outcome, AugrgbError):
        raise outcome
    return outcome


def _overlay_s(info: VideoInfo) -> float:
    """Time to encode: a slow machine does two million pixels a second."""
    return info.width * info.height * (info.fps or 25.0) * (info.duration_s or _UNKNOWN_DURATION_S) / 2e6


def _write(out: Path, stem: str, video: DetectedVideo, *, srt: bool) -> list[Path]:
    files = [out / f"{stem}.html"]
    write_timeline(files[0], video)
    if srt:
        files.append(out / f"{stem}.srt")
        write_srt(files[1], video.detections)
    return files


def _files(videos: Sequence[Path]) -> dict[str, Path]:
    """Video files by a unique name: the stem, or the whole file name where stems clash."""
    paths: list[Path] = []
    for path in videos:
        if path.is_dir():
            found = (p for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
            inside = sorted(p for p in found if not p.name.endswith(_OVERLAY))  # not our own marked copies
            if not inside:
                raise UsageFault(
                    "E-VID-005", path, "no video files in this folder", f"Known: {sorted(VIDEO_SUFFIXES)}."
                )
            paths += inside
        else:
            paths.append(path)
    stems = [path.stem for path in paths]
    names = [path.stem if stems.count(path.stem) == 1 else str(path) for path in paths]
    return dict(zip(names, paths, strict=True))
