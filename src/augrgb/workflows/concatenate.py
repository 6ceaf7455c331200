"""A dataset of short clips -> a dataset of untrimmed streams that are made of them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.clip_streams import ClipStream, StreamRules, dataset_of_streams, plan_streams
from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.files import file_name_of, make_folder, remove_leftovers, sha256_json, write_json
from augrgb.core.opening import check_folder, resolved, sha256_file
from augrgb.core.plain_data import read_json
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset, VideoRecord
from augrgb.parallel.child import ChildJob, run_children
from augrgb.poses.clip_poses import ClipPoses, string_poses
from augrgb.video.clip_frames import ClipFrames, GapImage, string_frames
from augrgb.video.mp4 import write_mp4
from augrgb.video.probe import probe

MARK = "concatenated.json"
_SAME_SHAPE = 0.02


@dataclass(frozen=True, slots=True)
class ConcatenateReport:
    """The dataset of streams, the form of their videos, and how many sensor files of clips were left out."""

    dataset: Dataset
    clips: int
    fps: float
    size: tuple[int, int]
    sensors_left_out: int


@dataclass(frozen=True, slots=True)
class _Take:
    """What one stream is made of, and its files; plain values that cross a process border."""

    clips: tuple[ClipFrames, ...]
    poses: tuple[ClipPoses, ...]
    frames: int
    video_file: Path
    pose_file: Path


def concatenate(
    folder: Path,
    out: Path,
    rules: StreamRules | None = None,
    *,
    gap_image: GapImage = "hold",
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    quality: int = 20,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ConcatenateReport:
    """Write `out/dataset.json`, `videos/*.mp4`, `poses/*.npz`, and `concatenated.json`: which clip stands where.

    Every split keeps its names and roles. Finished streams are kept, so the same call after an interruption continues.

    Args:
        folder: Dataset folder of the clips.
        out: Dataset folder to write.
        rules: How they are strung together.
        gap_image: What is shown between clips.
        fps: Of the streams; None = the most frequent one of the clips.
        size: (width, height) of the streams, even; None = the most frequent one of the clips.
        quality: x264's constant rate factor; lower = better and larger.
        workers: Processes; None = one per core, 0 = in this process.
        progress: Called with (streams done, streams in all).

    Raises:
        UsageFault: E-CFG-018, `out` is the folder of the clips; E-CFG-003, options out of range; E-CFG-045.
        InputRefused: E-VID-025, a clip has another shape than most; E-FEA-002, a clip without a video file; E-ANN-046,
            `out` holds something else.
    """
    rules = rules or StreamRules()
    check_folder(folder, "dataset folder")
    if resolved(folder) == resolved(out):
        raise UsageFault("E-CFG-018", out, "this would write over the clips", "Name another folder.")
    clips = load_dataset(folder)
    fps, size = _form(clips, fps, size)
    streams = plan_streams(clips, rules, fps)
    settings = {**asdict(rules), "gap_image": gap_image, "fps": fps, "size": size, "quality": quality}
    _claim(out, settings, streams, sha256_file(folder / "dataset.json"))
    takes = {stream.stream_id: _take(clips, stream, fps, out) for stream in streams}
    _write_missing(functools.partial(_write, fps, size, gap_image, quality), takes, workers, progress)
    dataset = dataset_of_streams(clips, streams, fps)
    records = {key: _with_files(record, takes[key]) for key, record in dataset.videos.items()}
    dataset = replace(dataset, name=resolved(out).name or "streams", videos=records)
    save_dataset(dataset, out)
    left = sum(record.signal is not None or record.grid is not None for record in clips.videos.values())
    return ConcatenateReport(dataset, len(clips.videos), fps, size, left)


def _form(clips: Dataset, fps: float | None, size: tuple[int, int] | None) -> tuple[float, tuple[int, int]]:
    """Frame rate and size of the streams: as given, else as most clips have them."""
    for record in clips.videos.values():
        if record.file is None:
            raise InputRefused("E-FEA-002", clips.name, f"the clip {record.video_id!r} has no video file")
    infos = {key: probe(record.file) for key, record in clips.videos.items() if record.file is not None}
    if not infos:
        raise InputRefused("E-ANN-041", clips.name, "has no videos")
    if fps is None:
        fps = float(Counter(info.fps for info in infos.values() if info.fps).most_common(1)[0][0])
    if not 0 < fps <= 1000:
        raise UsageFault("E-CFG-003", "fps", f"expected frames per second, got {fps:g}")
    if size is None:
        width, height = Counter((info.width, info.height) for info in infos.values()).most_common(1)[0][0]
        size = width - width % 2, height - height % 2
        for key, info in infos.items():
            if abs(info.width * height / (info.height * width) - 1) > _SAME_SHAPE:
                problem = f"{key!r} is {info.width} x {info.height} pixels, most clips are {width} x {height}"
                remedy = "Leave it out, or give --size WIDTHxHEIGHT: images are then stretched to it."
                raise InputRefused("E-VID-025", clips.name, problem, remedy)
    if size[0] % 2 or size[1] % 2 or min(size) < 2:
        raise UsageFault("E-CFG-003", "size", f"H.264 needs even sides, got {size[0]}x{size[1]}")
    return fps, size


def _claim(out: Path, settings: Mapping[str, Any], streams: list[ClipStream], source: str) -> None:
    """Note what the folder holds; refuse one that holds something else."""
    make_folder(out)
    plan = {s.stream_id: [[clip.video_id, clip.first, clip.count] for clip in s.clips] for s in streams}
    mark = {"schema": "augrgb.concatenated/1", "settings": _plain(settings), "clips": source, "streams": plan}
    path = out / MARK
    if path.exists():
        if sha256_json(read_json(path, "plan of streams")) != sha256_json(mark):
            problem = "holds streams of other clips or of other settings"
            raise InputRefused("E-ANN-046", out, problem, "Choose another folder, or remove this one.")
    elif (out / "dataset.json").exists():
        raise InputRefused("E-ANN-046", out, f"holds a dataset, but no {MARK}", "Choose an empty folder.")
    else:
        write_json(path, mark)
    remove_leftovers(out)


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}


def _take(clips: Dataset, stream: ClipStream, fps: float, out: Path) -> _Take:
    name = file_name_of(stream.stream_id)
    records = [(clip, clips.videos[clip.video_id]) for clip in stream.clips]
    return _Take(
        tuple(ClipFrames(record.file, clip.first, clip.count) for clip, record in records if record.file is not None),
        tuple(ClipPoses(r.poses, clip.first / fps, (clip.first + clip.count) / fps) for clip, r in records),
        stream.frames,
        resolved(out) / "videos" / f"{name}.mp4",
        resolved(out) / "poses" / f"{name}.npz",
    )


def _write(fps: float, size: tuple[int, int], gap_image: GapImage, quality: int, take: _Take) -> None:
    """The video comes last: where it is, the stream is complete."""
    string_poses(take.pose_file, take.poses, take.frames / fps)
    frames = string_frames(take.clips, take.frames, fps, size, gap_image)
    write_mp4(take.video_file, frames, fps, quality=quality)


def _write_missing(
    write: functools.partial[None], takes: Mapping[str, _Take], workers: int | None, progress: Progress | None
) -> None:
    report = progress or (lambda done, total: None)
    done = 0
    report(done, len(takes))

    def missing() -> Iterator[ChildJob[_Take]]:
        nonlocal done
        for key, take in takes.items():
            if take.video_file.exists():
                done += 1
                report(done, len(takes))
            else:
                yield ChildJob(key, take)

    for _, outcome in run_children(write, missing(), workers):
        if isinstance(outcome, AugrgbError):
            raise outcome
        done += 1
        report(done, len(takes))


def _with_files(record: VideoRecord, take: _Take) -> VideoRecord:
    """The record with the files that were written."""
    poses = take.pose_file if take.pose_file.exists() else None
    return replace(record, file=take.video_file, poses=poses)
