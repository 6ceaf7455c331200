"""Convolution and attention at four time scales, mixed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.filters.parts.heat_map import HeatMapTerm
from augrgb.filters.parts.temporal_filter import TemporalFilter


class MsTct(TemporalFilter):
    """Four stages of global attention and local convolution, each at half the rate of the one before (MS-TCT).

    Dai et al., "MS-TCT: Multi-Scale Temporal ConvTransformer for Action Detection", CVPR 2022, section 3. Stage: a
    convolution (kernel 3, stride 1 in the first stage, 2 after it: T snippets become ceil(T / 2)), LayerNorm, blocks of
    attention and of a depthwise convolution between two linear layers (both pre-norm, residual), LayerNorm. Mixer: the
    four maps are projected to one width and stretched linearly to T snippets; a projection of the coarsest is added to
    each other one; the four are concatenated and fused by a linear layer. No position is encoded.
    Deviation: padding is kept out of convolutions, attention and stretching, so a video's result does not depend on its
    batch; without padding the numbers are the published ones.

    The hidden outputs are the four stretched maps, finest first, before the coarsest is added: what the heat-map branch
    of the publication reads (`HeatMapTerm`).

    Args:
        dim_in: Channels of the input.
        width: Channels of the stretched maps and of the output.
        stages: Channels of the four stages, each a multiple of `heads`.
        blocks: Blocks in each stage.
        heads: Attention heads.
        expansion: Channels between the linear layers of a block, as a multiple of the stage's.
        dropout: On the input.
        heat_map_weight: Of the auxiliary loss that finds the middles of actions; 0 leaves it out.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width); four hidden (B, T, width).

    Raises:
        UsageFault: E-CFG-003, a stage that `heads` does not divide.
    """

    name = "ms_tct"

    def __init__(
        self,
        dim_in: int,
        *,
        width: int = 512,
        stages: tuple[int, int, int, int] = (256, 384, 576, 864),
        blocks: int = 3,
        heads: int = 8,
        expansion: int = 8,
        dropout: float = 0.5,
        heat_map_weight: float = 0.05,
    ) -> None:
        super().__init__(dim_in, width=width, reach=None)
        self.heat_map_weight = heat_map_weight
        if any(channels % heads for channels in stages):
            raise UsageFault("E-CFG-003", "ms_tct.stages", f"{stages} are not all multiples of {heads} heads")
        self.dropout = ShardedDropout(dropout)
        self.stages = nn.ModuleList(
            _Stage(before, channels, stride, blocks, heads, expansion)
            for before, channels, stride in zip((dim_in, *stages), stages, (1, 2, 2, 2), strict=False)
        )
        self.project = nn.ModuleList(nn.Linear(channels, width) for channels in stages)
        self.add_coarsest = nn.ModuleList(nn.Linear(width, width) for _ in stages[:-1])
        self.fuse = nn.Linear(len(stages) * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        real, y, maps = mask, self.dropout(x), []
        for stage, project in zip(self.stages, self.project, strict=True):
            y, real = stage(y, real)
            maps.append(_stretch(project(y), real, mask))
        mixed = [fine + add(maps[-1]) for fine, add in zip(maps[:-1], self.add_coarsest, strict=True)]
        features = self.fuse(torch.cat([maps[-1], *reversed(mixed)], -1))
        return torch.where(mask[..., None], features, 0.0), tuple(maps)

    def auxiliary_losses(self, num_classes: int) -> dict[str, tuple[nn.Module, float]]:
        """The heat-map branch of the publication."""
        return {"heat_map": (HeatMapTerm([self.width] * len(self.stages), num_classes), self.heat_map_weight)}


class _Stage(nn.Module):
    def __init__(self, dim_in: int, dim: int, stride: int, blocks: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.merge = nn.Conv1d(dim_in, dim, 3, stride=stride, padding=1)
        self.enter = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(_Block(dim, heads, expansion * dim) for _ in range(blocks))
        self.leave = nn.LayerNorm(dim)

    def forward(self, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """The stage's map (B, ceil(T / stride), dim) and where it is real: where any of its stride snippets is."""
        y = self.merge((x * real[..., None]).transpose(1, 2)).transpose(1, 2)
        if self.merge.stride == (2,):
            real = F.pad(real, (0, real.shape[1] % 2)).reshape(len(real), -1, 2).any(-1)
        y = self.enter(y)
        for block in self.blocks:
            y = block(y, real)
        return self.leave(y), real


class _Block(nn.Module):
    def __init__(self, dim: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_local = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query, self.key_value, self.attended = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.widen, self.narrow = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.depthwise = nn.Conv1d(inner, inner, 3, padding=1, groups=inner)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        y = self.norm_attention(x)
        q, k, v = (
            part.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (B, heads, T, dim / heads)
            for part in (self.query(y), *self.key_value(y).chunk(2, -1))
        )
        seen = real | ~real.any(1, keepdim=True)  # a row without any real snippet would divide 0 by 0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None, None])
        x = x + self.attended(y.transpose(1, 2).flatten(2))
        y = self.widen(self.norm_local(x)) * real[..., None]
        y = self.depthwise(y.transpose(1, 2)).transpose(1, 2)
        return x + self.narrow(F.gelu(y))  # type: ignore[no-any-return]


def _stretch(coarse: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """Each video's own part of a coarse map, linearly interpolated to its own length; zero at padding.

    Snippet t lies at `(t + 1/2) S / T - 1/2` between the cells, with S and T counted to the last real cell and snippet,
    and held at the ends. A cell without any real snippet gives its weight to the other one.

    Shape: coarse (B, S, C), real (B, S), mask (B, T) -> (B, T, C).
    """
    cells, snippets = (_length(part) for part in (real, mask))  # (B, 1)
    t = torch.arange(mask.shape[1], device=mask.device)
    position = ((t + 0.5) * (cells / snippets) - 0.5).clamp(min=0).minimum(cells - 1)  # (B, T)
    low = position.floor().long()
    high = (low + 1).minimum(cells - 1)
    share = position - low
    row = torch.arange(len(mask), device=mask.device)[:, None]
    weight_low, weight_high = (1 - share) * real[row, low], share * real[row, high]
    scale = mask / (weight_low + weight_high).clamp(min=torch.finfo(share.dtype).tiny)
    weights = [(weight * scale)[..., None].to(coarse.dtype) for weight in (weight_low, weight_high)]
    return coarse[row, low] * weights[0] + coarse[row, high] * weights[1]


def _length(real: Tensor) -> Tensor:
    """Snippets up to the last real one, at least 1: (B, T) -> (B, 1)."""
    numbers = torch.arange(1, real.shape[1] + 1, device=real.device)
    return (real * numbers).amax(1, keepdim=True).clamp(min=1)
