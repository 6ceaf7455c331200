"""A rotated square of a frame: what a pose network looks at, and the way back from its output to the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Region:
    """A square of a frame, turned so that the person in it stands upright.

    Args:
        x, y: Center in pixels of the frame, x right and y down; 0 is the left or upper edge of the first pixel.
        side: Length of a side in pixels.
        angle: Radians; the square's own right points to (cos, sin) of it. 0 = not turned.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around(cls, center: NDArray[np.float32], rim: NDArray[np.float32], margin: float = 1.25) -> Region:
        """The square around the circle with a center and a point on its rim, which is above the center in the square.

        Args:
            center: (2,) x and y in pixels.
            rim: (2,) x and y in pixels.
            margin: Side of the square in diameters of the circle.

        >>> Region.around(np.float32([50, 80]), np.float32([50, 40]), margin=1)
        Region(x=50.0, y=80.0, side=80.0, angle=0.0)
        >>> Region.around(np.float32([50, 80]), np.float32([90, 80]), margin=1).angle  # lies, head to the right
        1.5707963267948966
        """
        right, down = float(rim[0] - center[0]), float(rim[1] - center[1])
        side = 2 * math.hypot(right, down) * margin
        return cls(float(center[0]), float(center[1]), side, math.atan2(right, -down))

    def cut(self, frame: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
        """The square as an upright image; black where it leaves the frame.

        Shape: (H, W, 3) -> (pixels, pixels, 3).
        """
        step = self.side / pixels
        right = np.array([math.cos(self.angle), math.sin(self.angle)]) * step
        down = np.array([-right[1], right[0]])
        # OpenCV counts from the middle of the first pixel, a region from its edge.
        first = np.array([self.x, self.y]) + (0.5 - pixels / 2) * (right + down) - 0.5
        matrix = np.stack([right, down, first], axis=1)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(frame, matrix, (pixels, pixels), flags=flags), np.uint8)

    def to_frame(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Places in the square, as fractions of its side, in pixels of the frame.

        Shape: (..., 2) -> (..., 2).
        """
        turned = self.turn((places - np.float32(0.5)) * np.float32(self.side))
        return turned + np.array([self.x, self.y], np.float32)

    def turn(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Directions in the square (x right, y down) as directions in the frame.

        Shape: (..., 2) -> (..., 2).
        """
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return vectors @ np.array([[cos, sin], [-sin, cos]], np.float32)

    def is_near(self, other: Region) -> bool:
        """Whether both show the same person: their centers are less than a quarter of the larger side apart."""
        return math.hypot(self.x - other.x, self.y - other.y) < max(self.side, other.side) / 4
