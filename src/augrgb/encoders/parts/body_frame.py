"""Poses in the body's own axes: the same movement looks the same from every camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault

_ALIASES = {
    "root": ("hips", "pelvis", "mid_hip", "spine_base", "root"),
    "neck": ("neck", "spine_shoulder", "thorax", "upper_chest", "chest"),
    "left": ("l_hip", "left_hip", "hip_left", "l_up_leg", "left_up_leg", "upperleg_l", "hipleft"),
    "right": ("r_hip", "right_hip", "hip_right", "r_up_leg", "right_up_leg", "upperleg_r", "hipright"),
    "spine": ("spine_mid", "spine", "torso", "belly"),
    "left_shoulder": ("left_shoulder", "l_shoulder", "shoulder_left", "shoulderleft"),
    "right_shoulder": ("right_shoulder", "r_shoulder", "shoulder_right", "shoulderright"),
}
BODY_PARTS = ("root", "neck", "left", "right")


def landmarks(names: tuple[str, ...], parts: tuple[str, ...] = BODY_PARTS) -> dict[str, int]:
    """Joint numbers by their usual names: of `root`, `neck`, `left` and `right` hip, or of the parts asked for.

    Raises:
        UsageFault: E-POS-005, a landmark cannot be found.
    """
    known = {name.lower().replace(" ", "_"): number for number, name in enumerate(names)}
    found = {}
    for part in parts:
        aliases = _ALIASES[part]
        hits = [known[alias] for alias in aliases if alias in known]
        if not hits:
            remedy = f"Name it one of: {', '.join(aliases)}."
            raise UsageFault("E-POS-005", "skeleton", f"no {part} joint among {', '.join(names) or 'no names'}", remedy)
        found[part] = hits[0]
    return found


def body_frame(windows: NDArray[np.float32], marks: dict[str, int]) -> NDArray[np.float32]:
    """Pose windows with each frame's root at the origin, the mean hip line along x, the torso one long, plus speed.

    One turn about the vertical and one scale for a whole window, so turning and moving stay visible; speed is that of
    the joints in the room, not against the root.

    Shape: (N, window, V, 3) meters -> (N, window, V, 6): position, and change since the last frame x 10.
    """
    across = (windows[:, :, marks["left"]] - windows[:, :, marks["right"]]).mean(axis=1)  # (N, 3)
    angle = np.arctan2(across[:, 2], across[:, 0])
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    turned = np.stack(
        [
            windows[..., 0] * cos + windows[..., 2] * sin,
            windows[..., 1],
            windows[..., 2] * cos - windows[..., 0] * sin,
        ],
        axis=-1,
    )
    torso = np.linalg.norm(windows[:, :, marks["neck"]] - windows[:, :, marks["root"]], axis=-1).mean(axis=1)
    turned /= np.maximum(torso, 1e-3)[:, None, None, None]
    speed = np.diff(turned, axis=1, prepend=turned[:, :1]) * 10.0
    position = turned - turned[:, :, [marks["root"]]]
    return np.concatenate([position, speed], axis=-1).astype(np.float32)
