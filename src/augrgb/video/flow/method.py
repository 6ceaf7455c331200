"""What every optical-flow method has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.video.flow.settings import FlowSettings


class FlowMethod(ABC):
    """Dense flow between two images.

    Args:
        settings: What was asked for; most methods need nothing of it.
    """

    name: ClassVar[str]
    """What recipes call it."""
    pixels: ClassVar[Literal["gray", "rgb24"]] = "gray"
    """The images that it sees."""
    work_scale: ClassVar[int] = 1
    """Flow is computed on images this many times wider and higher than the track, then averaged down."""

    def __init__(self, settings: FlowSettings) -> None:
        self.settings = settings

    @classmethod
    @abstractmethod
    def recipe(cls, settings: FlowSettings) -> dict[str, Any]:
        """Everything but the images and the stored range that decides the result, without loading anything."""

    @abstractmethod
    def flow(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Displacement right and down of every pixel of `before`, in pixels.

        Shape: two (H, W) or (H, W, 3) uint8 -> (H, W, 2) float32.
        """
