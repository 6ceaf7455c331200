"""Inflated 3D Inception-v1 (I3D) and the RGB and flow encoders made of it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.brightness import Normalize, relit
from augrgb.encoders.parts.i3d_parts import ConvUnit, MixedBlock, SamePool
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows
from augrgb.video.flow.settings import FlowSettings

Fit = Literal["crop", "stretch", "keep"]
_CELLS_TOGETHER = 16 * 224 * 224  # of clips that go through the network at once: so few stay in the caches
FLOW_RANGE_PIXELS = 20.0  # published flow images hold -20 .. 20 pixels

_WIDTHS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}


class I3dNet(nn.Module):
    """The trunk of I3D with the parameter names of the published PyTorch weights.

    Carreira and Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR 2017, figure 3.
    Deviation: statistics of the batch normalisation stay as stored, in training too.

    Args:
        channels: Of the input image: 3 for RGB, 2 for flow.

    Shape: (N, channels, t, H, W) -> (N, 1024, t', H', W'): 1/8 of the frames and 1/32 of the sides, rounded up, then
        averaged over 2 x 7 x 7 of them at every place (over fewer where there are not as many).
    """

    dim = 1024

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = ConvUnit(channels, 64, (7, 7, 7), (2, 2, 2))
        self.MaxPool3d_2a_3x3 = SamePool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = ConvUnit(64, 64)
        self.Conv3d_2c_3x3 = ConvUnit(64, 192, (3, 3, 3))
        self.MaxPool3d_3a_3x3 = SamePool((1, 3, 3), (1, 2, 2))
        dim = 192
        pools = {
            "Mixed_4b": ("MaxPool3d_4a_3x3", SamePool((3, 3, 3), (2, 2, 2))),
            "Mixed_5b": ("MaxPool3d_5a_2x2", SamePool((2, 2, 2), (2, 2, 2))),
        }
        for name, widths in _WIDTHS.items():
            if name in pools:
                self.add_module(*pools[name])
            block = MixedBlock(dim, widths)
            self.add_module(name, block)
            dim = block.dim

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.children():
            x = stage(x)
        return _average(x)

    def fast(self, x: Tensor) -> Tensor:
        """The same within rounding, without gradients: few clips at a time, batch normalisation folded in."""
        stages = []
        for part in self.children():
            assert isinstance(part, ConvUnit | SamePool | MixedBlock)
            stages.append(part.fast())
        together = max(1, _CELLS_TOGETHER // max(1, x.shape[2:].numel()))
        results = []
        for clips in torch.split(x, together):
            y = clips.contiguous(memory_format=torch.channels_last_3d)
            for stage in stages:
                y = stage(y)
            results.append(_average(y))
        return torch.cat(results)


def _average(x: Tensor) -> Tensor:
    """Mean over 2 x 7 x 7 cells at every place."""
    kernel = [min(want, have) for want, have in zip((2, 7, 7), x.shape[2:], strict=True)]
    return F.avg_pool3d(x, kernel, stride=1)


class I3dRgb(SnippetEncoder):
    """I3D on RGB windows: 1024 features, for published weights (`import_weights`) or fine-tuning.

    Carreira and Zisserman, CVPR 2017; images are prepared as by the published PyTorch program.

    Args:
        side: Images enter the network side x side.
        fit: `crop` cuts the middle out, and enlarges only what is too small; `stretch` resizes whole images;
            `keep` changes nothing.
        fast: Use the faster reading of the network where no gradients are wanted; equal within rounding.
        normalize: `window` brings brightness and contrast of every window to usual values; `none` leaves frames as they
            are, as the published weights saw them.

    Shape: windows (N, window, H, W, 3) uint8 -> (N, 1024).
    """

    name = "i3d_rgb"
    modality = "rgb"
    data_options = ("normalize",)
    verified = "every stage within 1e-4 of numbers captured from the published PyTorch program; not with its weights"

    def __init__(self, *, side: int = 224, fit: Fit = "crop", fast: bool = True, normalize: Normalize = "none") -> None:
        super().__init__()
        _check_side(self.name, side)
        self.dim, self.side, self.fit, self.fast, self.normalize = I3dNet.dim, side, fit, fast, normalize
        self.options = {"side": side, "fit": fit, "fast": fast, "normalize": normalize}
        self.net = I3dNet(3)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """uint8 to -1 .. 1, side x side."""
        check_windows(windows, np.uint8, (None, None, 3))
        windows = relit(windows, self.normalize)
        x = torch.from_numpy(np.ascontiguousarray(windows)).float().mul_(2 / 255).sub_(1)
        return _fitted(x, self.side, self.fit, least=self.side + 2)

    def forward(self, x: Tensor) -> Tensor:
        return _features(self.net, x, fast=self.fast)


class I3dFlow(SnippetEncoder):
    """I3D on optical-flow windows: 1024 features, for published weights (`import_weights`) or fine-tuning.

    Carreira and Zisserman, CVPR 2017.
    Deviation: the published weights saw TV-L1 flow up to 20 pixels, as imported weights do here; trained from nothing,
    it sees DIS flow up to 7.9 pixels unless `flow` says otherwise.

    Args:
        side: Images enter the network side x side.
        fit: `crop` cuts the middle out, and enlarges only what is too small; `stretch` resizes whole images;
            `keep` changes nothing. Displacements grow with the image.
        fast: Use the faster reading of the network where no gradients are wanted; equal within rounding.
        flow: The flow that it sees: method and range, such as `{method: tvl1, bound: 20}`.

    Shape: windows (N, window, H, W, 2) int8 -> (N, 1024).
    """

    name = "i3d_flow"
    modality = "flow"
    data_options = ("flow",)
    verified = "every stage within 1e-4 of numbers captured from the published PyTorch program; not with its weights"

    def __init__(
        self, *, side: int = 224, fit: Fit = "crop", fast: bool = True, flow: FlowSettings | None = None
    ) -> None:
        super().__init__()
        _check_side(self.name, side)
        self.dim, self.side, self.fit, self.fast = I3dNet.dim, side, fit, fast
        self.options = {"side": side, "fit": fit, "fast": fast}
        self.flow = FlowSettings.of(flow)
        if self.flow.options():
            self.options["flow"] = self.flow.options()
        self.net = I3dNet(2)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """int8 steps to -1 .. 1 for -20 .. 20 pixels of the resized image, side x side."""
        check_windows(windows, np.int8, (None, None, 2))
        x = torch.from_numpy(np.ascontiguousarray(windows)).float()
        x.mul_(1 / (self.flow.steps_per_pixel * FLOW_RANGE_PIXELS))
        growth = resized_for(x.shape[2], x.shape[3], self.side, self.fit, self.side)
        scale = torch.tensor([growth[1] / x.shape[3], growth[0] / x.shape[2]])  # (right, down)
        return _fitted(x.mul_(scale), self.side, self.fit, least=self.side).clamp_(-1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return _features(self.net, x, fast=self.fast)


def _features(net: I3dNet, x: Tensor, *, fast: bool) -> Tensor:
    """Mean over whatever places are left, (N, window, H, W, C) -> (N, 1024)."""
    x = x.permute(0, 4, 1, 2, 3)
    y = net.fast(x) if fast and not torch.is_grad_enabled() else net(x)
    return y.mean(dim=(2, 3, 4))


def resized_for(height: int, width: int, side: int, fit: Fit, least: int) -> tuple[int, int]:
    """Height and width after resizing, before cropping."""
    if fit == "stretch":
        return side, side
    shorter = min(height, width)
    if fit == "keep" or shorter >= least:
        return height, width
    return round(height * least / shorter), round(width * least / shorter)


def _fitted(x: Tensor, side: int, fit: Fit, least: int) -> Tensor:
    """Resize and crop (N, window, H, W, C)."""
    count, window, height, width, channels = x.shape
    size = resized_for(height, width, side, fit, least)
    if size != (height, width) and count:
        flat = x.reshape(count * window, height, width, channels).permute(0, 3, 1, 2)
        flat = F.interpolate(flat, size=size, mode="bilinear", align_corners=False, antialias=fit == "stretch")
        x = flat.permute(0, 2, 3, 1).reshape(count, window, *size, channels)
    if fit != "crop":
        return x
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    return x[:, :, top : top + side, left : left + side].contiguous()


def _check_side(name: str, side: int) -> None:
    if side < 32:
        raise UsageFault("E-CFG-003", f"{name}.side", f"must be at least 32 pixels, got {side}")
