"""Videos -> pose files, by pose networks: RTMPose or RTMW3D that the user provides, or BlazePose."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.opening import sha256_file
from augrgb.core.progress import Progress
from augrgb.parallel.batch import BatchReport, ItemOutcome
from augrgb.parallel.child import ChildJob
from augrgb.parallel.engine import Engine, LocalEngine
from augrgb.poses.batch import PersonChoice, PoseJob, kept_outcome, run_pose_jobs, write_people
from augrgb.poses.brightness import DarkLift
from augrgb.poses.fixed_limbs import with_fixed_limbs
from augrgb.poses.layouts import LAYOUTS
from augrgb.poses.metric import metric_poses
from augrgb.poses.networks.blazepose import BlazePose, BlazePoseFiles
from augrgb.poses.networks.blazepose_tracker import BlazePoseTracker
from augrgb.poses.networks.person_detector import DetectorKind, PersonDetector
from augrgb.poses.networks.pose_model import PoseModel, whole_image
from augrgb.poses.people import PersonTrack, link_people, main_people
from augrgb.poses.view_check import doubtful_view, limb_variation
from augrgb.video.decode import DecodeReport, FrameTarget, sample_frames
from augrgb.video.folder import find_videos
from augrgb.video.probe import probe
from augrgb.video.video_info import VideoInfo

_LONGEST_SIDE = 1280
_PROBE_SECONDS = 60.0
_SECONDS = 120.0
_SECONDS_PER_SECOND = 120.0
_UNKNOWN_DURATION_S = 600.0
_UNCERTAIN = 0.15
_PEOPLE = PersonChoice()


@dataclass(frozen=True, slots=True)
class _Networks:
    model: Path
    model_sha256: str
    detector: Path | None
    detector_sha256: str | None
    detector_kind: DetectorKind | None

    def method(self) -> dict[str, Any]:
        return {
            "model": self.model.name,
            "model_sha256": self.model_sha256,
            "detector_sha256": self.detector_sha256,
            "detector_kind": self.detector_kind,
        }


@dataclass(frozen=True, slots=True)
class _EstimateJob(PoseJob):
    networks: _Networks | BlazePoseFiles
    fps: float
    fixed_limbs: bool = True

    def method(self) -> dict[str, Any]:
        """What, beside the video, decides the result."""
        limbs = {"fixed_limbs": self.fixed_limbs} if isinstance(self.networks, BlazePoseFiles) else {}
        return self.networks.method() | limbs | {"fps": self.fps, "longest_side": _LONGEST_SIDE}


def estimate_poses(
    videos: Iterable[Path],
    out: Path,
    model: Path | BlazePoseFiles,
    *,
    detector: Path | None = None,
    detector_kind: DetectorKind | None = None,
    model_sha256: str | None = None,
    fps: float = 15.0,
    fixed_limbs: bool = True,
    people: PersonChoice = _PEOPLE,
    workers: int | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    allow_failures: int = 0,
) -> BatchReport:
    """Write a pose file per video; finished ones are kept when run again.

    Args:
        videos: Video files, or folders of them.
        out: Folder of pose files, named like their videos.
        model: ONNX file of RTMPose (2D) or RTMW3D (3D); or BlazePose (3D), see `find_blazepose`, which has its own
            detector and takes none of the three options that follow.
        detector: ONNX file of a person detector; None = every frame shows one person, who fills it.
        detector_kind: See `PersonDetector`.
        model_sha256: What the model's SHA-256 must be; None = any.
        fps: Poses per second; frames are sampled by time.
        fixed_limbs: Of BlazePose: bones keep their length (`with_fixed_limbs`); else poses are as the network gives
            them, whose limbs grow and shrink.
        people: Which people.
        workers: Processes, each with limits of time and memory; None = one per core, 0 = in this process.
        engine: Where the work is done instead, such as a Ray cluster, whose machines must see the videos and networks.
        progress: Called with (finished, all) videos.
        allow_failures: How many videos may be refused.

    Returns:
        Frames per video, warnings, and what was refused; also in `report.json`.

    Raises:
        UsageFault: E-CFG-013, BlazePose with another detector or hash; E-CFG-014, see `PersonDetector`.
        InputRefused: The model cannot be used (see `OnnxModel`, `TfliteModel`); see `run_pose_jobs`.
        Quarantined, EnvironmentFault: See `run_pose_jobs`.
    """
    networks = _checked(model, detector, detector_kind, model_sha256)
    engine = engine or LocalEngine(workers)
    jobs = [
        _EstimateJob(path, Path(out), people, networks, fps, fixed_limbs, name=name) for path, name in _find(videos)
    ]
    return run_pose_jobs(
        _estimate_one,
        jobs,
        Path(out),
        _times(jobs, engine),
        engine=engine,
        progress=progress,
        allow_failures=allow_failures,
    )


def _checked(
    model: Path | BlazePoseFiles,
    detector: Path | None,
    detector_kind: DetectorKind | None,
    model_sha256: str | None,
) -> _Networks | BlazePoseFiles:
    """The networks, loaded once: a bad model is one error here, not one per video."""
    if isinstance(model, BlazePoseFiles):
        if (detector, detector_kind, model_sha256) != (None, None, None):
            raise UsageFault("E-CFG-013", "blazepose", "has its own person detector, and its files are known")
        BlazePose(model)
        return model
    PoseModel(model, model_sha256)
    if detector is not None:
        detector_kind = PersonDetector(detector, detector_kind).kind
    return _Networks(
        Path(model),
        sha256_file(Path(model)),
        detector,
        sha256_file(detector) if detector is not None else None,
        detector_kind,
    )


def _find(videos: Iterable[Path]) -> list[tuple[Path, str]]:
    """Files and their ids: in a folder where names repeat, those that its dataset has."""
    found: dict[Path, str] = {}
    for path in map(Path, videos):
        found |= {file: name for name, file in find_videos(path).items()} if path.is_dir() else {path: path.stem}
    return list(found.items())


def _times(jobs: list[_EstimateJob], engine: Engine) -> list[float]:
    """Seconds that each video may take; even headers of untrusted files are read in children."""
    probes = [ChildJob(str(job.source), job.source, _PROBE_SECONDS) for job in jobs]
    times = [_SECONDS] * len(jobs)
    for number, found in engine(probe, probes):
        if not isinstance(found, AugrgbError):  # a fault is found again, and reported, by the job itself
            times[number] += _SECONDS_PER_SECOND * (found.duration_s or _UNKNOWN_DURATION_S)
    return times


def _estimate_one(job: _EstimateJob) -> ItemOutcome:
    kept = kept_outcome(job, job.method())
    if kept is not None:
        return kept
    size = _working_size(probe(job.source))
    if isinstance(job.networks, BlazePoseFiles):
        return _by_blazepose(job, job.networks, size)
    model, detector = _networks(job.networks)
    report = DecodeReport()
    frames = _people(job, size, model, detector, report)
    found = list(frames)
    layout = next((model.layout_of(joints) for people in found for joints, _ in people), "coco17")
    tracks = link_people(found, max_gap=round(job.fps))
    if model.dimensions == 3:
        tracks = [_metric(track, len(found), layout, size, job.fps) for track in tracks]
        tracks = [track for track in tracks if not np.isnan(track.joints).all()]
    return write_people(
        job,
        tracks,
        len(found),
        job.fps,
        layout,
        job.method(),
        frame_size=size if model.dimensions == 2 else None,
        warnings=report.warnings,
    )


def _by_blazepose(job: _EstimateJob, files: BlazePoseFiles, size: tuple[int, int]) -> ItemOutcome:
    report = DecodeReport()
    tracker, lift = BlazePoseTracker(_blazepose(files), job.fps), DarkLift()
    for (frame,) in sample_frames(job.source, job.fps, (FrameTarget(size),), report=report):
        tracker.see(lift(frame))
    main = main_people(tracker.tracks(size, one_size=False), job.people.rule)
    problem = doubtful_view(main[0], tracker.frames, job.fps) if main else None
    if problem is not None:
        remedy = "BlazePose cannot see people from above, or very close; leave the video out, or use another view."
        raise InputRefused("E-POS-016", job.source, problem, remedy)
    tracks = tracker.tracks(size, one_size=job.fixed_limbs)
    varied = limb_variation(main[0].joints) if main else 0.0
    notes = (
        [f"the network's limbs vary by {varied:.0%} of their length: uncertain poses"] if varied > _UNCERTAIN else []
    )
    return write_people(
        job,
        tracks,
        tracker.frames,
        job.fps,
        "blazepose33",
        job.method(),
        finish=with_fixed_limbs if job.fixed_limbs else None,
        warnings=[*report.warnings, *notes],
    )


def _people(
    job: _EstimateJob,
    size: tuple[int, int],
    model: PoseModel,
    detector: PersonDetector | None,
    report: DecodeReport,
) -> Iterator[list[tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    for (frame,) in sample_frames(job.source, job.fps, (FrameTarget(size),), report=report):
        boxes = [whole_image(frame)] if detector is None else detector.people(frame)
        yield [person for person in model.estimate(frame, boxes) if not np.isnan(person[0]).all()]


def _metric(track: PersonTrack, frames: int, layout: str, size: tuple[int, int], fps: float) -> PersonTrack:
    """The track in meters; smoothing goes by time, so gaps are there while it does."""
    joints = np.full((frames, *track.joints.shape[1:]), np.nan, np.float32)
    joints[track.frames] = track.joints
    meters = metric_poses(joints, LAYOUTS[layout].names, size, fps)[track.frames]
    image = (track.joints[..., :2] / np.array(size)).astype(np.float32)
    return PersonTrack(track.frames, meters, track.scores, image=image)


def _working_size(info: VideoInfo) -> tuple[int, int]:
    """(width, height) as shown, its longer side 1280 at most."""
    shrink = min(1.0, _LONGEST_SIDE / max(info.width, info.height))
    return max(1, round(info.width * shrink)), max(1, round(info.height * shrink))


@functools.lru_cache(maxsize=1)
def _networks(networks: _Networks) -> tuple[PoseModel, PersonDetector | None]:
    model = PoseModel(networks.model, networks.model_sha256)
    if networks.detector is None:
        return model, None
    return model, PersonDetector(networks.detector, networks.detector_kind, networks.detector_sha256)


@functools.lru_cache(maxsize=1)
def _blazepose(files: BlazePoseFiles) -> BlazePose:
    return BlazePose(files)
