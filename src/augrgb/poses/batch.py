"""Pose files from many sources, as a batch: one guarded call per source, finished ones kept, bad ones listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.files import file_name_of
from augrgb.core.opening import resolved
from augrgb.core.progress import Progress
from augrgb.parallel.batch import BatchReport, Item, ItemOutcome, run_batch
from augrgb.parallel.engine import Engine
from augrgb.poses.centers import with_centers
from augrgb.poses.files import Skeleton, Units
from augrgb.poses.layouts import LAYOUTS
from augrgb.poses.people import MainRule, PersonTrack, main_people
from augrgb.poses.writer import read_made_from, write_pose_file
from augrgb.video.source_file import source_identity

SECOND = "second"
"""Folder, inside the pose folder, of the second person's files."""
_MOSTLY_EMPTY = 0.5
Job = TypeVar("Job", bound="PoseJob")


@dataclass(frozen=True, slots=True)
class PersonChoice:
    """Which people of a file become poses.

    Args:
        rule: How the main person is found (`augrgb.poses.people.main_people`).
        second: Also keep the second person, in the folder `second`.
        centers: Add `mid_hip` and `neck`, for encoders that need a trunk.
    """

    rule: MainRule = "energy"
    second: bool = False
    centers: bool = False

    def to_json(self) -> dict[str, Any]:
        """What decides the files, as plain values."""
        return {"person": self.rule, "second": self.second, "centers": self.centers}


@dataclass(frozen=True, slots=True)
class PoseJob:
    """One source and where its poses go; methods add their own fields."""

    source: Path
    out: Path
    people: PersonChoice
    name: str = field(default="", kw_only=True)  # instead of the source's

    @property
    def video_id(self) -> str:
        """The video's id: the name that was given, else the source's without ending."""
        return self.name or self.source.stem

    def identity(self) -> dict[str, Any]:
        """What changes when the source does."""
        return source_identity(self.source)

    @property
    def target(self) -> Path:
        """The pose file."""
        return self.out / f"{file_name_of(self.video_id)}.npz"


def run_pose_jobs(
    function: Callable[[Job], ItemOutcome],
    jobs: Sequence[Job],
    out: Path,
    times_s: Sequence[float],
    *,
    engine: Engine,
    progress: Progress | None,
    allow_failures: int,
) -> BatchReport:
    """Run jobs as a batch (`run_batch`); `times_s` are their time limits.

    Raises:
        InputRefused: E-POS-015 (no sources), E-ID-005 (two sources with one name).
        UsageFault: E-CFG-018, a source would be overwritten.
        Quarantined: E-VID-020, more sources were refused than allowed; the others are finished.
        EnvironmentFault: The disk, memory, or a missing package.
    """
    if not jobs:
        raise InputRefused("E-POS-015", out, "no sources to make poses from", "Name files, or folders that hold some.")
    _refuse_twins(jobs)
    items = [Item(job.video_id, job, time_s, str(job.source)) for job, time_s in zip(jobs, times_s, strict=True)]
    return run_batch(function, items, out, engine=engine, allow_failures=allow_failures, progress=progress)


def kept_outcome(job: PoseJob, method: Mapping[str, Any]) -> ItemOutcome | None:
    """The outcome of an earlier run, if its files are whole, made by this method and from the same source."""
    made = read_made_from(job.target)
    if made is None or made.get("method") != {**method, **job.people.to_json()}:
        return None
    if made.get("source") != _source(job):
        return None
    if job.people.second and made["people"] > 1 and read_made_from(_second(job)) is None:
        return None
    return ItemOutcome(job.video_id, int(made["frames"]), reused=True, warnings=tuple(made["warnings"]))


