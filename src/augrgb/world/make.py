"""Write an embedded world as a dataset folder: videos, poses, annotations and splits; resumable and reproducible."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import file_name_of, remove_leftovers, write_json
from augrgb.core.plain_data import read_json
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.parallel.child import ChildJob, run_children
from augrgb.world.actions import CLASS_NAMES
from augrgb.world.film import act, film
from augrgb.world.given_motion import MotionLibrary
from augrgb.world.montage import assign_clips, cut_together
from augrgb.world.motion import Performance
from augrgb.world.plan import VideoPlan, make_splits, plan_videos
from augrgb.world.schedule import make_subject
from augrgb.world.settings import GENERATOR_VERSION, WorldSettings

WORLD_FILE = "world.json"


@dataclass(frozen=True, slots=True)
class _Take:
    """One video to be filmed: its plan, where it goes, and its motion if that is given."""

    plan: VideoPlan
    video_file: Path
    pose_file: Path
    performance: Performance | None = None


def make_world(
    folder: Path, settings: WorldSettings, *, workers: int | None, progress: Progress | None = None
) -> Dataset:
    """Write the procedural world to `folder` and return it as a dataset.

    Finished videos are kept, so the same call after an interruption continues; the bytes do not depend on `workers`.

    Args:
        folder: Dataset folder: `dataset.json`, `videos/*.mp4`, `poses/*.npz`, and `world.json` with the settings.
        settings: The world.
        workers: Processes; None = one per core, 0 = in this process.
        progress: Called with (videos done, videos in all).

    Raises:
        InputRefused: E-WLD-001: the folder holds another world, or something else.
        EnvironmentFault: The disk is full; E-JOB-004, a worker process was killed, twice on one video.
    """
    folder = Path(folder)
    claim_folder(folder, settings, "procedural")
    plans = plan_videos(settings)
    _film_missing(settings, (_take(folder, plan) for plan in plans), len(plans), workers, progress)
    events = {plan.video_id: act(settings, plan)[1] for plan in plans}
    return _save(folder, settings, "daily living", CLASS_NAMES, plans, events)


def make_world_from_motion(
    folder: Path,
    motion: MotionLibrary,
    settings: WorldSettings,
    *,
    styles: bool = False,
    workers: int | None,
    progress: Progress | None = None,
) -> Dataset:
    """Write a world whose person performs given motion clips; everything else is as in `make_world`.

    Classes are the clips' contents, with `styles` followed by their styles (two labels at a time).

    Raises:
        InputRefused: E-WLD-001 as in `make_world`; E-WLD-012: a style has the name of a content; E-WLD-013: few clips.
        EnvironmentFault: The disk is full; E-JOB-004, a worker process was killed, twice on one video.
    """
    folder = Path(folder)
    classes = motion.contents + (motion.styles if styles else ())
    both = sorted(set(motion.contents) & set(motion.styles)) if styles else []
    if both:
        raise InputRefused("E-WLD-016", "motion", f"{both[0]!r} is the name of a content and of a style")
    claim_folder(folder, settings, f"motion {motion.source} styles={styles}")
    plans = plan_videos(settings)
    clips = assign_clips(motion, settings, plans)
    events: dict[str, tuple[Event, ...]] = {}

    def takes() -> Iterator[_Take]:
        for plan in plans:
            subject = make_subject(settings, plan.subject)
            own = clips[plan.video_id]
            performance, events[plan.video_id] = cut_together(
                motion, own, settings, subject, plan.video_id, styles=styles
            )
            yield _take(folder, plan, performance)

    _film_missing(settings, takes(), len(plans), workers, progress)
    return _save(folder, settings, "given motion", classes, plans, events)


def claim_folder(folder: Path, settings: WorldSettings, source: str) -> None:
    """Note in `folder` which world it holds; refuse a folder that holds another one.

    Raises:
        InputRefused: E-WLD-001.
    """
    mark = {"generator": GENERATOR_VERSION, "source": source, "settings": settings.to_json()}
    path = folder / WORLD_FILE
    if path.exists():
        found = read_json(path, "world description")
        if found != mark:
            raise InputRefused(
                "E-WLD-001",
                folder,
                f"holds another world ({_difference(found, mark)})",
                "Choose another folder, remove this one, or use its settings.",
            )
    elif (folder / "dataset.json").exists() or (folder / "videos").exists():
        raise InputRefused("E-WLD-001", folder, f"holds videos, but no {WORLD_FILE}", "Choose an empty folder.")
    else:
        write_json(path, mark)
    remove_leftovers(folder)


def _difference(found: object, mark: Mapping[str, object]) -> str:
    """`seed: 1 there, 0 asked for; ...`"""
    if not isinstance(found, dict):
        return "unreadable description"
    pairs = [(key, found.get(key), mark[key]) for key in ("generator", "source")]
    theirs, ours = found.get("settings"), mark["settings"]
    if isinstance(theirs, dict) and isinstance(ours, dict):
        pairs += [(key, theirs.get(key), ours.get(key)) for key in sorted({*theirs, *ours})]
    return "; ".join(f"{key}: {there!r} there, {here!r} asked for" for key, there, here in pairs if there != here)


def _take(folder: Path, plan: VideoPlan, performance: Performance | None = None) -> _Take:
    name = file_name_of(plan.video_id)
    return _Take(plan, folder / "videos" / f"{name}.mp4", folder / "poses" / f"{name}.npz", performance)


def _film_take(settings: WorldSettings, take: _Take) -> None:
    performance = take.performance or act(settings, take.plan)[0]
    film(settings, take.plan, performance, video_file=take.video_file, pose_file=take.pose_file)


def _film_missing(
    settings: WorldSettings, takes: Iterable[_Take], total: int, workers: int | None, progress: Progress | None
) -> None:
    """Film every take whose files are not both there."""
    report = progress or (lambda done, total: None)
    finished = 0
    report(finished, total)

    def count_one() -> None:
        nonlocal finished
        finished += 1
        report(finished, total)

    def missing() -> Iterator[ChildJob[_Take]]:
        for take in takes:
            if take.video_file.exists() and take.pose_file.exists():
                count_one()
            else:
                yield ChildJob(take.plan.video_id, take)

    for _, outcome in run_children(functools.partial(_film_take, settings), missing(), workers):
        if isinstance(outcome, AugrgbError):
            raise outcome
        count_one()


def _save(
    folder: Path,
    settings: WorldSettings,
    name: str,
    classes: tuple[str, ...],
    plans: Sequence[VideoPlan],
    events: Mapping[str, tuple[Event, ...]],
) -> Dataset:
    takes = [_take(folder, plan) for plan in plans]
    videos = {
        take.plan.video_id: VideoRecord(
            video_id=take.plan.video_id,
            duration_s=settings.num_frames / settings.fps,
            file=take.video_file,
            poses=take.pose_file,
            events=events[take.plan.video_id],
            fps=settings.fps,
            subject=take.plan.subject,
            camera=take.plan.camera,
        )
        for take in takes
    }
    splits = {split: MappingProxyType(roles) for split, roles in make_splits(plans).items()}
    dataset = Dataset(name, classes, MappingProxyType(videos), MappingProxyType(splits))
    save_dataset(dataset, folder)
    return dataset
