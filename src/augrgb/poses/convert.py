"""Recorded skeletons of sensors, motion capture and pose programs -> pose files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from augrgb.core.catalog import check_choice
from augrgb.core.errors import UsageFault
from augrgb.core.files import sha256_json
from augrgb.core.opening import resolved, unreadable
from augrgb.core.progress import Progress
from augrgb.core.searching import files_in
from augrgb.parallel.batch import BatchReport, ItemOutcome
from augrgb.parallel.engine import Engine, LocalEngine
from augrgb.poses.batch import PersonChoice, PoseJob, kept_outcome, run_pose_jobs, write_people
from augrgb.poses.files import Skeleton
from augrgb.poses.formats import SKELETON_FORMATS, read_skeletons
from augrgb.poses.formats.bvh import Units as BvhUnits
from augrgb.poses.formats.bvh import read_bvh
from augrgb.poses.formats.openpose import frame_files, video_of
from augrgb.poses.people import PersonTrack
from augrgb.poses.skeleton_format import FrameIds, ReadOptions
from augrgb.video.folder import VIDEO_SUFFIXES
from augrgb.video.source_file import source_identity

BVH = "bvh"
_SECONDS = 120.0
_SECONDS_PER_MIB = 5.0
_PEOPLE = PersonChoice()


@dataclass(frozen=True, slots=True)
class _ConvertJob(PoseJob):
    format_name: str
    options: ReadOptions
    bvh_units: BvhUnits

    @property
    def video_id(self) -> str:
        """The source's name without ending, or the video in the name of OpenPose's frames."""
        return video_of(self.source) or self.source.stem

    def identity(self) -> dict[str, Any]:
        """What changes when the source does; OpenPose's is all frames of the video."""
        files = frame_files(self.source)
        if len(files) == 1:
            return source_identity(self.source)
        found = [source_identity(file) for file in files]
        return {"sha256": sha256_json(found), "size": sum(identity["size"] for identity in found)}

    def method(self) -> dict[str, Any]:
        """What, beside the file, decides the result."""
        return {
            "reader": self.format_name,
            "fps": self.options.fps,
            "frame_size": list(self.options.frame_size) if self.options.frame_size else None,
            "dimensions": self.options.dimensions,
            "frame_ids": self.options.frame_ids,
            "bvh_units": self.bvh_units,
        }


def convert_poses(
    sources: Iterable[Path],
    out: Path,
    *,
    format_name: str = "auto",
    fps: float | None = None,
    frame_size: tuple[int, int] | None = None,
    dimensions: Literal[2, 3] = 3,
    frame_ids: FrameIds = "ask",
    bvh_units: BvhUnits = "cm",
    people: PersonChoice = _PEOPLE,
    workers: int | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    allow_failures: int = 0,
) -> BatchReport:
    """Write a pose file per recorded file; finished ones are kept when run again.

    Args:
        sources: Files, or folders that are searched for files with the formats' endings.
        out: Folder of pose files, named like their sources.
        format_name: A name of `SKELETON_FORMATS`, `bvh`, or `auto`: detected from each file's content.
        fps: Frames per second, for files that do not say and whose dataset has no fixed rate.
        frame_size: (width, height) in pixels of the videos behind 2D poses.
        dimensions: Which poses to take where a file has 2D and 3D.
        frame_ids: What the frame numbers of pose programs count: the frames of the `video`, or the frames `listed`.
        bvh_units: Of BVH files.
        people: Which people.
        workers: Processes, each with limits of time and memory; None = one per core, 0 = in this process.
        engine: Where the work is done instead, such as a Ray cluster.
        progress: Called with (finished, all) files.
        allow_failures: How many files may be refused.

    Returns:
        Frames per file, warnings, and what was refused; also in `report.json`.

    Raises:
        UsageFault: E-CFG-002, no such format.
        InputRefused, Quarantined, EnvironmentFault: See `run_pose_jobs`.
    """
    if format_name not in ("auto", BVH):
        check_choice(SKELETON_FORMATS, format_name, "skeleton format", "--format")
    options = ReadOptions(fps, frame_size, dimensions, frame_ids)
    jobs = [
        _ConvertJob(path, Path(out), people, format_name, options, bvh_units)
        for path in find_skeletons(sources, format_name, out=Path(out))
    ]
    times = [_SECONDS + _SECONDS_PER_MIB * _mebibytes(job.source) for job in jobs]
    return run_pose_jobs(
        _convert_one,
        jobs,
        Path(out),
        times,
        engine=engine or LocalEngine(workers),
        progress=progress,
        allow_failures=allow_failures,
    )


def find_skeletons(sources: Iterable[Path], format_name: str = "auto", out: Path | None = None) -> list[Path]:
    """The files named, and in folders at any depth those with an ending of the format, but for what lies in `out`.

    Raises:
        UsageFault: E-POS-012, a video is among the files named; E-CFG-018, `out` is one of the folders.
    """
    suffixes = {".bvh"} if format_name in ("auto", BVH) else set()
    kinds = SKELETON_FORMATS.values() if format_name == "auto" else [SKELETON_FORMATS.get(format_name)]
    suffixes |= {suffix for kind in kinds if kind is not None for suffix in kind.suffixes}
    found: list[Path] = []
    made = resolved(out) if out is not None else None
    for source in map(Path, sources):
        if source.is_dir():
            if made == resolved(source):
                raise UsageFault("E-CFG-018", source, "is the folder to write to as well", "Choose another --out.")
            paths = files_in(source, *suffixes, deep=True)
            found += [path for path in paths if made is None or not resolved(path).is_relative_to(made)]
        elif source.suffix.lower() in VIDEO_SUFFIXES:
            raise UsageFault(
                "E-POS-012", source, "is a video", "Poses in videos are estimated: give --model FILE.onnx."
            )
        else:
            found.append(source)
    return _one_per_video(dict.fromkeys(found))


def _one_per_video(files: Iterable[Path]) -> list[Path]:
    """The files, of OpenPose's frames only the first one of each video."""
    found: dict[object, Path] = {}
    for file in files:
        video = video_of(file)
        found.setdefault(file if video is None else (file.parent, video), file)
    return list(found.values())


def _convert_one(job: _ConvertJob) -> ItemOutcome:
    kept = kept_outcome(job, job.method())
    if kept is not None:
        return kept
    if job.format_name == BVH or (job.format_name == "auto" and job.source.suffix.lower() == ".bvh"):
        motion = read_bvh(job.source, units=job.bvh_units)
        joints = motion.joints.astype(np.float32)
        track = PersonTrack(np.arange(len(joints)), joints, np.ones(joints.shape[:2], np.float32))
        skeleton = Skeleton(motion.names, motion.parents)
        return write_people(job, [track], len(joints), job.options.fps or motion.fps, skeleton, job.method())
    found = read_skeletons(job.source, job.format_name, job.options)
    return write_people(
        job, found.people, found.frames, found.fps, found.layout, job.method(), frame_size=found.frame_size
    )


def _mebibytes(path: Path) -> float:
    try:
        return sum(file.stat().st_size + 2**12 for file in frame_files(path)) / 2**20
    except OSError as error:
        raise unreadable(path, error) from error
