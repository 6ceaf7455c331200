"""Detect actions in untrusted video files from RGB alone; JSON, CSV, timelines, subtitles, ELAN, labeled videos.

Files are decoded and encoded in one child process, which is kept for all of them: a file that crashes or hangs the
decoder, or wants too much memory, is left out and named. This process loads neither torch nor the model.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.core.errors import AugrgbError, EnvironmentFault
from augrgb.core.files import check_output_folder, file_name_of, remove_leftovers, sha256_json
from augrgb.core.opening import is_file, resolved
from augrgb.core.searching import search
from augrgb.core.types import Event, VideoRecord
from augrgb.detection.writers import write_activitynet, write_csv, write_pku, write_srt, write_vtt
from augrgb.inference.stored_detections import store_detections, stored_detections
from augrgb.inference.supervisor import OPEN_S, GuardedDetector, allow_time_for, time_for
from augrgb.inference.video_detections import VideoDetections
from augrgb.report.data import DetectionPage
from augrgb.report.detection_page import detection_page, write_detection_page
from augrgb.video.folder import name_videos

if TYPE_CHECKING:  # what the child alone uses
    from augrgb.inference.detector import Detector
    from augrgb.video.decode import Partial

ExtraFile = Literal["srt", "vtt", "eaf", "pku", "overlay"]
EXTRA_FILES: tuple[ExtraFile, ...] = ("srt", "vtt", "eaf", "pku", "overlay")
STRIP_FRAMES = 40
_KEPT = ".detected"  # results of finished videos, until the command has finished
_OVERLAY = ".overlay.mp4"
_OVERLAY_PIXELS_PER_S = 2e6  # what a slow machine encodes


@dataclass(frozen=True)
class DetectOutcome:
    """What was found, the files written, and the videos that were refused."""

    videos: tuple[VideoDetections, ...]
    files: tuple[Path, ...]
    faults: tuple[AugrgbError, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    video: Path
    name: str
    min_score: float | None
    rule: Mapping[str, float]
    partial: Partial


def detect_videos(
    videos: Sequence[Path],
    model: Path,
    out: Path,
    *,
    min_score: float | None = None,
    rule: Mapping[str, float] = MappingProxyType({}),
    partial: Partial = "refuse",
    extra: Sequence[ExtraFile] = (),
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> DetectOutcome:
    """Detect in files and folders of files; one JSON and CSV for all, one HTML timeline for each.

    A bad video is reported in `faults` and left out; the others are finished. After an interruption the same call does
    the rest, and ends in the same bytes.

    Args:
        videos: Files, folders that are searched, and patterns.
        model: A bundle, such as a run folder.
        out: Folder of the results.
        min_score: Score that an event must reach; None = the model's thresholds (see `Detector`).
        rule: Other values of the event rule of all classes, such as `{"min_duration": 1.0}` (see `EventRule`).
        partial: What to do with a video that breaks off.
        extra: Other files for each video: subtitles (`srt`, `vtt`) and ELAN (`eaf`) in the time of a player, PKU-MMD
            text (`pku`, frames counted at 30 a second), a copy of the video with labels on the frames (`overlay`).
        device: Where networks run: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.
        progress: Called with (finished, all) videos.

    Raises:
        UsageFault: No video is named.
        InputRefused: The model cannot be used.
        EnvironmentFault: The output cannot be written; E-ENV-002, no such device here.
    """
    check_output_folder(out)  # before hours of work
    paths = name_videos(videos, leave_out=_OVERLAY)
    found: list[VideoDetections] = []
    faults: list[AugrgbError] = []
    files: list[Path] = []
    asked = [_model_state(model), min_score, dict(rule), partial, sorted(extra), device]
    try:
        with GuardedDetector(model, device) as detector:
            detector.check()
            for number, (name, path) in enumerate(paths.items()):
                wanted = _Wanted(path, name, min_score, dict(rule), partial)
                kept = out / _KEPT / f"{file_name_of(name)}.npz"
                written = _files(wanted, out, frozenset(extra))
                try:
                    key = sha256_json([*asked, name, str(resolved(path)), _state(path)])
                    earlier = stored_detections(kept, key, path) if all(map(is_file, written.values())) else None
                    result = earlier or _detect_one(detector, wanted, written)
                    if earlier is None and len(paths) > 1:
                        store_detections(kept, result, key)
                except EnvironmentFault:
                    raise
                except AugrgbError as fault:
                    faults.append(fault)
                else:
                    found.append(result)
                    files += written.values()
                finally:
                    if progress is not None:
                        progress(number + 1, len(paths))
    finally:
        remove_leftovers(out)  # of a process that died or was stopped, such as an overlay's
    if found:
        detections = [detection for video in found for detection in video.detections]
        starts = {video.name: video.first_frame_s for video in found}
        write_activitynet(out / "detections.json", detections, list(starts), first_frames_s=starts)
        write_csv(out / "detections.csv", detections)
        files = [out / "detections.json", out / "detections.csv", *files]
    shutil.rmtree(out / _KEPT, ignore_errors=True)
    return DetectOutcome(tuple(found), tuple(files), tuple(faults))


def _files(wanted: _Wanted, out: Path, extra: frozenset[ExtraFile]) -> dict[str, Path]:
    """What is written for one video, by kind."""
    stem = file_name_of(wanted.name)
    places = {
        "html": out / f"{stem}.html",
        "overlay": out / f"{stem}{_OVERLAY}",
        "srt": out / f"{stem}.srt",
        "vtt": out / f"{stem}.vtt",
        "eaf": out / f"{stem}.eaf",
        "pku": out / "pku" / f"{stem}.txt",
    }
    return {kind: path for kind, path in places.items() if kind == "html" or kind in extra}


def _detect_one(detector: GuardedDetector, wanted: _Wanted, files: Mapping[str, Path]) -> VideoDetections:
    """The result for one video; its files are written."""
    result, page = detector.run(wanted.video, _find, wanted)
    if "overlay" in files:  # first, because it may still fail
        detector.run(wanted.video, _mark, (wanted, files["overlay"], result), timeout_s=_overlay_s(result))
    write_detection_page(files["html"], page)
    for kind, write in (("srt", write_srt), ("vtt", write_vtt)):
        if kind in files:
            write(files[kind], result.detections, first_frame_s=result.first_frame_s)
    if "eaf" in files:
        _write_elan(files["eaf"], wanted.video, result)
    if "pku" in files:
        numbers = {label: number for number, label in enumerate(result.classes, 1)}
        write_pku(files["pku"].parent, result.detections, [wanted.name], numbers)
    return result


def _state(path: Path) -> list[int]:
    """Size and time of a file, which change with it; what cannot be read is refused when it is opened."""
    try:
        state = path.stat()
    except OSError:
        return []
    return [state.st_size, state.st_mtime_ns]


def _model_state(folder: Path) -> list[list[Any]]:
    """All files of a model."""
    files = search(folder, lambda name: "." in name, deep=True).files
    return [[str(path.relative_to(folder)), *_state(path)] for path in files]


def _write_elan(path: Path, video: Path, found: VideoDetections) -> None:
    """Detections as annotations that ELAN shows beside the video."""
    shift_s = found.first_frame_s
    events = tuple(Event(d.label, d.start_s + shift_s, d.end_s + shift_s) for d in found.detections)
    record = VideoRecord(found.name, found.duration_s, file=video.absolute(), events=events)
    from augrgb.annotations.formats.elan import Elan  # with it come all formats, which a plain detection does not need

    Elan().write(AnnotationSet(found.classes, {found.name: record}), path)


def _overlay_s(found: VideoDetections) -> float:
    pixels = found.info.width * found.info.height * (found.info.fps or 25.0) if found.info is not None else 0.0
    return OPEN_S + time_for(found.duration_s) + pixels * found.duration_s / _OVERLAY_PIXELS_PER_S


def _find(detector: Detector, wanted: _Wanted) -> tuple[VideoDetections, DetectionPage]:
    """In the child: detect, with a film strip from the same decoding."""
    from augrgb.report.film_strip import film_strip
    from augrgb.video.thumbnails import Thumbnails

    strip = Thumbnails(STRIP_FRAMES)
    result = detector(
        wanted.video,
        name=wanted.name,
        rules=detector.changed_rules(wanted.rule, wanted.min_score),
        partial=wanted.partial,
        thumbnails=strip,
        opened=allow_time_for,
    )
    frames = film_strip(strip.frames(result.duration_s))
    return result, detection_page(result, frames, bundle=detector.bundle)


def _mark(detector: Detector, argument: tuple[_Wanted, Path, VideoDetections]) -> int:
    """In the child: decode again, now that the labels are known."""
    from augrgb.report.overlay import write_overlay

    wanted, target, found = argument
    return write_overlay(
        wanted.video, target, found.detections, classes=found.classes, partial=wanted.partial, info=found.info
    )
