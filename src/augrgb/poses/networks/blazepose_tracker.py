"""BlazePose from frame to frame: each pose says where to look next; the detector runs only when people are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from augrgb.poses.metric import smooth_scale
from augrgb.poses.networks.blazepose import SeenPose
from augrgb.poses.people import PersonTrack
from augrgb.poses.region import Region
from augrgb.poses.view_check import of_one_size

_MOST_PEOPLE = 2
_LOOK_AGAIN_S = 1.0
"""How often the detector looks for more people while one is being followed."""
_FORGET_S = 1.0
"""A person found again at the same place within this time is the same one."""
_BODY = slice(11, 33)
"""Joints below the head."""


class _Networks(Protocol):
    def find(self, frame: NDArray[np.uint8]) -> list[Region]: ...

    def look(self, frame: NDArray[np.uint8], region: Region) -> SeenPose | None: ...


@dataclass(slots=True)
class _Followed:
    frames: list[int] = field(default_factory=list)
    poses: list[SeenPose] = field(default_factory=list)

    def add(self, number: int, pose: SeenPose) -> None:
        self.frames.append(number)
        self.poses.append(pose)

    @property
    def region(self) -> Region:
        return self.poses[-1].next_region


class BlazePoseTracker:
    """Follows up to two people through a video.

    Args:
        networks: `BlazePose`, or what stands in for it.
        fps: Frames per second that it will be shown.

    Attributes:
        frames: How many it has been shown.
    """

    def __init__(self, networks: _Networks, fps: float) -> None:
        self._networks = networks
        self._look_again, self._forget = max(1, round(_LOOK_AGAIN_S * fps)), max(1, round(_FORGET_S * fps))
        self._fps = fps
        self._open: list[_Followed] = []
        self._all: list[_Followed] = []
        self.frames = 0

    def see(self, frame: NDArray[np.uint8]) -> None:
        """The next frame.

        Shape: (H, W, 3) uint8 RGB.
        """
        number, self.frames = self.frames, self.frames + 1
        for person in list(self._open):
            pose = self._networks.look(frame, person.region)
            others = [other.region for other in self._open[: self._open.index(person)]]
            if pose is None or any(pose.next_region.is_near(other) for other in others):
                self._open.remove(person)  # gone, or it has slipped to a person who is followed already
            else:
                person.add(number, pose)
        if not self._open or (len(self._open) < _MOST_PEOPLE and number % self._look_again == 0):
            for pose in self._new_people(frame):
                person = self._known(number, pose.next_region)
                person.add(number, pose)
                self._open.append(person)

    def tracks(self, size: tuple[int, int], *, one_size: bool = True) -> list[PersonTrack]:
        """Everyone seen so far, in meters: x right and y up from the middle of the frame, z away from the hips.

        Args:
            size: (width, height) of the frames in pixels.
            one_size: Give each person one size for the whole video (`of_one_size`); else poses are as the network
                gives them.
        """
        return [_in_meters(person, self.frames, size, self._fps, one_size) for person in self._all]

    def _new_people(self, frame: NDArray[np.uint8]) -> Iterator[SeenPose]:
        for region in self._networks.find(frame):
            if len(self._open) >= _MOST_PEOPLE:
                return
            if any(region.is_near(person.region) for person in self._open):
                continue
            pose = self._networks.look(frame, region)
            if pose is not None and not any(pose.next_region.is_near(person.region) for person in self._open):
                yield pose

    def _known(self, number: int, region: Region) -> _Followed:
        """The person lost near here a short time ago, or a new one."""
        for person in reversed(self._all):
            recent = 0 < number - person.frames[-1] <= self._forget
            if recent and person not in self._open and region.is_near(person.region):
                return person
        self._all.append(_Followed())
        return self._all[-1]


def meters_per_pixel(places: NDArray[np.float32], world: NDArray[np.float32]) -> NDArray[np.float64]:
    """The scale at which a pose in meters, seen from far away, covers its places in the frame best (least squares).

    Shape: places (n, V, 2) in pixels, y down; world (n, V, 3) in meters, y up -> (n,).
    """
    seen = (places - places.mean(axis=1, keepdims=True)).astype(np.float64) * [1, -1]
    true = (world - world.mean(axis=1, keepdims=True))[..., :2].astype(np.float64)
    scale: NDArray[np.float64] = (seen * true).sum(axis=(1, 2)) / np.maximum((seen**2).sum(axis=(1, 2)), 1e-9)
    return scale


def _in_meters(person: _Followed, count: int, size: tuple[int, int], fps: float, one_size: bool) -> PersonTrack:
    frames = np.array(person.frames, np.int64)
    places = np.stack([pose.places for pose in person.poses])
    world = np.stack([pose.world for pose in person.poses])
    world = of_one_size(world) if one_size else world
    scale = np.full(count, np.nan)
    scale[frames] = meters_per_pixel(places[:, _BODY], world[:, _BODY])
    hips = places[:, 23:25].mean(axis=1)
    across, up = hips[:, 0] - size[0] / 2, size[1] / 2 - hips[:, 1]
    moved = np.stack([across, up, np.zeros_like(up)], axis=1) * smooth_scale(scale, fps)[frames, None]
    areas = np.prod(places.max(axis=1) - places.min(axis=1), axis=1)
    scores = np.stack([pose.scores for pose in person.poses])
    image = (places / np.array(size)).astype(np.float32)
    return PersonTrack(frames, (world + moved[:, None]).astype(np.float32), scores, areas.astype(np.float32), image)