def write_people(
    job: PoseJob,
    tracks: Sequence[PersonTrack],
    frames: int,
    fps: float,
    skeleton: Skeleton | str,
    method: Mapping[str, Any],
    *,
    frame_size: tuple[int, int] | None = None,
    finish: Callable[[PersonTrack], PersonTrack] | None = None,
    warnings: Sequence[str] = (),
) -> ItemOutcome:
    """Choose the main person and write the pose file (and the second one's).

    Args:
        job: Source and target.
        tracks: Everyone in the source.
        frames: Frames of the source.
        fps: Their rate.
        skeleton: Joint names and tree, or the name of a layout.
        method: How the poses were read or estimated.
        frame_size: (width, height) in pixels of the frames behind 2D poses, which are written in frame heights.
        finish: What is done to each person who was chosen.
        warnings: Others that the report should list.

    Raises:
        InputRefused: E-POS-007 (no person was seen), E-POS-008 (the frame size is not known), E-POS-002 (not poses).
    """
    if isinstance(skeleton, str):
        skeleton = Skeleton(LAYOUTS[skeleton].names, LAYOUTS[skeleton].parents)
    people = main_people(tracks, job.people.rule, 2)
    if not people:
        raise InputRefused("E-POS-007", job.source, f"no person is visible in any of {frames} frames", "Leave it out.")
    people = people if finish is None else [finish(person) for person in people]
    notes = list(warnings)
    empty = 1 - len(people[0].frames) / frames
    if empty > _MOSTLY_EMPTY:
        notes.append(f"no person is visible in {empty:.0%} of frames")
    if len(people) > 1:
        share = len(people[1].frames) / frames
        notes.append(f"{share:.0%} of frames show a second person; the main one was chosen by {job.people.rule}")
    made = {
        "schema": "augrgb.poses/1",
        "source": _source(job),
        "method": {**method, **job.people.to_json()},
        "frames": frames,
        "people": len(people),
        "warnings": notes,
    }
    targets = [job.target, _second(job)][: 2 if job.people.second else 1]
    # The main person's file is written last: it says that all is done.
    if len(people) == 1:
        _second(job).unlink(missing_ok=True)  # of an earlier run that chose otherwise
    for person, target in reversed(list(zip(people, targets, strict=False))):
        _write_person(job, target, person, frames, fps, skeleton, frame_size, made)
    return ItemOutcome(job.video_id, frames, warnings=tuple(notes))


def _write_person(
    job: PoseJob,
    target: Path,
    person: PersonTrack,
    frames: int,
    fps: float,
    skeleton: Skeleton,
    frame_size: tuple[int, int] | None,
    made: Mapping[str, Any],
) -> None:
    joints = np.full((frames, *person.joints.shape[1:]), np.nan, np.float32)
    scores = np.zeros(joints.shape[:2], np.float32)
    joints[person.frames], scores[person.frames] = person.joints, person.scores
    units: Units = "meters"
    image: NDArray[Any] | None = None
    if person.image is not None:
        image = np.full((*joints.shape[:2], 2), np.nan, np.float32)
        image[person.frames] = person.image
    if joints.shape[2] == 2:
        if frame_size is None:
            problem = "2D poses of frames of unknown size"
            raise InputRefused("E-POS-008", job.source, problem, "Give --size WIDTHxHEIGHT of the video, in pixels.")
        width, height = frame_size
        image = joints / [width, height]
        joints = (joints - [width / 2, height / 2]) / height * [1, -1]
        units = "frame_heights"
    if job.people.centers:
        image = with_centers(image.astype(np.float32), scores, skeleton)[0] if image is not None else None
        joints, scores, skeleton = with_centers(joints.astype(np.float32), scores, skeleton)
    write_pose_file(target, joints, fps, skeleton, units=units, scores=scores, image=image, made_from=made)


def _second(job: PoseJob) -> Path:
    return job.out / SECOND / job.target.name


def _source(job: PoseJob) -> dict[str, Any]:
    return {"file": job.source.name.encode("utf-8", "replace").decode(), **job.identity()}


def _refuse_twins(jobs: Sequence[PoseJob]) -> None:
    first: dict[str, PoseJob] = {}
    faults: list[AugrgbError] = []
    for job in jobs:
        twin = first.setdefault(job.video_id, job)
        if twin is not job:
            problem = f"has the same name as {twin.source}, so both would be written to {job.target.name}"
            faults.append(InputRefused("E-ID-005", job.source, problem, "Rename one, or convert them one by one."))
        if resolved(job.target) == resolved(job.source):
            faults.append(UsageFault("E-CFG-018", job.source, "would be overwritten", "Choose another --out."))
    raise_together(faults)
