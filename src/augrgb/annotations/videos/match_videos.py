"""A folder of videos beside annotations: match ids, take durations, prove frame rates, report faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.frame_rates import MeasuredRates
from augrgb.annotations.videos.look import look_closely, measure
from augrgb.annotations.videos.match_ids import IdMatch, match_ids, without_ending
from augrgb.core.errors import AugrgbError, Hints, InputRefused
from augrgb.core.opening import sha256_file
from augrgb.core.progress import Progress
from augrgb.core.types import VideoRecord
from augrgb.video.video_info import VideoInfo

RATE_TOLERANCE = 1e-3
"""A declared frame rate may differ from the video's by this share: 0.1 % is 3.6 s in an hour."""

_FEW = 5
"""So many videos that are not in the folder have a name that could be meant each."""


@dataclass(frozen=True)
class VideoFolder:
    """The videos of a folder by id (file name without ending), those that cannot be used, and those that break off."""

    files: Mapping[str, Path]
    infos: Mapping[str, VideoInfo]
    refused: Mapping[str, AugrgbError]
    cut: Mapping[str, str] = field(default_factory=dict)

    def id_of(self, name: str) -> str | None:
        """The video that an annotation means: see `match_ids`; None if it is not there."""
        return match_ids([name], self.files).names.get(name)


def look_at(files: Mapping[str, Path], progress: Progress | None = None) -> VideoFolder:
    """Probe every video; bad ones are kept as faults."""
    infos: dict[str, VideoInfo] = {}
    refused: dict[str, AugrgbError] = {}
    cut: dict[str, str] = {}
    for position, (video_id, path) in enumerate(files.items(), 1):
        try:
            infos[video_id], cut[video_id] = look_closely(path)
        except AugrgbError as fault:
            refused[video_id] = fault
        if progress is not None:
            progress(position, len(files))
    return VideoFolder(files, infos, refused, {video_id: problem for video_id, problem in cut.items() if problem})


def constant_rate(path: Path) -> float:
    """The frame rate of a video, proven constant from the time of every packet (nothing is decoded).

    Raises:
        InputRefused: E-ANN-037: the time between frames changes, or the file has no times.
    """
    rate, _, variable = measure(path)
    if variable:
        remedy = "Re-encode the video at a constant rate and annotate that, or export times in seconds."
        problem = "has a variable frame rate, so frame numbers cannot be converted to seconds"
        raise InputRefused("E-ANN-037", path, problem, remedy)
    return rate


def same_videos(annotations: AnnotationSet, folder: VideoFolder) -> AnnotationSet:
    """The annotations with the ids of the folder's videos, where they name one of them in another way."""
    match = match_ids(annotations.videos, folder.files)
    found = renamed(annotations, match)
    # `a` and `a.mp4` are one file, and need no note; other rules do
    changed = any(without_ending(name) != known for name, known in match.names.items())
    return replace(found, findings=(*found.findings, *(match.finding("annotations") if changed else ())))


def one_id_per_video(annotations: AnnotationSet) -> AnnotationSet:
    """The annotations with `a` and `a.mp4` as one video, where both are named."""
    bare = Counter(without_ending(video_id) for video_id in annotations.videos)
    names = {i: without_ending(i) for i in annotations.videos if bare[without_ending(i)] > 1}
    return renamed(annotations, IdMatch(names)) if names else annotations


def renamed(annotations: AnnotationSet, match: IdMatch) -> AnnotationSet:
    """The annotations under other ids; events of ids that become one are joined, and that is noted.

    Raises:
        InputRefused: E-ID-001: two of them say different things about the video itself.
    """
    videos: dict[str, VideoRecord] = {}
    first: dict[str, str] = {}
    findings: list[Finding] = []
    for video_id, video in annotations.videos.items():
        name = match.of(video_id)
        known = videos.get(name)
        if known is None:
            videos[name], first[name] = replace(video, video_id=name), video_id
            continue
        same = replace(video, video_id=name, events=known.events, ignored=known.ignored) == known
        if not same or without_ending(video_id) != without_ending(first[name]):
            raise InputRefused("E-ID-001", repr(video_id), f"means the same video as {first[name]!r}")
        events = (
            None if known.events is None and video.events is None else (*(known.events or ()), *(video.events or ()))
        )
        videos[name] = replace(known, events=events, ignored=(*known.ignored, *video.ignored))
        detail = f"{first[name]!r} and {video_id!r}: their events were joined"
        findings.append(Finding("E-ID-007", "ids written differently", "noted", name, detail))
    splits = {
        split: {role: tuple(dict.fromkeys(match.of(i) for i in ids)) for role, ids in roles.items()}
        for split, roles in annotations.splits.items()
    }
    return replace(annotations, videos=videos, splits=splits, findings=(*annotations.findings, *findings))


