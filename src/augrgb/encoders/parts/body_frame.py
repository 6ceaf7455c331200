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
_BETWEEN = {"root": ("left", "right"), "neck": ("left_shoulder", "right_shoulder")}
Marks = dict[str, tuple[int, ...]]
"""For each landmark the joints in whose middle it is: one, or two where the skeleton has no joint of its own there."""


def body_marks(names: tuple[str, ...]) -> Marks:
    """Root, neck, and both hips: joints by their usual names, or the middle of the hips or shoulders.

    >>> body_marks(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
    {'root': (2, 3), 'neck': (0, 1), 'left': (2,), 'right': (3,)}

    Raises:
        UsageFault: E-POS-005, a landmark cannot be found.
    """
    marks: Marks = {}
    for part in ("root", "neck", "left", "right"):
        try:
            marks[part] = (landmarks(names, (part,))[part],)
        except UsageFault:
            sides = _BETWEEN.get(part)
            if sides is None:
                raise
            try:
                marks[part] = tuple(landmarks(names, sides).values())
            except UsageFault as fault:
                raise _lacking(part, names, f" (or {' and '.join(_ALIASES[side][0] for side in sides)})") from fault
    return marks


def place_of(windows: NDArray[np.float32], mark: tuple[int, ...]) -> NDArray[np.float32]:
    """Where a landmark is.

    Shape: (..., V, 3) -> (..., 3).
    """
    if len(mark) == 1:
        return np.asarray(windows[..., mark[0], :])
    return np.asarray(windows[..., list(mark), :].mean(axis=-2))


def landmarks(names: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, int]:
    """Joint numbers of parts of the body, by their usual names.

    Raises:
        UsageFault: E-POS-005, a landmark cannot be found.
    """
    known = {name.lower().replace(" ", "_"): number for number, name in enumerate(names)}
    found = {}
    for part in parts:
        aliases = _ALIASES[part]
        hits = [known[alias] for alias in aliases if alias in known]
        if not hits:
            raise _lacking(part, names)
        found[part] = hits[0]
    return found


def _lacking(part: str, names: tuple[str, ...], instead: str = "") -> UsageFault:
    problem = f"no {part} joint among {', '.join(names) or 'no names'}"
    return UsageFault("E-POS-005", "skeleton", problem, f"Name it one of: {', '.join(_ALIASES[part])}{instead}.")


def body_frame(windows: NDArray[np.float32], marks: Marks) -> NDArray[np.float32]:
    """Pose windows with each frame's root at the origin, the mean hip line along x, the torso one long, plus speed.

    One turn about the vertical and one scale for a whole window, so turning and moving stay visible; speed is that of
    the joints in the room, not against the root.

    Shape: (N, window, V, 3) meters -> (N, window, V, 6): position, and change since the last frame x 10.
    """
    across = (place_of(windows, marks["left"]) - place_of(windows, marks["right"])).mean(axis=1)  # (N, 3)
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
    torso = np.linalg.norm(place_of(windows, marks["neck"]) - place_of(windows, marks["root"]), axis=-1).mean(axis=1)
    turned /= np.maximum(torso, 1e-3)[:, None, None, None]
    speed = np.diff(turned, axis=1, prepend=turned[:, :1]) * 10.0
    position = turned - place_of(turned, marks["root"])[:, :, None]
    return np.concatenate([position, speed], axis=-1).astype(np.float32)
