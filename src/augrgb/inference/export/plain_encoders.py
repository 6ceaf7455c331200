"""RGB encoders on whole windows of bytes, with all that is done to frames, in operations that exporters know."""

from __future__ import annotations

import copy
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.errors import UsageFault
from augrgb.encoders import EfficientNetLite, HfBackbone, I3dRgb, SmallRGB
from augrgb.encoders.files import LoadedEncoder
from augrgb.encoders.i3d import resized_for
from augrgb.encoders.parts.brightness import LEAST_STD, USUAL_MEAN, USUAL_STD
from augrgb.encoders.parts.hf_images import resized

_KNOWN = (SmallRGB, EfficientNetLite, I3dRgb, HfBackbone)


class EncoderGraph(nn.Module):
    """Windows of RGB frames to features, with the choice of frames, resizing and normalization inside.

    Shape: (N, window, H, W, 3) uint8 -> (N, C) float32.

    Raises:
        UsageFault: E-MOD-035, an encoder of something else than RGB.
    """

    frames: Tensor

    def __init__(self, loaded: LoadedEncoder) -> None:
        super().__init__()
        size = loaded.settings.size
        if not isinstance(loaded.encoder, _KNOWN) or size is None:
            problem = f"{loaded.encoder.name} reads {loaded.encoder.modality}; only encoders of RGB are exported"
            raise UsageFault("E-MOD-035", loaded.folder, problem, "Export the RGB student.")
        self.encoder = copy.deepcopy(loaded.encoder).eval()
        if isinstance(self.encoder, EfficientNetLite | I3dRgb):
            self.encoder.fast = False  # that form is for torch
        frames = torch.tensor(list(self.encoder.frames_read(loaded.settings.clock.window)))
        self.register_buffer("frames", frames, persistent=False)
        self.resize = _resizing(self.encoder, height=size[1], width=size[0])

    def forward(self, windows: Tensor) -> Tensor:
        """See the class."""
        x, encoder = windows.index_select(1, self.frames).float(), self.encoder
        if isinstance(encoder, SmallRGB):
            return cast(Tensor, encoder(_standardized(x, encoder.normalize)))
        if isinstance(encoder, EfficientNetLite):
            return cast(Tensor, encoder(self.resize(_standardized(x, encoder.normalize))))
        if encoder.normalize != "none":  # images of usual brightness, as `relit` makes them
            x = (_standardized(x, encoder.normalize) * USUAL_STD + USUAL_MEAN).round().clamp(0, 255)
        x = self.resize(x)
        if isinstance(encoder, I3dRgb):
            return cast(Tensor, encoder(x * (2 / 255) - 1))
        images = encoder.images
        if self.resize.changes:
            x = x.round().clamp(0, 255)
        x = (x / 255 - torch.tensor(images.mean)) / torch.tensor(images.std)
        return cast(Tensor, encoder(x))


def _standardized(x: Tensor, normalize: str) -> Tensor:
    if normalize == "none":
        return (x - USUAL_MEAN) * (1 / USUAL_STD)
    x = x - x.mean((1, 2, 3, 4), keepdim=True)
    std = x.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
    return x / std.clamp(min=LEAST_STD)


def _resizing(encoder: Any, height: int, width: int) -> Resizing:
    """What `prepare` of the encoder does to the shape of a frame."""
    sides = (height, width)
    if isinstance(encoder, EfficientNetLite):
        return Resizing(sides, (encoder.side, encoder.side), "bilinear", smooth=True)
    if isinstance(encoder, I3dRgb):
        to = resized_for(height, width, encoder.side, encoder.fit, encoder.side + 2)
        cut = (encoder.side, encoder.side) if encoder.fit == "crop" else None
        return Resizing(sides, to, "bilinear", smooth=encoder.fit == "stretch", cut=cut)
    if isinstance(encoder, HfBackbone):
        images = encoder.images
        to = resized(height, width, images)
        return Resizing(sides, to, images.resample, smooth=True, cut=(images.height, images.width))
    return Resizing(sides, sides, "bilinear", smooth=False)


class Resizing(nn.Module):
    """`F.interpolate` between two fixed sizes as two matrix products, then a cut from the middle.

    Shape: (N, n, H, W, 3) float -> (N, n, H', W', 3).
    """

    def __init__(
        self,
        before: tuple[int, int],
        after: tuple[int, int],
        mode: Literal["bilinear", "bicubic"],
        *,
        smooth: bool,
        cut: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.changes = before != after
        for name, one, other, least in zip(("rows", "columns"), before, after, cut or after, strict=True):
            unit = torch.eye(one)[:, None, :, None].repeat(1, 1, 1, 8)  # images one pixel wide are smoothed wrongly
            matrix = F.interpolate(unit, size=(other, 8), mode=mode, align_corners=False, antialias=smooth)[:, 0, :, 0]
            first = (other - least) // 2
            self.register_buffer(name, matrix.t()[first : first + least].contiguous(), persistent=False)
        self.plain = not self.changes and (cut is None or cut == after)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        if self.plain:
            return x
        rows, columns = cast(Tensor, self.rows), cast(Tensor, self.columns)
        x = x.permute(0, 1, 4, 2, 3)
        return (rows @ (x @ columns.t())).permute(0, 1, 3, 4, 2)
