"""Untrimmed performances cut together from given clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at
from augrgb.core.types import Event
from augrgb.world.body import ROLE, ROLES, role_indices
from augrgb.world.given_motion import MotionLibrary
from augrgb.world.motion import Performance, smooth_step
from augrgb.world.plan import VideoPlan
from augrgb.world.schedule import Subject
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Floats

_FADE_S = 0.6  # from the last pose of a clip to the first of the next; no label
_SHORTEST_S = 1.0  # a last clip cut shorter than this is left out
_REACH_M = 1.3  # a clip that leads farther from its start is scaled down to this
_ROOM_M = np.array([0.9, 0.75])
_POOLS = {"training": 0.6, "val": 0.12, "test": 0.28}  # shares of neighbouring clips


@dataclass(frozen=True, slots=True)
class _Take:
    """A clip at the video's frame rate, free of heading and place.

    Args:
        poses: (m, V, 3), facing +z above the origin.
        heading: (m,) radians against the first frame.
        path: (m, 2) x and z against the first frame, in the first frame's heading.
    """

    poses: Floats
    heading: Floats
    path: Floats


def assign_clips(
    library: MotionLibrary, settings: WorldSettings, plans: Sequence[VideoPlan]
) -> Mapping[str, tuple[int, ...]]:
    """Which clips each video shows, in order: video id -> indices.

    For every content and style the clips are cut, in the order of their ids, into blocks for training videos,
    validation and test, so that cuts of one recording stay together. A content with too few clips of each style for
    that is cut as a whole, so that every block has it. A video takes clips from its shuffled block until
    it is full; a clip is shown again only when its block is used up.

    Raises:
        InputRefused: E-WLD-013: a block is empty.
    """
    blocks = _blocks(library)
    queues: dict[str, list[int]] = {name: [] for name in _POOLS}
    rounds = dict.fromkeys(_POOLS, 0)
    chosen: dict[str, tuple[int, ...]] = {}
    for plan in plans:
        pool = "test" if plan.group.startswith("test") else "val" if plan.group == "val" else "training"
        if not blocks[pool]:
            problem = f"{len(library.clips)} clips are too few to fill the {pool} block"
            raise InputRefused("E-WLD-013", pool, problem, "Some content needs at least 3 clips: add some.")
        own: list[int] = []
        filled_s = 0.0
        while filled_s < settings.duration_s:
            if not queues[pool]:
                order = rng_at(settings.seed, "clips", pool, rounds[pool]).permutation(len(blocks[pool]))
                queues[pool] = [blocks[pool][i] for i in order]
                rounds[pool] += 1
            own.append(queues[pool].pop())
            filled_s += library.clips[own[-1]].frames / library.fps + _FADE_S
        chosen[plan.video_id] = tuple(own)
    return chosen


def _blocks(library: MotionLibrary) -> dict[str, list[int]]:
    """The clips of training, validation and test videos."""
    contents: dict[str, dict[str, list[int]]] = {}
    for i in sorted(range(len(library.clips)), key=lambda i: library.clips[i].clip_id):
        clip = library.clips[i]
        contents.setdefault(clip.content, {}).setdefault(clip.style or "", []).append(i)
    blocks: dict[str, list[int]] = {name: [] for name in _POOLS}
    for styles in contents.values():
        cuts = [_cut(members) for members in styles.values()]
        if not all(any(cut[name] for cut in cuts) for name in _POOLS):
            together = sorted((i for own in styles.values() for i in own), key=lambda i: library.clips[i].clip_id)
            cuts = [_cut(together, every=True)]
        for cut in cuts:
            for name, members in cut.items():
                blocks[name].extend(members)
    return blocks


def _cut(members: Sequence[int], *, every: bool = False) -> dict[str, Sequence[int]]:
    """Neighbours by the shares of the blocks; `every` block gets one of three or more."""
    edges = np.rint(np.cumsum([0.0, *_POOLS.values()]) * len(members)).astype(int)
    if every and len(members) >= len(_POOLS):
        for place in range(len(_POOLS) - 1, 0, -1):  # what the later blocks need at least
            edges[place] = min(edges[place], edges[place + 1] - 1)
    return {name: members[low:high] for name, low, high in zip(_POOLS, edges[:-1], edges[1:], strict=True)}


def cut_together(
    library: MotionLibrary,
    clips: Sequence[int],
    settings: WorldSettings,
    subject: Subject,
    video_id: str,
    *,
    styles: bool = False,
) -> tuple[Performance, tuple[Event, ...]]:
    """One performance of the given clips by one person, and its annotations.

    Between clips the pose, heading and place fade for 0.6 s. Every clip starts where the last one ended, with the
    heading that keeps its path in the room; paths longer than 1.3 m are scaled down. Bones take the lengths of the
    subject, whose proportions are simulated: directions of bones are those of the recording.

    Args:
        library: Where the clips are.
        clips: Indices, in order.
        settings: Frame rate and duration.
        subject: Whose proportions the figure has.
        video_id: Seeds the choice of headings.
        styles: Also annotate each clip's style.
    """
    rng = rng_at(settings.seed, "video", video_id, "montage")
    roles = role_indices(library.names, "motion")
    blend = max(2, round(_FADE_S * settings.fps))
    poses: list[Floats] = []
    headings: list[Floats] = []
    places: list[Floats] = []
    events: list[Event] = []
    heading = float(rng.normal() * 0.4)
    place: Floats = rng.uniform(-0.3, 0.3, 2)
    filled = 0
    for index in clips:
        take = _take(library, index, settings.fps, roles)
        start = _best_heading(take.path, heading, place, rng)
        if poses:
            weight = smooth_step(np.arange(1, blend + 1) / (blend + 1))
            turn = (start - heading + np.pi) % (2 * np.pi) - np.pi
            start = heading + turn  # the short way round
            poses.append((1 - weight)[:, None, None] * poses[-1][-1] + weight[:, None, None] * take.poses[0])
            headings.append(heading + weight * turn)
            places.append(np.repeat(place[None], blend, axis=0))
            filled += blend
        room = settings.num_frames - filled
        length = min(len(take.poses), room)
        if room < min(_SHORTEST_S * settings.fps, len(take.poses)):
            break
        path = place + _turned(take.path[:length], start)
        poses.append(take.poses[:length])
        headings.append(start + take.heading[:length])
        places.append(path)
        clip = library.clips[index]
        span = round(filled / settings.fps, 3), round((filled + length) / settings.fps, 3)
        events.append(Event(clip.content, *span))
        if styles and clip.style is not None:
            events.append(Event(clip.style, *span))
        filled += length
        heading, place = float(headings[-1][-1]), path[-1]
    pose, turned, at = (_held_until(parts, settings.num_frames) for parts in (poses, headings, places))
    joints = np.empty_like(pose)
    joints[..., 1] = pose[..., 1]
    joints[..., [0, 2]] = _turned(pose[..., [0, 2]], turned[:, None]) + at[:, None]
    joints = _with_proportions(joints, library, roles, subject)
    return Performance(joints, library.names, library.parents, girth=subject.proportions.girth), tuple(events)


def _held_until(parts: list[Floats], count: int) -> Floats:
    """The parts one after another, cut to `count` frames or with the last frame held until then."""
    held = np.repeat(parts[-1][-1:], max(0, count - sum(map(len, parts))), axis=0)
    return np.concatenate([*parts, held])[:count]


def _take(library: MotionLibrary, index: int, fps: float, roles: NDArray[np.int64]) -> _Take:
    joints = library.read(index)
    wanted = np.arange(max(2, round(len(joints) * fps / library.fps))) * library.fps / fps
    wanted = np.minimum(wanted, len(joints) - 1)
    low = np.minimum(wanted.astype(np.int64), max(len(joints) - 2, 0))
    high = np.minimum(low + 1, len(joints) - 1)
    share = (wanted - low)[:, None, None]
    joints = (1 - share) * joints[low] + share * joints[high]

    def at(name: str) -> Floats:
        return np.asarray(joints[:, roles[ROLE[name]]])

    left = at("l_shoulder") - at("r_shoulder") + at("l_hip") - at("r_hip")
    heading = np.unwrap(np.arctan2(-left[:, 2], left[:, 0]))  # forward = left x up
    place = at("hips")[:, [0, 2]]
    poses = joints.copy()
    poses[..., [0, 2]] = _turned(joints[..., [0, 2]] - place[:, None], -heading[:, None])
    path = _turned(place - place[0], -heading[0])
    farthest_m = float(np.linalg.norm(path, axis=1).max())
    return _Take(poses, heading - heading[0], path * min(1.0, _REACH_M / max(farthest_m, 1e-9)))


def _turned(ground: Floats, radians: Floats | float) -> Floats:
    """Points (..., 2: x, z) turned about y; positive turns +z towards +x."""
    x, z = ground[..., 0], ground[..., 1]
    cos, sin = np.cos(radians), np.sin(radians)
    return np.stack([cos * x + sin * z, cos * z - sin * x], axis=-1)


def _best_heading(path: Floats, heading: float, place: Floats, rng: np.random.Generator) -> float:
    """The start heading (radians) that keeps a path in the room, near where the person looks."""
    tries = np.linspace(-np.pi, np.pi, 24, endpoint=False) + rng.uniform(-0.1, 0.1)
    costs = []
    for start in tries:
        outside_m = np.maximum(np.abs(place + _turned(path, start)) - _ROOM_M, 0).max()
        to_turn = abs((start - heading + np.pi) % (2 * np.pi) - np.pi)
        costs.append(12 * outside_m + 0.3 * to_turn + 0.35 * abs(start) + 0.3 * rng.random())
    return float(tries[int(np.argmin(costs))])


def _with_proportions(joints: Floats, library: MotionLibrary, roles: NDArray[np.int64], subject: Subject) -> Floats:
    """The same bone directions with the subject's bone lengths, the feet as high above the floor as before."""
    own = subject.proportions
    factors = np.full(len(library.names), own.height)
    for name, factor in (("knee", own.legs), ("ankle", own.legs), ("elbow", own.arms), ("wrist", own.arms)):
        for side in "lr":
            factors[roles[ROLES.index(f"{side}_{name}")]] *= factor
    reference = library.read(0)[0]
    result = joints * [1.0, own.height, 1.0]
    for i, parent in enumerate(library.parents):
        if parent >= 0:
            bone = joints[:, i] - joints[:, parent]
            length = np.linalg.norm(reference[i] - reference[parent]) * factors[i]
            norm = np.maximum(np.linalg.norm(bone, axis=1, keepdims=True), 1e-9)
            result[:, i] = result[:, parent] + bone / norm * length
    result[..., 1] += (own.height * joints[..., 1].min(axis=1) - result[..., 1].min(axis=1))[:, None]
    return result
