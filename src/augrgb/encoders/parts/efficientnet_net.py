"""The network EfficientNet-Lite: inverted bottlenecks without squeeze-and-excitation, with ReLU6."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.encoders.parts.fixed_norm import FixedBatchNorm

_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
_LAST_STAGE = (1, 3, 1, 6, 320)  # (blocks, kernel, stride, expansion, channels), as the stages before
_STEM, _HEAD, _EPS = 32, 1280, 1e-3
_FRAMES_TOGETHER = 4  # so many frames' activations stay in the caches
_SHIFTED = 8  # one channel in 8 is taken from the frame before, one from the frame after


@dataclass(frozen=True, slots=True)
class Scale:
    """How a model of the family differs from the smallest.

    Args:
        width: Factor of the channels of all stages, rounded to multiples of 8.
        depth: Factor of the number of blocks, rounded up; first and last stage keep one.
        side: Images it was trained on, pixels.
    """

    width: float
    depth: float
    side: int


SCALES = {"lite0": Scale(1.0, 1.0, 224), "lite1": Scale(1.0, 1.1, 240), "lite2": Scale(1.1, 1.2, 260)}


class ConvNorm(nn.Module):
    """Convolution without bias, stored batch normalization, and ReLU6 where asked for.

    Borders are padded with zeros so that the output has ceil(side / stride) rows and columns; of an odd number of
    padded rows the larger half lies below, of columns on the right.
    """

    def __init__(
        self, dim_in: int, dim_out: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, act: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim_in, dim_out, kernel, stride, groups=groups, bias=False)
        self.norm = FixedBatchNorm(dim_out, eps=_EPS)
        self.act = act
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu" if act else "linear")

    def forward(self, x: Tensor) -> Tensor:
        x, padding = _padded(x, self.conv.kernel_size[0], self.conv.stride[0])
        x = F.conv2d(x, self.conv.weight, None, self.conv.stride, padding, 1, self.conv.groups)
        x = self.norm(x)
        return F.relu6(x) if self.act else x

    def folded(self, fused: bool) -> _Folded:
        """The same as one convolution with bias, for inference."""
        return _Folded(self, fused)


class _Folded:
    """A `ConvNorm` with its normalization folded in; `fused` lets oneDNN apply ReLU6 as it writes the result."""

    def __init__(self, unit: ConvNorm, fused: bool) -> None:
        weight, self.bias = unit.norm.folded_into(unit.conv.weight)
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.kernel, self.stride, self.groups = unit.conv.kernel_size[0], unit.conv.stride[0], unit.conv.groups
        self.act, self.fused = unit.act, fused

    def __call__(self, x: Tensor) -> Tensor:
        x, padding = _padded(x, self.kernel, self.stride)
        if self.fused:
            act, limits = ("hardtanh", [0.0, 6.0]) if self.act else ("none", [])
            sizes = ([padding] * 2, [self.stride] * 2, [1, 1])
            y = torch.ops.mkldnn._convolution_pointwise(x, self.weight, self.bias, *sizes, self.groups, act, limits, "")
            return y  # type: ignore[no-any-return]
        x = F.conv2d(x, self.weight, self.bias, self.stride, padding, 1, self.groups)
        return F.relu6(x, inplace=True) if self.act else x


class Bottleneck(nn.Module):
    """Widen, convolve each channel, narrow; added to the input where the shapes allow.

    Args:
        shift: Shift channels in time at the entry of the branch, where there is an identity beside it.
    """

    def __init__(self, dim_in: int, dim_out: int, kernel: int, stride: int, expansion: int, *, shift: bool) -> None:
        super().__init__()
        dim = dim_in * expansion
        if expansion != 1:
            self.expand = ConvNorm(dim_in, dim)
        self.depthwise = ConvNorm(dim, dim, kernel, stride, groups=dim)
        self.project = ConvNorm(dim, dim_out, act=False)
        self.identity = stride == 1 and dim_in == dim_out
        self.shift = shift and self.identity

    def units(self) -> list[ConvNorm]:
        """Its convolutions in order."""
        return [unit for unit in self.children() if isinstance(unit, ConvNorm)]

    def forward(self, x: Tensor, frames: int) -> Tensor:
        y = shifted(x, frames) if self.shift else x
        for unit in self.units():
            y = unit(y)
        return x + y if self.identity else y


class EfficientNetLiteNet(nn.Module):
    """EfficientNet-Lite without its classifier.

    Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, table 1 and
    eq. 3, in the Lite form of the TPU model repository: no squeeze-and-excitation, ReLU6 for swish, stem, head, and
    the depth of first and last stage not scaled.
    Deviation: statistics of the batch normalization stay as stored, in training too; no stochastic depth.

    Args:
        scale: Which model.
        temporal_shift: Lin et al., "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019, in every
            block with an identity (residual shift, one eighth of the channels each way).

    Frozen layers at the beginning are read in the fast way in training too, unless `fast` is false.

    Shape: images (N, 3, H, W) in about -1 .. 1, N a multiple of `frames` -> (N, 1280).
    """

    dim = _HEAD

    def __init__(self, scale: Scale, *, temporal_shift: bool = False) -> None:
        super().__init__()
        self.stem = ConvNorm(3, _STEM, 3, 2)
        self.blocks = nn.ModuleList()
        dim = _STEM
        for number, (count, kernel, stride, expansion, channels) in enumerate((*_STAGES, _LAST_STAGE)):
            fixed = number in (0, len(_STAGES))
            dim_out = _rounded(channels * scale.width)
            for repeat in range(count if fixed else math.ceil(count * scale.depth)):
                first = stride if repeat == 0 else 1
                self.blocks.append(Bottleneck(dim, dim_out, kernel, first, expansion, shift=temporal_shift))
                dim = dim_out
        self.head = ConvNorm(dim, _HEAD)

    def forward(self, x: Tensor, frames: int = 1, *, fast: bool = True) -> Tensor:
        first = self._frozen_parts() if fast and not x.requires_grad else 0
        if first:  # nothing there learns, so the fast reading does
            with torch.no_grad():
                x = self._read_fast(x, frames, first)
        else:
            x = self.stem(x.contiguous(memory_format=torch.channels_last))
        for block in self.blocks[max(first - 1, 0) :]:
            x = block(x, frames)
        y: Tensor = self.head(x)
        return y.mean(dim=(2, 3))

    def fast(self, x: Tensor, frames: int = 1) -> Tensor:
        """The same within rounding, without gradients: normalization folded in, few frames at a time."""
        return self._read_fast(x, frames, len(self.blocks) + 2)

    def _frozen_parts(self) -> int:
        """How many of stem and blocks, from the beginning, have no weight that learns."""
        count = 0
        for part in (self.stem, *self.blocks):
            if any(parameter.requires_grad for parameter in part.parameters()):
                break
            count += 1
        return count

    def _read_fast(self, x: Tensor, frames: int, parts: int) -> Tensor:
        """The first `parts` (at least one) of stem, blocks, and head with its mean over places."""
        fused, whole = _can_fuse(x), parts > len(self.blocks) + 1
        stem, head = self.stem.folded(fused), self.head.folded(fused) if whole else None
        blocks: list[tuple[Bottleneck, list[_Folded]]] = []
        for block in self.blocks[: parts - 1]:
            assert isinstance(block, Bottleneck)
            blocks.append((block, [unit.folded(fused) for unit in block.units()]))
        results = []
        for part in torch.split(x, max(1, _FRAMES_TOGETHER // frames) * frames):
            y = stem(part.contiguous(memory_format=torch.channels_last))
            for block, units in blocks:
                entry = y
                y = shifted(y, frames) if block.shift else y
                for unit in units:
                    y = unit(y)
                y = y.add_(entry) if block.identity else y
            results.append(head(y).mean(dim=(2, 3)) if head is not None else y)
        return torch.cat(results) if results else x.new_zeros(0, _HEAD)


def shifted(x: Tensor, frames: int) -> Tensor:
    """An eighth of the channels from the frame before, an eighth from the frame after; zeros at the ends of a window.

    Lin et al., ICCV 2019, section 3.

    >>> shifted(torch.arange(1.0, 4).view(3, 1, 1, 1).expand(3, 8, 1, 1), 3)[:, :3, 0, 0].tolist()
    [[2.0, 0.0, 1.0], [3.0, 1.0, 2.0], [0.0, 2.0, 3.0]]

    Shape: (N * frames, C, H, W) -> same.
    """
    if frames == 1:
        return x
    y, part = x.clone(memory_format=torch.preserve_format), x.shape[1] // _SHIFTED
    shape = (x.shape[0] // frames, frames, *x.shape[1:])
    old, new = x.view(shape), y.view(shape)
    new[:, :-1, :part] = old[:, 1:, :part]
    new[:, -1, :part] = 0
    new[:, 1:, part : 2 * part] = old[:, :-1, part : 2 * part]
    new[:, 0, part : 2 * part] = 0
    return y


def _padded(x: Tensor, kernel: int, stride: int) -> tuple[Tensor, int]:
    """The input, and the padding that the convolution is left to do."""
    if stride == 1:
        return x, kernel // 2
    down, right = (max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:])
    if down == right and down % 2 == 0:
        return x, down // 2
    return F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2)), 0


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, not more than a tenth below."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def _can_fuse(x: Tensor) -> bool:
    """Whether this build of PyTorch has oneDNN's convolution with activation."""
    available = x.device.type == "cpu" and x.dtype == torch.float32 and torch._C._has_mkldnn
    return available and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
