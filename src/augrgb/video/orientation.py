"""Display matrices: how a file says that its frames have to be rotated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to rotate decoded pixels so that they are upright.

    Args:
        quarter_turns: Counter-clockwise quarter turns, 0 to 3, applied after the mirror.
        mirrored: Flip left and right first.
        exact: False when the matrix asked for an angle between quarter turns, which is rounded.
    """

    quarter_turns: int = 0
    mirrored: bool = False
    exact: bool = True

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.quarter_turns % 2 == 1

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn one image (H, W, ...)."""
        if self.mirrored:
            image = image[:, ::-1]
        if self.quarter_turns:
            image = np.rot90(image, self.quarter_turns)
        return np.ascontiguousarray(image)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read the display matrix of a decoded frame; upright when there is none.

    The matrix maps stored to shown positions, (x, y) -> (a x + c y, b x + d y) with y down, in 16.16 fixed point.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is not None:
        return _orientation_of_matrix(np.frombuffer(bytes(data), np.int32))
    return Orientation()


def _orientation_of_matrix(matrix: NDArray[np.int32]) -> Orientation:
    a, b, _, c, d = (float(value) for value in matrix[:5])
    mirrored = a * d - b * c < 0
    if mirrored:  # matrix = turn * flip: undo the flip of x to see the turn alone
        a, b = -a, -b
    angle = math.degrees(math.atan2(-b, a))  # counter-clockwise as seen, because y points down
    turns = round(angle / 90)
    return Orientation(turns % 4, mirrored, abs(angle - 90 * turns) < 1)
