"""The parts of I3D: padding and pooling as in the published network, a convolution unit, a mixed block."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.encoders.parts.fixed_norm import FixedBatchNorm

Triple = tuple[int, int, int]
Stage = Callable[[Tensor], Tensor]


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one axis so that ceil(size / stride) values come out; an odd one goes after.

    >>> same_padding(224, 7, 2), same_padding(7, 3, 2), same_padding(14, 3, 1)
    ((2, 3), (1, 1), (1, 1))
    """
    total = max(kernel - (size % stride or stride), 0)
    return total // 2, total - total // 2


def pad_same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Pad the last three axes of (N, C, t, H, W) with zeros."""
    pads: list[int] = []
    for axis in (2, 1, 0):  # F.pad wants the last axis first
        pads += same_padding(x.shape[2 + axis], kernel[axis], stride[axis])
    return F.pad(x, pads) if any(pads) else x


class SamePool(nn.Module):
    """Max pooling of (N, C, t, H, W) after zero padding to ceil(size / stride)."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)

    def fast(self) -> Stage:
        """The same for inputs that are nowhere negative: axis by axis, windows cut at the borders."""

        def pool(x: Tensor) -> Tensor:
            for axis in range(3):
                x = _pool_axis(x, 2 + axis, self.kernel[axis], self.stride[axis])
            return x

        return pool


def _pool_axis(x: Tensor, axis: int, kernel: int, stride: int) -> Tensor:
    """Maximum over windows along one axis, as element-wise maxima of shifted views."""
    if kernel == 1 and stride == 1:
        return x
    size = x.shape[axis]
    before, _ = same_padding(size, kernel, stride)
    count = -(-size // stride)
    result = x[(slice(None),) * axis + (slice(0, None, stride),)].clone()  # the tap that every window has
    for offset in range(-before, kernel - before):
        if offset == 0:
            continue
        first = max(0, -(offset // stride))  # windows before this one miss the tap
        last = min(count, (size - 1 - offset) // stride + 1)
        if last > first:
            start = first * stride + offset
            taken = (slice(None),) * axis + (slice(start, (last - 1) * stride + offset + 1, stride),)
            target = result.narrow(axis, first, last - first)
            torch.maximum(target, x[taken], out=target)
    return result


class ConvUnit(nn.Module):
    """Bias-free 3D convolution with same padding, batch normalisation, ReLU."""

    def __init__(self, dim_in: int, dim_out: int, kernel: Triple = (1, 1, 1), stride: Triple = (1, 1, 1)) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(dim_in, dim_out, kernel, stride, bias=False)
        self.bn = FixedBatchNorm(dim_out, eps=1e-3)
        nn.init.kaiming_normal_(self.conv3d.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv3d(pad_same(x, self.kernel, self.stride))))

    def fast(self) -> Stage:
        """The same as one convolution, which pads by itself where both sides are alike."""
        return _fused((self,))


def _fused(units: tuple[ConvUnit, ...]) -> Stage:
    """Outputs of units of one shape on one input, beside each other: one convolution with everything folded in."""
    kernel, stride = units[0].kernel, units[0].stride
    folded = [unit.bn.folded_into(unit.conv3d.weight) for unit in units]
    weight = torch.cat([weight for weight, _ in folded])
    bias = torch.cat([bias for _, bias in folded])

    def convolve(x: Tensor) -> Tensor:
        pads = [same_padding(x.shape[2 + axis], kernel[axis], stride[axis]) for axis in range(3)]
        padding = [before for before, _ in pads]
        if any(before != after for before, after in pads):
            x, padding = pad_same(x, kernel, stride), [0, 0, 0]
        if x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            # For single clips PyTorch by itself chooses kernels that take half as long again.
            y: Tensor = torch.mkldnn_convolution(x, weight, bias, padding, stride, (1, 1, 1), 1)
        else:
            y = F.conv3d(x, weight, bias, stride, padding=tuple(padding))
        return y.relu_()

    return convolve


class MixedBlock(nn.Module):
    """Inception block: 1x1, 1x1 - 3x3, 1x1 - 3x3, pooling - 1x1, beside each other.

    Args:
        dim_in: Input channels.
        widths: Channels of b0, b1a, b1b, b2a, b2b, b3b.
    """

    def __init__(self, dim_in: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.b0 = ConvUnit(dim_in, widths[0])
        self.b1a = ConvUnit(dim_in, widths[1])
        self.b1b = ConvUnit(widths[1], widths[2], (3, 3, 3))
        self.b2a = ConvUnit(dim_in, widths[3])
        self.b2b = ConvUnit(widths[3], widths[4], (3, 3, 3))
        self.b3a = SamePool((3, 3, 3), (1, 1, 1))
        self.b3b = ConvUnit(dim_in, widths[5])
        self.dim = widths[0] + widths[2] + widths[4] + widths[5]
        self._heads = [widths[0], widths[1], widths[3]]

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)

    def fast(self) -> Stage:
        """The same with the three 1x1 convolutions of the input as one."""
        heads, b1b, b2b = _fused((self.b0, self.b1a, self.b2a)), self.b1b.fast(), self.b2b.fast()
        b3a, b3b = self.b3a.fast(), self.b3b.fast()

        def mix(x: Tensor) -> Tensor:
            one, two, three = torch.split(heads(x), self._heads, dim=1)
            return torch.cat([one, b1b(two), b2b(three), b3b(b3a(x))], dim=1)

        return mix
