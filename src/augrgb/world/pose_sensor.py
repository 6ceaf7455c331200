"""A depth camera's skeleton tracker, with its usual errors, and its files."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from augrgb.core.files import atomic_file
from augrgb.core.seeds import rng_at
from augrgb.world.body import side_and_stem
from augrgb.world.camera import Camera
from augrgb.world.motion import Performance
from augrgb.world.room import Occluder
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Floats

_HIDDEN_FACTOR = 4.0  # hidden joints are lost this many times as often
_LIMBS = (("shoulder", "elbow", "wrist", "arm", "hand"), ("hip", "knee", "ankle", "toe", "leg", "foot"))


def exact_pose(performance: Performance, camera: Camera) -> Floats:
    """The true joints in camera axes, meters, (n, V, 3)."""
    return camera.see(performance.joints)


def sense_pose(
    settings: WorldSettings, performance: Performance, camera: Camera, occluder: Occluder | None, video_id: str
) -> NDArray[np.float32]:
    """What the tracker reports, (n, V, 3) float32 meters in camera axes, NaN = not seen.

    Errors: noise that is correlated over about 0.3 s (1.5 times as strong in depth), joints lost in bursts (more often
    behind occluders or behind the trunk), left and right of arms or of legs confused for a while, and no person seen.
    """
    rng = rng_at(settings.seed, "video", video_id, "pose")
    true = exact_pose(performance, camera)
    n, joints, _ = true.shape
    noise = _correlated(rng, (n, joints, 3), time_s=0.3, fps=settings.fps)
    pose = true + settings.joint_noise_m * noise * [1.0, 1.0, 1.5]

    lost_more = np.where(hidden_joints(true, camera, occluder, performance.names), _HIDDEN_FACTOR, 1.0)
    chance = np.minimum(settings.joint_dropout * lost_more, 0.9)
    burst = _correlated(rng, (n, joints), time_s=0.4, fps=settings.fps)
    for words in _LIMBS:
        swapped = _bursts(rng, n, settings.joint_swap, 0.5, settings.fps)
        left, right = _limb_pairs(performance.names, words)
        both, mirrored = left + right, right + left
        pose[:, both] = np.where(swapped[:, None, None], pose[:, mirrored], pose[:, both])
    pose[burst > _threshold(chance)] = np.nan
    pose[_bursts(rng, n, settings.frame_dropout, 0.5, settings.fps)] = np.nan
    return pose.astype(np.float32)


def hidden_joints(true: Floats, camera: Camera, occluder: Occluder | None, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Joints behind an occluder, outside the frame, or behind the trunk, (n, V) bool."""
    pixels = np.floor(camera.project(true)).astype(np.int64)
    x, y = pixels[..., 0], pixels[..., 1]
    inside = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
    hidden = ~inside
    if occluder is not None:
        covered = occluder.mask[np.clip(y, 0, camera.height - 1), np.clip(x, 0, camera.width - 1)] > 0
        hidden |= inside & covered
    trunk = true.mean(axis=1, keepdims=True)
    behind = true[..., 2] - trunk[..., 2] > 0.12
    near_axis = np.hypot(true[..., 0] - trunk[..., 0], 0.5 * (true[..., 1] - trunk[..., 1])) < 0.2
    return np.asarray(hidden | (behind & near_axis))


def write_pose(path: Path, pose: NDArray[np.float32], performance: Performance, fps: float, camera: Camera) -> None:
    """Write a pose file (`joints`, `image`, `fps`, `names`, `parents`), complete or absent."""
    places = camera.project(pose.astype(np.float64)) / [camera.width, camera.height]
    with atomic_file(path) as handle:
        np.savez_compressed(
            handle,
            joints=pose,
            image=places.astype(np.float32),
            fps=np.float64(fps),
            names=np.array(performance.names),
            parents=np.array(performance.parents, np.int64),
        )


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], time_s: float, fps: float) -> Floats:
    """Unit-variance noise whose correlation falls to 1/e within `time_s` along the first axis."""
    keep = float(np.exp(-1 / (time_s * fps)))
    values = rng.normal(size=shape)
    values[1:] *= np.sqrt(1 - keep**2)
    for i in range(1, len(values)):
        values[i] += keep * values[i - 1]
    return values


def _bursts(rng: np.random.Generator, n: int, share: float, time_s: float, fps: float) -> NDArray[np.bool_]:
    """A random on/off signal that is on for `share` of the time, in bursts, (n,) bool."""
    return np.asarray(_correlated(rng, (n,), time_s, fps) > _threshold(np.array([share])))


def _threshold(chance: Floats) -> Floats:
    """Levels that unit normal noise exceeds with the given probabilities."""
    levels, inverse = np.unique(chance, return_inverse=True)
    normal = NormalDist()
    cut = np.array([normal.inv_cdf(1 - level) if level > 0 else np.inf for level in levels.tolist()])
    return np.asarray(cut[inverse.reshape(chance.shape)])


def _limb_pairs(names: tuple[str, ...], words: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Indices of the left joints whose names contain one of the words, and of their right partners."""
    parts = [side_and_stem(name) for name in names]
    left = [i for i, (side, stem) in enumerate(parts) if side == "l" and any(word in stem for word in words)]
    left = [i for i in left if ("r", parts[i][1]) in parts]
    return left, [parts.index(("r", parts[i][1])) for i in left]
