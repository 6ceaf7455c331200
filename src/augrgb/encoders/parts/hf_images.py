"""Images as a Hugging Face model wants them, from its `preprocessor_config.json`, with tensors alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.errors import InputRefused

_RESAMPLING: dict[int, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}  # the numbers of Pillow
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How frames become the input of a network.

    Args:
        height, width: Of the input in pixels.
        shortest: The shorter side is first resized to this, then the middle is cut out; None = stretch whole images.
        mean, std: Of each color, in fractions of white.
        resample: Interpolation, smoothed when images shrink.
    """

    height: int
    width: int
    shortest: int | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resample: Literal["bilinear", "bicubic"]


def read_image_settings(path: Path, values: Any) -> ImageSettings:
    """Understand a `preprocessor_config.json`.

    Raises:
        InputRefused: E-ENC-014, it asks for something that is not done here.
    """
    if not isinstance(values, Mapping):
        raise _unknown(path, "is not a mapping")
    resample = _RESAMPLING.get(values.get("resample", 2))
    if resample is None:
        raise _unknown(path, f"resample {values['resample']!r} is neither 2 (bilinear) nor 3 (bicubic)")
    scale = values.get("rescale_factor", 1 / 255)
    if values.get("do_rescale", True) is not True or not isinstance(scale, float) or abs(scale * 255 - 1) > 1e-3:
        raise _unknown(path, f"do_rescale {values.get('do_rescale')!r} by {scale!r}, expected 1/255")
    mean, std = values.get("image_mean", _IMAGENET[0]), values.get("image_std", _IMAGENET[1])
    if values.get("do_normalize", True) is False:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    resized = values.get("size") if values.get("do_resize", True) else None
    cropped = values.get("crop_size") if values.get("do_center_crop", False) else None
    height, width = _sides(path, cropped if cropped is not None else resized)
    shortest: int | None = None
    if isinstance(resized, int) or (isinstance(resized, Mapping) and "shortest_edge" in resized):
        shortest = resized["shortest_edge"] if isinstance(resized, Mapping) else resized
        if not isinstance(shortest, int) or shortest < min(height, width):
            raise _unknown(path, f"images resized to {resized!r} are too small to cut {width} x {height} out")
    elif cropped is not None and resized is not None and _sides(path, resized) != (height, width):
        raise _unknown(path, f"stretches to {resized!r}, then cuts {cropped!r} out")
    return ImageSettings(height, width, shortest, _three(path, mean), _three(path, std), resample)


def prepare_images(frames: NDArray[np.uint8], settings: ImageSettings) -> Tensor:
    """Resize, cut out the middle, normalise.

    Shape: (..., H, W, 3) uint8 -> (..., height, width, 3) float32.
    """
    before = frames.shape[:-3]
    x = torch.from_numpy(np.ascontiguousarray(frames)).reshape(-1, *frames.shape[-3:]).permute(0, 3, 1, 2).float()
    size = resized(x.shape[2], x.shape[3], settings)
    if size != tuple(x.shape[2:]) and len(x):
        x = F.interpolate(x, size=size, mode=settings.resample, align_corners=False, antialias=True)
        x = x.round_().clamp_(0, 255)  # published programs keep whole numbers here
    top, left = (size[0] - settings.height) // 2, (size[1] - settings.width) // 2
    x = x[:, :, top : top + settings.height, left : left + settings.width].permute(0, 2, 3, 1)
    x = (x / 255 - torch.tensor(settings.mean)) / torch.tensor(settings.std)
    return x.reshape(*before, settings.height, settings.width, 3)


def resized(height: int, width: int, settings: ImageSettings) -> tuple[int, int]:
    """Height and width of an image before its middle is cut out."""
    if settings.shortest is None:
        return settings.height, settings.width
    shorter = min(height, width)
    return height * settings.shortest // shorter, width * settings.shortest // shorter


def _sides(path: Path, size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    if isinstance(size, Mapping):
        sides = (size.get("height"), size.get("width")) if "height" in size else (size.get("shortest_edge"),) * 2
        if all(isinstance(side, int) and side > 0 for side in sides):
            return int(sides[0]), int(sides[1])  # type: ignore[arg-type]
    raise _unknown(path, f"size {size!r}, expected height and width, or shortest_edge")


def _three(path: Path, values: Any) -> tuple[float, float, float]:
    if isinstance(values, float | int):
        values = [values] * 3
    if not isinstance(values, list | tuple) or len(values) != 3 or not all(isinstance(v, float | int) for v in values):
        raise _unknown(path, f"{values!r} are not three numbers, one for each color")
    return float(values[0]), float(values[1]), float(values[2])


def _unknown(path: Path, problem: str) -> InputRefused:
    remedy = "Only resizing, center cropping and normalising are done here; correct the file, or use another model."
    return InputRefused("E-ENC-014", path, problem, remedy)
