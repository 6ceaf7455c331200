"""Optical flow between neighbouring frames of a track, as small integers, by any of several methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.catalog import catalog, check_choice
from augrgb.video.decode import FrameTarget
from augrgb.video.flow.dis import DisFlow
from augrgb.video.flow.method import FlowMethod
from augrgb.video.flow.raft import RaftFlow
from augrgb.video.flow.settings import FlowSettings
from augrgb.video.flow.tvl1 import Tvl1Flow, Tvl1OpenCv

__all__ = ["FLOW_METHODS", "DisFlow", "RaftFlow", "Tvl1Flow", "Tvl1OpenCv", "flow_recipe", "flow_target", "iter_flow"]

FLOW_METHODS = catalog(FlowMethod, globals())  # type: ignore[type-abstract]
"""Flow methods by the name that recipes use; the import line is the registration."""

DEFAULT = FlowSettings()


def flow_recipe(settings: FlowSettings = DEFAULT) -> dict[str, Any]:
    """What a flow track is made with: method, its settings, and the stored range (`127 / steps_per_pixel` pixels).

    Raises:
        UsageFault: E-CFG-002 (no such method), E-CFG-014 (a required setting is missing).
    """
    kind = _method(settings)
    return {
        **kind.recipe(settings),
        "steps_per_pixel": settings.steps_per_pixel,
        "work_scale": kind.work_scale,
    }


def flow_target(size: tuple[int, int], settings: FlowSettings = DEFAULT) -> FrameTarget:
    """The images that `iter_flow` needs for a flow track of `size` (width, height)."""
    kind = _method(settings)
    return FrameTarget((size[0] * kind.work_scale, size[1] * kind.work_scale), kind.pixels)


def iter_flow(images: Iterable[NDArray[np.uint8]], settings: FlowSettings = DEFAULT) -> Iterator[NDArray[np.int8]]:
    """Flow of each image to the next one; the last one's is repeated, a single image has zero flow.

    Args:
        images: What `flow_target` asks for: (S H, S W) or (S H, S W, 3) uint8 with the method's work scale S.
        settings: Method and stored range.

    Shape: yields as many (H, W, 2) int8 as there are images: displacement right and down in
        `1 / settings.steps_per_pixel` pixels of the (H, W) track, clipped to the bound.

    Raises:
        UsageFault: E-CFG-002, no such method.
        EnvironmentFault: E-ENV-003, an optional package is missing.
    """
    kind = _method(settings)
    method = kind(settings)
    before: NDArray[np.uint8] | None = None
    field: NDArray[np.int8] | None = None
    for image in images:
        if before is not None:
            field = _as_steps(method.flow(before, image), settings.steps_per_pixel, kind.work_scale)
            yield field
        before = image
    if before is not None:
        height, width = before.shape[0] // kind.work_scale, before.shape[1] // kind.work_scale
        yield np.zeros((height, width, 2), np.int8) if field is None else field


def _method(settings: FlowSettings) -> type[FlowMethod]:
    check_choice(FLOW_METHODS, settings.method, "flow method", "flow.method")
    return FLOW_METHODS[settings.method]


def _as_steps(flow: NDArray[np.float32], steps_per_pixel: float, work_scale: int) -> NDArray[np.int8]:
    height, width = flow.shape[0] // work_scale, flow.shape[1] // work_scale
    small = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) * (steps_per_pixel / work_scale)
    steps: NDArray[np.int8] = np.clip(np.rint(small), -127, 127).astype(np.int8)
    return steps
