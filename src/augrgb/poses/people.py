"""Detected people, frame by frame -> one track per person, and the choice of the main one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MainRule = Literal["energy", "largest", "longest"]
_GATE = 0.5
"""From frame to frame a person's joints move less than this many sizes of the person, on average."""
_LEAST_FRAMES = 3
"""A shorter track never fills a gap in the main person's: detectors flicker."""


@dataclass(frozen=True, slots=True)
class PersonTrack:
    """One person over time.

    Args:
        frames: (m,) int64, ascending; frames without the person are left out.
        joints: (m, V, D) float32, NaN = joint not seen.
        scores: (m, V) float32 confidence.
        areas: (m,) float32 pixels that the person's box covers; None = as the joints say, which those in meters cannot.
        image: (m, V, 2) float32 places of the joints as shares of the image's width and height; None = not known.
    """

    frames: NDArray[np.int64]
    joints: NDArray[np.float32]
    scores: NDArray[np.float32]
    areas: NDArray[np.float32] | None = None
    image: NDArray[np.float32] | None = None


def link_people(
    frames: Iterable[Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]], *, max_gap: int = 15
) -> list[PersonTrack]:
    """Join the people of neighbouring frames, nearest first.

    Two poses are one person when their joints lie, on average, less than half a person's size apart per frame between
    them (a whole size at most). A person who is not seen for more than `max_gap` frames becomes another track.

    Args:
        frames: For each frame the people seen: joints (V, D) with NaN, and scores (V,). The order means nothing.
        max_gap: Frames.

    Returns:
        Tracks in the order in which they begin.
    """
    tracks: list[_Growing] = []
    open_frames: list[_Growing] = []
    for number, people in enumerate(frames):
        open_frames = [track for track in open_frames if number - track.frames[-1] <= max_gap]
        pairs = sorted(
            (distance, old, new)
            for old, track in enumerate(open_frames)
            for new, (joints, _) in enumerate(people)
            if (distance := track.distance_to(joints)) < min(1.0, _GATE * (number - track.frames[-1]))
        )
        taken: dict[int, int] = {}
        for _, old, new in pairs:
            if old not in taken.values() and new not in taken:
                taken[new] = old
        for new, (joints, scores) in enumerate(people):
            if np.isnan(joints).all():
                continue
            if new not in taken:
                open_frames.append(_Growing())
                tracks.append(open_frames[-1])
            track = open_frames[taken.get(new, -1)]
            track.frames.append(number)
            track.joints.append(joints)
            track.scores.append(scores)
    return [track.finished() for track in tracks]


def main_people(tracks: Sequence[PersonTrack], rule: MainRule, count: int = 1) -> list[PersonTrack]:
    """The main person first, then the next ones; up to `count`.

    Rules: `energy` (how far the joints stray from their mean places, squared and summed over frames: who moves most and
    is seen longest; what users of Kinect and LCR-Net files do), `largest` (area of the box, summed), `longest`
    (frames).
    Where the main person is lost and another track begins that shares no frame with it, the two count as one person.
    """
    left = sorted(tracks, key=lambda track: -_rank(track, rule))
    found: list[PersonTrack] = []
    while left and len(found) < count:
        parts, seen, rest = [left[0]], set(left[0].frames.tolist()), []
        for track in left[1:]:
            own = set(track.frames.tolist())
            if len(own) >= _LEAST_FRAMES and not own & seen:
                parts.append(track)
                seen |= own
            else:
                rest.append(track)
        order = np.argsort(np.concatenate([part.frames for part in parts]), kind="stable")
        frames, joints, scores = (
            np.concatenate([getattr(part, name) for part in parts])[order] for name in ("frames", "joints", "scores")
        )
        image = None
        if all(part.image is not None for part in parts):
            image = np.concatenate([part.image for part in parts if part.image is not None])[order]
        found.append(PersonTrack(frames, joints, scores, image=image))
        left = rest
    return found


def _rank(track: PersonTrack, rule: MainRule) -> float:
    if rule == "longest":
        return float(len(track.frames))
    if rule == "largest" and track.areas is not None:
        return float(track.areas.sum())
    if rule == "largest":
        low, high = np.nanmin(track.joints, axis=1), np.nanmax(track.joints, axis=1)
        return float(np.nansum(np.prod((high - low)[:, :2], axis=1)))
    seen = ~np.isnan(track.joints)
    values = np.where(seen, track.joints, 0).astype(np.float64)
    mean = values.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return float((np.where(seen, values - mean, 0) ** 2).sum())


class _Growing:
    def __init__(self) -> None:
        self.frames: list[int] = []
        self.joints: list[NDArray[np.float32]] = []
        self.scores: list[NDArray[np.float32]] = []

    def distance_to(self, joints: NDArray[np.float32]) -> float:
        """Mean distance of the joints seen in both, in sizes of the person; infinite if there are none."""
        last = self.joints[-1]
        apart = np.sqrt(((joints - last) ** 2).sum(axis=1))
        both = ~np.isnan(apart)
        if not both.any():
            return float("inf")
        known = last[~np.isnan(last).any(axis=1)]
        size = float(np.linalg.norm(known.max(axis=0) - known.min(axis=0)))
        return float(apart[both].mean()) / max(size, 1e-6)

    def finished(self) -> PersonTrack:
        return PersonTrack(np.array(self.frames, np.int64), np.stack(self.joints), np.stack(self.scores))
