"""What skeleton networks see of pose windows: axes, joints or bones or motion, missing joints, empty persons."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.body_frame import Marks, body_frame, body_marks, landmarks
from augrgb.encoders.parts.skeleton_graphs import check_parents
from augrgb.encoders.parts.spine_frame import NETWORK_AXES, SPINE_PARTS, spine_frame
from augrgb.encoders.snippet_encoder import check_windows

Axes = Literal["body", "camera", "spine", "spine_each"]
PoseStream = Literal["joint", "bone", "motion"]


class PoseInput(nn.Module):
    """Pose windows to the input of skeleton networks.

    Args:
        owner: Catalog name of the encoder, for errors.
        names: Joint names.
        parents: Index of each joint's parent, -1 for the root.
        stream: `joint` positions, `bone` vectors from parent to joint, `motion` of joints since the last frame x 10.
        axes: `body` turns and scales a window by its hips and torso (`body_frame`); `camera` only moves the first
            frame's root to the origin; `spine` and `spine_each` are those of published weights (`spine_frame`).
        persons: Skeletons that the network takes; those beyond the first are zero, as in the published data.

    Attributes:
        options: These arguments as plain JSON values, for the encoder's own.

    Shape: (N, window, V, 6) prepared -> (N, 3, window, V, persons).

    Raises:
        UsageFault: E-POS-004 (names and parents are not a tree), E-POS-005 (a joint that the axes need is missing),
            E-CFG-003 (no person).
    """

    def __init__(
        self,
        owner: str,
        names: tuple[str, ...],
        parents: tuple[int, ...],
        *,
        stream: PoseStream,
        axes: Axes,
        persons: int,
    ) -> None:
        super().__init__()
        if len(names) != len(parents):
            raise UsageFault("E-POS-004", owner, f"{len(names)} joint names but {len(parents)} parents")
        if persons < 1:
            raise UsageFault("E-CFG-003", f"{owner}.persons", f"must be at least 1, got {persons}")
        check_parents(tuple(parents))
        self.joints, self.stream, self.axes, self.persons = len(names), stream, axes, persons
        self.options: dict[str, Any] = {
            "names": list(names),
            "parents": list(parents),
            "stream": stream,
            "axes": axes,
            "persons": persons,
        }
        self.root = tuple(parents).index(-1)
        self.marks: Marks = body_marks(tuple(names)) if axes == "body" else {}
        self.spine_marks = landmarks(tuple(names), SPINE_PARTS) if axes in ("spine", "spine_each") else {}
        ends = torch.tensor([joint if parent < 0 else parent for joint, parent in enumerate(parents)])
        self.register_buffer("bone_ends", ends, persistent=False)
        self.bone_ends: Tensor

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Positions and speeds (change since the last frame x 10), (N, window, V, 6).

        A joint that was not seen (NaN) stands still at the origin.
        """
        check_windows(windows, np.float32, (self.joints, 3))
        missing = np.isnan(windows).any(axis=-1)
        if not missing.any():
            return torch.from_numpy(self._placed(windows))
        placed = self._placed(_filled(windows, missing))
        placed[missing] = 0
        placed[:, 1:][missing[:, :-1], 3:] = 0  # nor has a joint that comes into sight moved
        return torch.from_numpy(placed)

    def forward(self, x: Tensor) -> Tensor:
        seen = x[..., 3:] if self.stream == "motion" else x[..., :3]
        if self.axes in ("spine", "spine_each"):
            seen = seen[..., list(NETWORK_AXES)]
        if self.stream == "bone":
            seen = seen - seen[:, :, self.bone_ends]
        return F.pad(seen.permute(0, 3, 1, 2)[..., None], (0, self.persons - 1))

    def _placed(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.axes == "body":
            return body_frame(windows, self.marks)
        if self.axes != "camera":
            return spine_frame(windows, self.spine_marks, every_frame=self.axes == "spine_each")
        moved = windows - windows[:, :1, self.root, None]
        speed = np.diff(moved, axis=1, prepend=moved[:, :1]) * np.float32(10)
        return np.concatenate([moved, speed], axis=-1)


def _filled(windows: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Missing joints at the middle of those that were seen in their frame, or at the camera where none was."""
    known = np.where(missing[..., None], np.float32(0), windows)
    count = np.maximum((~missing).sum(axis=2), 1)[..., None, None]
    middle = (known.sum(axis=2, keepdims=True) / count).astype(np.float32)
    return np.where(missing[..., None], middle, windows)
