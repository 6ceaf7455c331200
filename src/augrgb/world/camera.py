"""Pinhole cameras. Camera axes: x right, y up, z away, in meters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augrgb.core.seeds import rng_at
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Floats

_View = tuple[float, float, float]
_PERSON_M = 1.75
# azimuth and elevation in degrees (azimuth 0 looks the person in the face), distance in meters
_TRAIN_VIEWS: tuple[_View, ...] = ((0.0, 8.0, 4.2), (42.0, 14.0, 4.6), (-42.0, 11.0, 3.8))
_TEST_VIEWS: tuple[_View, ...] = ((78.0, 20.0, 4.4), (-68.0, 28.0, 4.0))


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera.

    Args:
        name: For example `C1`.
        position, target: Where it is and what it looks at, (3,) meters in world axes.
        focal_px: Focal length in pixels.
        width, height: Frame size in pixels.
    """

    name: str
    position: Floats
    target: Floats
    focal_px: float
    width: int
    height: int

    @property
    def axes(self) -> Floats:
        """Rows: right, up and forward in world axes, (3, 3)."""
        forward = self.target - self.position
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 1.0, 0.0])
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    def see(self, points: Floats) -> Floats:
        """World points (..., 3) in camera axes."""
        return np.asarray((points - self.position) @ self.axes.T)

    def project(self, seen: Floats) -> Floats:
        """Points in camera axes (..., 3) to pixels (..., 2): x right, y down, (0, 0) = upper left corner."""
        depth = np.maximum(seen[..., 2], 0.05)
        x = 0.5 * self.width + self.focal_px * seen[..., 0] / depth
        y = 0.5 * self.height - self.focal_px * seen[..., 1] / depth
        return np.stack([x, y], axis=-1)


def camera_names(settings: WorldSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the training and of the test cameras, `C1` onwards."""
    count = settings.train_cameras
    names = tuple(f"C{i + 1}" for i in range(count + settings.test_cameras))
    return names[:count], names[count:]


def make_camera(settings: WorldSettings, name: str, video_id: str) -> Camera:
    """The camera called `name`, moved a little from video to video as if set up by hand."""
    train, test = camera_names(settings)
    if name in train:
        views, number = _TRAIN_VIEWS, train.index(name)
    else:
        views, number = _TEST_VIEWS, test.index(name)
    azimuth, elevation, distance_m = views[number % len(views)]
    own = rng_at(settings.seed, "camera", name)
    if number >= len(views):  # further cameras stand near the listed ones
        azimuth += own.uniform(-22, 22)
        elevation += own.uniform(-6, 12)
    rng = rng_at(settings.seed, "video", video_id, "camera")
    azimuth = np.radians(azimuth + rng.uniform(-3, 3))
    elevation = np.radians(elevation + rng.uniform(-2, 2))
    distance_m *= rng.uniform(0.96, 1.04)
    target = np.array([rng.uniform(-0.1, 0.1), 0.95 + rng.uniform(-0.05, 0.05), rng.uniform(-0.1, 0.1)])
    away = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    focal_px = settings.figure_size * settings.height * distance_m / _PERSON_M
    return Camera(name, target + distance_m * away, target, float(focal_px), settings.width, settings.height)
