"""What AGCN and ST-GCN++ share: the plan of their ten blocks, temporal convolution, shortcuts, start and pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from augrgb.encoders.parts.fixed_norm import Norm, normalisation

DIM = 256
"""Width of the last block, and of the features."""
_WIDTHS = (64, 64, 64, 64, 128, 128, 128, 256, 256, DIM)
_HALVING = (5, 8)


class BlockPlan(NamedTuple):
    """One of the ten blocks: channels in and out, frames per step, and whether it has a shortcut."""

    dim_in: int
    dim_out: int
    stride: int
    residual: bool


def block_plans(coordinates: int = 3) -> Iterator[BlockPlan]:
    """The ten blocks of ST-GCN, which both networks keep (Yan et al., AAAI 2018, section 3.5).

    >>> [plan.dim_out for plan in block_plans()][3:6], sum(plan.stride == 2 for plan in block_plans())
    ([64, 128, 128], 2)
    """
    before = coordinates
    for number, width in enumerate(_WIDTHS, start=1):
        yield BlockPlan(before, width, 2 if number in _HALVING else 1, number > 1)
        before = width


class TemporalConv(nn.Module):
    """Convolution over time and normalisation.

    Args:
        dim_in, dim_out: Channels.
        kernel: Frames, odd.
        stride: Frames per step.

    Shape: (N, C_in, t, V) -> (N, C_out, ceil(t / stride), V).
    """

    def __init__(self, dim_in: int, dim_out: int, kernel: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim_in, dim_out, (kernel, 1), (stride, 1), (kernel // 2, 0))
        self.bn = normalisation(norm, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))  # type: ignore[no-any-return]


def shortcut(plan: BlockPlan, norm: Norm) -> nn.Module | None:
    """The way around a block: none, the input itself, or a 1x1 convolution where width or rate changes."""
    if not plan.residual:
        return None
    if plan.dim_in == plan.dim_out and plan.stride == 1:
        return nn.Identity()
    return TemporalConv(plan.dim_in, plan.dim_out, 1, plan.stride, norm)


def start_convolutions(net: nn.Module) -> None:
    """He's initialization, as in both published programs: PyTorch's own leaves the features of all snippets alike."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def mean_features(layers: Tensor, persons: int) -> Tensor:
    """Mean over frames, joints and persons, (N * M, C, t, V) -> (N, C)."""
    return layers.mean(dim=(2, 3)).view(-1, persons, layers.shape[1]).mean(dim=1)
