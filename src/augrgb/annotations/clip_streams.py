"""Short clips strung into longer streams: which clip stands where, and the dataset that comes of it.

Only clips that have the same role in every split stand in one stream, so whatever a split held apart stays apart.
Everything is placed on frames of the stream, so that times, images and poses agree to the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from augrgb.core.errors import UsageFault
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, Event, VideoRecord

Together = Literal["any", "subject", "camera"]
_LONGEST_GAP_S = 3600.0


@dataclass(frozen=True, slots=True)
class StreamRules:
    """How clips are strung together.

    Args:
        clips: At most so many clips in a stream; streams of one group have nearly the same number.
        gap_s: Shortest and longest gap before every clip and after the last one, drawn evenly.
        seed: Of the order of the clips and the lengths of the gaps.
        together: Clips of one stream share their person (`subject`) or their camera.
    """

    clips: int = 8
    gap_s: tuple[float, float] = (0.5, 2.0)
    seed: int = 0
    together: Together = "any"

    def __post_init__(self) -> None:
        low, high = self.gap_s
        if self.clips < 1:
            raise UsageFault("E-CFG-003", "clips", f"a stream needs at least one clip, got {self.clips}")
        if not 0 <= low <= high <= _LONGEST_GAP_S:
            problem = f"expected SHORTEST,LONGEST in seconds, from 0 to {_LONGEST_GAP_S:g}; got {low:g},{high:g}"
            raise UsageFault("E-CFG-003", "gap", problem)


@dataclass(frozen=True, slots=True)
class PlacedClip:
    """A clip in a stream: `count` frames from frame `first` on."""

    video_id: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ClipStream:
    """One stream: its clips in their order, and its number of frames."""

    stream_id: str
    clips: tuple[PlacedClip, ...]
    frames: int


def plan_streams(dataset: Dataset, rules: StreamRules, fps: float) -> list[ClipStream]:
    """Every clip of a dataset in exactly one stream; a pure function of its arguments.

    Raises:
        UsageFault: E-CFG-045: clips are to share a subject or camera, and one clip has none.
        InputRefused: E-ANN-024: the length of a clip is not known.

    >>> clips = {name: VideoRecord(name, 1.0) for name in ("a", "b", "c")}
    >>> dataset = Dataset("d", (), clips, {"official": {"train": ("a", "b"), "test": ("c",)}})
    >>> for stream in plan_streams(dataset, StreamRules(gap_s=(0.5, 0.5)), 10.0):
    ...     print(stream.stream_id, stream.frames, [(clip.video_id, clip.first) for clip in stream.clips])
    test-0 20 [('c', 5)]
    train-0 35 [('b', 5), ('a', 20)]
    """
    streams = []
    groups = _groups(dataset, rules.together)
    for name, ids in groups.items():
        rng = rng_at(rules.seed, "clip streams", name)
        order = [ids[place] for place in rng.permutation(len(ids))]
        count = math.ceil(len(order) / rules.clips)
        for number in range(count):
            own = order[number::count]
            clips, at = [], 0
            for video_id in own:
                at += round(rng.uniform(*rules.gap_s) * fps)
                frames = max(1, math.ceil(dataset.videos[video_id].known_duration_s * fps - 1e-6))
                clips.append(PlacedClip(video_id, at, frames))
                at += frames
            at += round(rng.uniform(*rules.gap_s) * fps)
            streams.append(ClipStream(f"{name}-{number:0{len(str(count - 1))}d}", tuple(clips), at))
    return streams


def dataset_of_streams(dataset: Dataset, streams: Sequence[ClipStream], fps: float) -> Dataset:
    """The same dataset with streams in place of its clips; without files, which are not written yet.

    A stream holds the events of its clips. One with never annotated clips is never annotated (`plan_streams` keeps
    them apart), and a subject or camera that all of its clips share is its own.
    """
    records = {stream.stream_id: _record(dataset, stream, fps) for stream in streams}
    home = {clip.video_id: stream.stream_id for stream in streams for clip in stream.clips}
    splits = {
        split: {role: tuple(sorted({home[video_id] for video_id in ids})) for role, ids in roles.items()}
        for split, roles in dataset.splits.items()
    }
    return replace(dataset, videos=records, splits=splits)


def _groups(dataset: Dataset, together: Together) -> dict[str, list[str]]:
    """Clips that may stand in one stream, by a name that says what they share."""
    roles: dict[str, list[tuple[str, str]]] = {video_id: [] for video_id in dataset.videos}
    for split, given in dataset.splits.items():
        for role, ids in given.items():
            for video_id in ids:
                roles[video_id].append((split, role))
    found: dict[tuple[str, tuple[tuple[str, str], ...], bool], list[str]] = {}
    for video_id, record in dataset.videos.items():
        shared = "" if together == "any" else getattr(record, together)
        if shared is None:
            problem = f"clips of one stream are to share their {together}, and {video_id!r} has none"
            raise UsageFault("E-CFG-045", dataset.name, problem, "Leave out --together.")
        found.setdefault((shared, tuple(sorted(roles[video_id])), record.events is None), []).append(video_id)
    return dict(sorted(_named(found).items()))


def _named(found: Mapping[tuple[str, tuple[tuple[str, str], ...], bool], list[str]]) -> dict[str, list[str]]:
    """Groups by short names: their role in the first split, with a number where that is taken."""
    names: dict[str, list[str]] = {}
    for (shared, roles, unlabeled), ids in found.items():
        words = [role for _, role in roles if not role.startswith("encoder")]
        base = words[0] if words else ("encoder" if roles else "clips")
        base = "_".join(filter(None, (shared, base, "unannotated" if unlabeled and base == "clips" else "")))
        name, number = base, 2
        while name in names:
            name, number = f"{base}{number}", number + 1
        names[name] = ids
    return names


def _record(dataset: Dataset, stream: ClipStream, fps: float) -> VideoRecord:
    clips = [dataset.videos[clip.video_id] for clip in stream.clips]
    events: list[Event] = []
    ignored: list[Event] = []
    for clip, record in zip(stream.clips, clips, strict=True):
        events += _moved(record.events or (), clip, fps)
        ignored += _moved(record.ignored, clip, fps)
    return VideoRecord(
        stream.stream_id,
        stream.frames / fps,
        events=None if any(record.events is None for record in clips) else tuple(events),
        ignored=tuple(ignored),
        fps=fps,
        subject=_shared([record.subject for record in clips]),
        camera=_shared([record.camera for record in clips]),
        subset=_shared([record.subset for record in clips]),
    )


def _moved(events: Sequence[Event], clip: PlacedClip, fps: float) -> list[Event]:
    """Events of a clip in the time of the stream, none past the clip's last frame."""
    start_s, length_s = clip.first / fps, clip.count / fps
    return [
        Event(event.label, start_s + event.start_s, start_s + min(event.end_s, length_s))
        for event in events
        if event.start_s < length_s
    ]


def _shared(values: Sequence[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None