def with_durations(annotations: AnnotationSet, folder: VideoFolder) -> AnnotationSet:
    """The annotations with the durations of the videos themselves, which have the last word."""
    return replace(
        annotations,
        videos={
            video_id: replace(video, duration_s=folder.infos[video_id].duration_s)
            if video_id in folder.infos
            else video
            for video_id, video in annotations.videos.items()
        },
    )


def video_findings(annotations: AnnotationSet, folder: VideoFolder) -> list[Finding]:
    """What is wrong between annotations and videos; call with the durations that the annotations state."""
    found = [
        Finding(fault.code, "video cannot be used", "refused", video_id, str(fault))
        for video_id, fault in folder.refused.items()
    ]
    missing = sum(video_id not in folder.files for video_id in annotations.videos)
    hint = Hints(folder.files if missing <= _FEW else ())
    known = f"the folder has {', '.join(list(folder.files)[:5])}{', ...' if len(folder.files) > 5 else ''}"
    found += [
        Finding(
            "E-VID-003", "video breaks off", "noted", video_id, f"{problem}; extract needs --partial-video keep-prefix"
        )
        for video_id, problem in folder.cut.items()
    ]
    for video_id, video in annotations.videos.items():
        if video_id not in folder.files:
            detail = hint(video_id) if missing <= _FEW else known  # of many, one that is the same for all
            action = "noted" if video.events is None else "refused"
            found.append(Finding("E-ID-004", "annotated video is not in the folder", action, repr(video_id), detail))  # type: ignore[arg-type]
            continue
        info = folder.infos.get(video_id)
        if info is None:
            continue
        if video.duration_s is not None and abs(video.duration_s - info.duration_s) > max(1.0, 0.02 * info.duration_s):
            detail = f"annotation {video.duration_s:g} s, video {info.duration_s:g} s"
            found.append(Finding("E-ANN-025", "durations differ", "noted", video_id, detail))
        if annotations.in_frames and video.fps is not None:
            found.extend(_rate_findings(video_id, video.fps, folder.files[video_id]))
    found.extend(
        Finding("E-ANN-019", "never annotated", "noted", video_id, "video without annotation")
        for video_id in folder.files
        if video_id not in annotations.videos
    )
    found.extend(_same_content(folder.files))
    return found


def rates_for(names: Collection[str], folder: VideoFolder) -> tuple[dict[str, float], list[AugrgbError]]:
    """Proven frame rates of the videos (all, or those named), and the faults of those that have none."""
    rates = MeasuredRates()
    faults: list[AugrgbError] = []
    for video_id in names or folder.infos:
        if video_id in folder.infos:
            try:
                rates[video_id] = constant_rate(folder.files[video_id])
            except AugrgbError as fault:
                faults.append(fault)
    return rates, faults


def _rate_findings(video_id: str, declared: float, path: Path) -> list[Finding]:
    try:
        rate = constant_rate(path)
    except AugrgbError as fault:
        return [Finding(fault.code, "frame numbers without a proven frame rate", "refused", video_id, str(fault))]
    if abs(rate / declared - 1) <= RATE_TOLERANCE:
        return []
    detail = f"declared {declared:g}, the video has {rate:.4g} frames per second"
    return [Finding("E-ANN-038", "frame rate differs", "refused", video_id, detail)]


def _same_content(files: Mapping[str, Path]) -> list[Finding]:
    """Videos with the same bytes under two names; only files of equal size are hashed."""
    sizes: dict[int, list[str]] = {}
    for video_id, path in files.items():
        sizes.setdefault(path.stat().st_size, []).append(video_id)
    found = []
    for names in sizes.values():
        hashes: dict[str, str] = {}
        for video_id in names if len(names) > 1 else ():
            twin = hashes.setdefault(sha256_file(files[video_id]), video_id)
            if twin != video_id:
                found.append(Finding("E-VID-018", "same video twice", "refused", video_id, f"same bytes as {twin!r}"))
    return found
