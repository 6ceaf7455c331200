"""3D poses whose x and y are pixels and whose z is meters -> meters, by what is known of human limbs.

A network that sees one image cannot tell a tall person far away from a small one near by. The scale is set so that
the seen limbs together are as long as those of a person of 1.70 m (Drillis and Contini's proportions, 1966).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HEIGHT_M = 1.70
_LIMBS = (("shoulder", "elbow", 0.186), ("elbow", "wrist", 0.146), ("hip", "knee", 0.245), ("knee", "ankle", 0.246))
_LEAST_LIMBS = 3
_HALVINGS = 40


def metric_poses(
    joints: NDArray[np.float32], names: tuple[str, ...], image: tuple[int, int], fps: float
) -> NDArray[np.float32]:
    """Meters, x right and y up from the middle of the image, z away from the hips.

    The scale of every frame is the median over a second around it, so it follows a person who comes nearer.

    Args:
        joints: (n, V, 3): x right, y down in pixels, z in meters; NaN = not seen.
        names: Joint names as COCO's.
        image: (width, height) in pixels.
        fps: Frames per second.

    Shape: (n, V, 3) -> (n, V, 3), all NaN if no frame shows three limbs.
    """
    scale = smooth_scale(_meters_per_pixel(joints, names), fps)[:, None]
    meters = joints.copy()
    meters[..., 0] = (joints[..., 0] - image[0] / 2) * scale
    meters[..., 1] = (image[1] / 2 - joints[..., 1]) * scale
    meters[np.flatnonzero(np.isnan(scale))] = np.nan
    return meters


def _meters_per_pixel(joints: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float64]:
    """The s of each frame with sum of sqrt((s d)^2 + z^2) over seen limbs = their lengths; NaN if there is none."""
    limbs = [
        (names.index(f"{side}_{upper}"), names.index(f"{side}_{lower}"), share * _HEIGHT_M)
        for side in ("left", "right")
        for upper, lower, share in _LIMBS
    ]
    between = np.stack([joints[:, lower] - joints[:, upper] for upper, lower, _ in limbs], axis=1).astype(np.float64)
    seen: NDArray[np.bool_] = np.asarray(~np.isnan(between).any(axis=2))
    between = np.where(seen[..., None], between, 0)
    flat, deep = np.hypot(between[..., 0], between[..., 1]), np.abs(between[..., 2])
    wanted = (seen * np.array([length for *_, length in limbs])).sum(axis=1)
    possible = (seen.sum(axis=1) >= _LEAST_LIMBS) & (deep.sum(axis=1) < wanted) & (flat.sum(axis=1) > 0)
    low = np.zeros(len(joints))
    high = np.where(possible, wanted / np.where(possible, flat.sum(axis=1), 1), 0)  # there even without depth
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        short = np.hypot(middle[:, None] * flat, deep).sum(axis=1) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    found: NDArray[np.float64] = np.where(possible, (low + high) / 2, np.nan)
    return found


def smooth_scale(values: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Median over the known values of a second around each frame; the nearest known median where there are none."""
    reach = max(1, round(fps / 2))
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return values
    middle = np.full(len(values), np.nan)
    first = np.searchsorted(known, np.arange(len(values)) - reach)
    last = np.searchsorted(known, np.arange(len(values)) + reach, side="right")
    for place in np.flatnonzero(first < last):
        middle[place] = np.median(values[known[first[place] : last[place]]])
    there = np.flatnonzero(~np.isnan(middle))
    places = np.arange(len(values))
    after = np.minimum(np.searchsorted(there, places), len(there) - 1)
    before = np.maximum(after - 1, 0)
    earlier = np.abs(places - there[before]) <= np.abs(there[after] - places)
    return middle[there[np.where(earlier, before, after)]]
