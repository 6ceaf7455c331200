"""Random changes of prepared windows that keep their meaning, for training encoders.

Each draws from a passed generator, once per sample (all frames of a window change alike, except noise). Nothing is
mirrored unasked: left and right are different actions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.scene_changes import add_own_frame, change_background, replace_background, still_mix
from augrgb.encoders.snippet_encoder import Modality


@dataclass(frozen=True, slots=True)
class ImageChanges:
    """How much of each change images get; 1 = as usual, 0 = none.

    Those after noise are off by default: they cost time, and are for videos of one place that must serve in another.
    `turn` is the probability that a window is turned upside down, for a camera that looks straight down.
    """

    shift: float = 1.0
    zoom: float = 1.0
    brightness: float = 1.0
    contrast: float = 1.0
    color: float = 1.0
    noise: float = 1.0
    blur: float = 0.0
    perspective: float = 0.0
    background: float = 0.0
    own_frame: float = 0.0
    foreground: float = 0.0
    still_mix: float = 0.0
    turn: float = 0.0


USUAL = ImageChanges()


def augment(
    modality: Modality, x: Tensor, generator: Generator, *, strength: float = 1.0, parts: ImageChanges = USUAL
) -> Tensor:
    """Augment prepared windows (N, window, ...) of a modality; `strength` 0 changes nothing. Poses know no `parts`."""
    if modality == "pose":
        return augment_pose(x, generator, strength=strength)
    if modality == "signal":
        return augment_signal(x, generator, strength=strength)
    if modality == "grid":
        return augment_grid(x, generator, strength=strength, parts=parts)
    images = augment_rgb if modality == "rgb" else augment_flow
    return images(x, generator, strength=strength, parts=parts)


def mirror(modality: Modality, x: Tensor) -> Tensor:
    """Left and right exchanged in prepared windows (N, window, H, W, C) of `rgb`, `flow` or `grid`.

    Raises:
        UsageFault: E-ENC-004, poses and time series: the mirror image of a body has other joints.
    """
    if modality in ("pose", "signal"):
        raise UsageFault("E-ENC-004", "augment.flip", f"{modality} is not mirrored", "Set augment.flip=0.")
    x = x.flip(3)
    return x * x.new_tensor([-1.0, 1.0]) if modality == "flow" else x


def augment_rgb(x: Tensor, generator: Generator, *, strength: float = 1.0, parts: ImageChanges = USUAL) -> Tensor:
    """Still scenes, turn, shift and scale, perspective, blur, brightness, contrast, color, noise.

    Shape: (N, window, H, W, 3) -> same.
    """
    for change, size in (
        (change_background, parts.background),
        (replace_background, parts.foreground),
        (still_mix, parts.still_mix),
        (add_own_frame, parts.own_frame),
    ):
        if strength * size > 0:
            x = change(x, generator, strength * size)
    x, _ = _shift_and_scale(x, generator, strength, parts)
    if strength * parts.blur > 0:
        x = blurred(x, generator, strength * parts.blur)
    count = len(x)
    mean = x.mean(dim=(1, 2, 3, 4), keepdim=True)
    contrast = 1 + _spread(generator, (count, 1, 1, 1, 1), 0.3 * strength * parts.contrast, x)
    brightness = _spread(generator, (count, 1, 1, 1, 1), 0.4 * strength * parts.brightness, x)
    color = 1 + _spread(generator, (count, 1, 1, 1, 3), 0.15 * strength * parts.color, x)
    offset = (mean * (1 - contrast) + brightness) * color
    x = x.mul_(contrast * color).add_(offset)  # in place: `_shift_and_scale` made a copy
    return x.add_(_normal(generator, tuple(x.shape), 0.05 * strength * parts.noise, x))


def augment_flow(x: Tensor, generator: Generator, *, strength: float = 1.0, parts: ImageChanges = USUAL) -> Tensor:
    """Turn, shift and scale (which also turns and scales displacements), small changes of speed.

    Shape: (N, window, H, W, 2) -> same.
    """
    x, zoom = _shift_and_scale(x, generator, strength, parts)
    speed = 1 + _spread(generator, (len(x),), 0.15 * strength, x)
    return x * (zoom * speed)[:, None, None, None, None]


def augment_pose(x: Tensor, generator: Generator, *, strength: float = 1.0) -> Tensor:
    """Turn about the vertical, scale, joint noise, and joints moved to the root as if they had not been seen.

    Shape: (N, window, V, 6) positions and speeds -> same.
    """
    count, window, joints, _ = x.shape
    angle = _spread(generator, (count, 1, 1), math.radians(20) * strength, x)
    cos, sin = angle.cos(), angle.sin()
    turned = []
    for part in (x[..., :3], x[..., 3:]):
        right, up, away = part.unbind(-1)
        turned += [right * cos + away * sin, up, away * cos - right * sin]
    scale = 1 + _spread(generator, (count, 1, 1, 1), 0.1 * strength, x)
    x = torch.stack(turned, dim=-1) * scale
    x = x + _normal(generator, (count, window, joints, 6), 0.02 * strength, x)
    kept = torch.rand((count, 1, joints, 1), generator=generator, device=generator.device) >= 0.05 * strength
    return x * kept.to(x)


def blurred(x: Tensor, generator: Generator, size: float) -> Tensor:
    """A Gaussian blur of every window by up to 2 % of the image's height (std) at size 1, three taps to each side.

    Shape: (N, window, H, W, C) -> same.
    """
    count, window, height, width, channels = x.shape
    std = (torch.rand((count, 1), generator=generator, device=generator.device) * 0.02 * size * height).to(x)
    taps = torch.arange(-3, 4, device=x.device, dtype=x.dtype)
    kernel = torch.softmax(-(taps**2) / (2 * std.clamp(min=0.05) ** 2), dim=1)  # (N, 7)
    flat = x.permute(1, 4, 0, 2, 3).reshape(1, window * channels * count, height, width)
    every = kernel.repeat(window * channels, 1)
    flat = F.conv2d(F.pad(flat, (0, 0, 3, 3), mode="replicate"), every[:, None, :, None], groups=len(every))
    flat = F.conv2d(F.pad(flat, (3, 3, 0, 0), mode="replicate"), every[:, None, None, :], groups=len(every))
    return flat.view(window, channels, count, height, width).permute(2, 0, 3, 4, 1).contiguous()


def augment_signal(x: Tensor, generator: Generator, *, strength: float = 1.0) -> Tensor:
    """Scale, an offset of each channel, noise.

    Shape: (N, window, C) -> same.
    """
    count, _, channels = x.shape
    scale = 1 + _spread(generator, (count, 1, 1), 0.15 * strength, x)
    x = x * scale + _spread(generator, (count, 1, channels), 0.1 * strength, x)
    return x.add_(_normal(generator, tuple(x.shape), 0.05 * strength, x))


def augment_grid(x: Tensor, generator: Generator, *, strength: float = 1.0, parts: ImageChanges = USUAL) -> Tensor:
    """Turn, shift and scale, contrast, noise.

    Shape: (N, window, H, W, C) -> same.
    """
    x, _ = _shift_and_scale(x, generator, strength, parts)
    x = x.mul_(1 + _spread(generator, (len(x), 1, 1, 1, 1), 0.2 * strength * parts.contrast, x))
    return x.add_(_normal(generator, tuple(x.shape), 0.05 * strength * parts.noise, x))


def _shift_and_scale(x: Tensor, generator: Generator, strength: float, parts: ImageChanges) -> tuple[Tensor, Tensor]:
    """Bilinear crop: up to 8 % shift, 12 % zoom; gives the images and each sample's magnification (N,).

    The magnification of a sample that was turned by 180 degrees is negative.
    """
    count, window, height, width, channels = x.shape
    zoom = 1 + _spread(generator, (count,), 0.12 * strength * parts.zoom, x)
    if strength * parts.turn > 0:
        turned = torch.rand(count, generator=generator, device=generator.device) < strength * parts.turn
        zoom = torch.where(turned.to(x.device), -zoom, zoom)
    shift = _spread(generator, (count, 2), 0.16 * strength * parts.shift, x)  # half widths
    theta = x.new_zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / zoom
    theta[:, :, 2] = shift
    grid = F.affine_grid(theta, [count, 1, height, width], align_corners=False)
    if strength * parts.perspective > 0:
        tilt = _spread(generator, (count, 2), min(0.3 * strength * parts.perspective, 0.45), x)
        depth = 1 + (grid * tilt[:, None, None]).sum(dim=-1, keepdim=True)
        grid = grid / depth.clamp(min=0.1)
    flat = x.permute(0, 1, 4, 2, 3).reshape(count, window * channels, height, width)
    moved = F.grid_sample(flat, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved.view(count, window, channels, height, width).permute(0, 1, 3, 4, 2).contiguous(), zoom


def _spread(generator: Generator, shape: tuple[int, ...], size: float, like: Tensor) -> Tensor:
    """Uniform in [-size, size)."""
    return ((torch.rand(shape, generator=generator, device=generator.device) * 2 - 1) * size).to(like)


def _normal(generator: Generator, shape: tuple[int, ...], size: float, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device).mul_(size).to(like)
