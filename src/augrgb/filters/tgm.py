"""Temporal Gaussian mixtures: long smooth kernels with few parameters."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.filters.parts.temporal_filter import TemporalFilter


class Tgm(TemporalFilter):
    """Temporal convolutions whose kernels are mixtures of a few learned Gaussians (TGM).

    Piergiovanni and Ryoo, "Temporal Gaussian Mixture Layer for Videos", ICML 2019, section 3. A layer has M
    Gaussians on L taps, `mean = (L - 1) / 2 (tanh a + 1)`, `sigma = exp(1 - 2 |tanh b|)`, each normalized to sum 1;
    kernel (j, i) is their mean with softmax weights (soft attention); it filters map i for map j, and the same kernel
    runs over every feature channel. Maps i are added with learned weights (a 1x1 convolution) and rectified. The
    last layer has one map; it is concatenated with the input, projected and rectified. Hidden outputs: the mean map of
    every layer, and the output.

    Args:
        dim_in: Channels of the input, which are those of every map.
        layers: Number of layers.
        width: Channels of the output.
        maps: Maps between layers.
        gaussians: M.
        length: L in snippets, odd.
        dropout: On the concatenation.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).

    Raises:
        UsageFault: E-CFG-003, an even length, or no layer.
    """

    name = "tgm"

    def __init__(
        self,
        dim_in: int,
        *,
        layers: int = 3,
        width: int = 512,
        maps: int = 8,
        gaussians: int = 16,
        length: int = 15,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(dim_in, width=width, reach=layers * (length // 2))
        if length % 2 == 0 or length < 1:
            raise UsageFault("E-CFG-003", "tgm.length", f"must be odd, so that a kernel has a middle; got {length}")
        if layers < 1:
            raise UsageFault("E-CFG-003", "tgm.layers", f"must be at least 1, got {layers}")
        counts = [1] + [maps] * (layers - 1) + [1]
        self.layers = nn.ModuleList(_Layer(before, after, gaussians, length) for before, after in pairwise(counts))
        self.dropout = ShardedDropout(dropout)
        self.leave = nn.Linear(2 * dim_in, width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        B, _, C = x.shape
        real = mask[:, None, None].to(x.dtype)  # (B, 1, 1, T)
        x = torch.where(mask[..., None], x, 0.0)
        y, hidden = x.transpose(1, 2)[:, :, None], []  # (B, C, maps, T): a channel is an item of the convolution
        for layer in self.layers:
            y = layer(y.flatten(0, 1)).unflatten(0, (B, C)) * real
            hidden.append(y.mean(2).transpose(1, 2))
        both = self.dropout(torch.cat([x, hidden[-1]], -1))
        features = self.leave(both).relu() * mask[..., None]
        return features, (*hidden, features)


class _Layer(nn.Module):
    def __init__(self, maps_in: int, maps: int, gaussians: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.center = nn.Parameter(torch.randn(gaussians))
        self.spread = nn.Parameter(torch.randn(gaussians))
        self.attention = nn.Parameter(torch.randn(maps, maps_in, gaussians))
        self.combine = nn.Parameter(torch.full((maps, maps_in), 1 / maps_in))
        self.bias = nn.Parameter(torch.zeros(maps))

    def kernels(self) -> Tensor:
        """(maps, maps_in, L), each summing to 1."""
        return self.attention.softmax(-1) @ gaussian_kernels(self.center, self.spread, self.length)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, maps_in, T) -> (N, maps, T)."""
        weight = self.combine[..., None] * self.kernels()  # filtering and adding maps are both linear: one convolution
        return F.conv1d(x, weight, self.bias, padding=self.length // 2).relu()


def gaussian_kernels(center: Tensor, spread: Tensor, length: int) -> Tensor:
    """Gaussians on `length` taps, each normalized to sum 1; equation in `Tgm`.

    Args:
        center: a, (M,).
        spread: b, (M,).
        length: L.

    Returns:
        (M, L), rows sum to 1.
    """
    mean = (length - 1) / 2 * (center.tanh() + 1)
    sigma = torch.exp(1 - 2 * spread.tanh().abs())
    tap = torch.arange(length, device=center.device, dtype=center.dtype)
    return (-((tap - mean[:, None]) ** 2) / (2 * sigma[:, None] ** 2)).softmax(-1)
