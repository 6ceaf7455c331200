"""Poses in the axes of published skeleton networks: the spine upright and at the origin, the shoulders along x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPINE_PARTS = ("root", "spine", "left_shoulder", "right_shoulder")
NETWORK_AXES = (0, 2, 1)  # which of (right, up, forward) is which coordinate of the published networks
_SMALL = 1e-6


def spine_frame(
    windows: NDArray[np.float32], marks: dict[str, int], *, every_frame: bool = False
) -> NDArray[np.float32]:
    """Pose windows as published programs for NTU RGB+D prepare them, plus speed.

    Two turns of the whole window, from its first frame: the smallest that brings the spine (root to middle) along the
    third axis, then the smallest that brings the line from left to right shoulder along the first. Shi et al., CVPR
    2019 (2s-AGCN), subtract the middle of the spine in every frame; Duan et al., ACM Multimedia 2022 (ST-GCN++), that
    of the first frame. The Kinect's x runs to the sensor's left, so x is mirrored first.
    Deviation: the first frame is that of the window, not that of the whole recording.

    Shape: (N, window, V, 3) meters, x right, y up, z away -> (N, window, V, 6): position (right, up, forward of the
    body), and change since the last frame x 10.
    """
    center = windows[:, :, [marks["spine"]]] if every_frame else windows[:, :1, [marks["spine"]]]
    placed = (windows - center).astype(np.float64) * (-1.0, 1.0, 1.0)
    for first, second, axis in (("root", "spine", (0, 0, 1)), ("left_shoulder", "right_shoulder", (1, 0, 0))):
        line = placed[:, 0, marks[second]] - placed[:, 0, marks[first]]
        placed = np.einsum("ntvd,nkd->ntvk", placed, _smallest_turn(line, np.array(axis, np.float64)))
    placed = placed[..., [0, 2, 1]]
    speed = np.diff(placed, axis=1, prepend=placed[:, :1]) * 10.0
    return np.concatenate([placed, speed], axis=-1).astype(np.float32)


def _smallest_turn(lines: NDArray[np.float64], axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations (N, 3, 3) that bring lines (N, 3) along a unit axis; none where a line has no length or is opposite."""
    length = np.linalg.norm(lines, axis=1, keepdims=True)
    unit = np.where(length > _SMALL, lines / np.maximum(length, _SMALL), axis)
    x, y, z = np.cross(unit, axis).T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    cosine = (unit @ axis)[:, None, None]
    turn = np.eye(3) + skew + skew @ skew / np.maximum(1 + cosine, _SMALL)
    return np.where(cosine > _SMALL - 1, turn, np.eye(3))
