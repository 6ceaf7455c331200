"""The part of a camera's image that counts: a rectangle of it, without polygons that are ignored.

Coordinates are shares of the whole upright image, (0, 0) top left and (1, 1) bottom right, so that they hold for every
size that a camera sends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault

_GRAY = 127
_LEAST = 0.02
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class View:
    """What of an image is looked at.

    Args:
        crop: Left, top, width and height of the rectangle that is kept.
        masks: Polygons that are painted gray.

    Raises:
        UsageFault: E-CFG-046, no such part of an image.
    """

    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    masks: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        left, top, width, height = self.crop
        inside = left >= 0 and top >= 0 and left + width <= 1 + 1e-9 and top + height <= 1 + 1e-9
        if not (all(map(math.isfinite, self.crop)) and inside and min(width, height) >= _LEAST):
            problem = f"{','.join(f'{value:g}' for value in self.crop)} is no part of an image"
            raise UsageFault("E-CFG-046", "crop", problem, "Give LEFT,TOP,WIDTH,HEIGHT as shares of it, in [0, 1].")
        for polygon in self.masks:
            if len(polygon) < 3 or not all(math.isfinite(x) and 0 <= x <= 1 for point in polygon for x in point):
                remedy = "Give at least three points X,Y as shares of the image, in [0, 1]."
                raise UsageFault("E-CFG-046", "mask", f"{polygon} is no area of an image", remedy)

    @property
    def whole(self) -> bool:
        """Whether it is the image as it is."""
        return self == View()

    def outer_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """To what (width, height) a whole image is scaled so that its crop has `size`.

        >>> View((0.25, 0.0, 0.5, 1.0)).outer_size((64, 48))
        (128, 48)
        """
        return round(size[0] / self.crop[2]), round(size[1] / self.crop[3])

    def of(self, image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """The crop, of `size`, of a whole upright image of `outer_size`, with the masked areas gray.

        Args:
            image: (H, W, 3) or (H, W).
            size: (width, height) of the result.
        """
        outer_width, outer_height = image.shape[1], image.shape[0]
        left = min(round(self.crop[0] * outer_width), outer_width - size[0])
        top = min(round(self.crop[1] * outer_height), outer_height - size[1])
        part = np.ascontiguousarray(image[top : top + size[1], left : left + size[0]])
        if self.masks:
            import cv2  # only here: most images have no mask

            part = part if part.flags.writeable and part.base is None else part.copy()
            scale = np.array([outer_width, outer_height], np.float64)
            corner = np.array([left, top], np.float64)
            for polygon in self.masks:
                points = np.round((np.array(polygon) * scale - corner) * 16).astype(np.int32)
                cv2.fillPoly(part, [points], (_GRAY,) * 3, shift=4)
        return part


WHOLE = View()
"""The image as it is."""


def view_of(crop: str | None, masks: Sequence[str] = ()) -> View:
    """A view as it is written in a command.

    Args:
        crop: `LEFT,TOP,WIDTH,HEIGHT`; None = everything.
        masks: Polygons, `X,Y X,Y X,Y ...`.

    Raises:
        UsageFault: E-CFG-046, no such part of an image.

    >>> view_of("0,0.5,1,0.5", ["0,0 1,0 1,0.6"]).masks
    (((0.0, 0.0), (1.0, 0.0), (1.0, 0.6)),)
    """
    made = (0.0, 0.0, 1.0, 1.0)
    if crop is not None:
        numbers = _numbers(crop, "crop")
        if len(numbers) != 4:
            raise UsageFault("E-CFG-046", "crop", f"{crop!r} has {len(numbers)} numbers", "Give LEFT,TOP,WIDTH,HEIGHT.")
        made = (numbers[0], numbers[1], numbers[2], numbers[3])
    polygons = []
    for text in masks:
        pairs = [_numbers(part, "mask") for part in text.split()]
        if any(len(pair) != 2 for pair in pairs):
            raise UsageFault("E-CFG-046", "mask", f"{text!r} is no polygon", "Write points as X,Y X,Y X,Y.")
        polygons.append(tuple((pair[0], pair[1]) for pair in pairs))
    return View(made, tuple(polygons))


def _numbers(text: str, name: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageFault(
            "E-CFG-046", name, f"{text!r} is not a list of numbers", "Write shares such as 0.25."
        ) from None
