"""State spaces at several dilations, mixed by one more: linear in the length of the video."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.filters.parts.selective_scan import selective_scan
from augrgb.filters.parts.temporal_filter import TemporalFilter


class MsTemba(TemporalFilter):
    """Blocks of dilated selective state spaces whose outputs a last state space mixes (MS-Temba).

    Sinha et al., "MS-Temba: Multi-Scale Temporal Mamba for Understanding Long Untrimmed Videos", CVPR 2026
    (arXiv 2501.06138). Block i: linear, LayerNorm, GELU; the snippets t with equal t mod d_i form d_i interleaved
    sequences, each with a bidirectional state space of its own (pre-norm, residual); they are woven together again. The
    next block reads what this one gives. Fuser: every block's output is projected to the last block's width and
    normalized (one LayerNorm for all), the sum goes through one more state space. Beside the classifier each block has
    one of its own in training (weight 0.3 each).
    Deviation: two directions share the projections of a state space and have their own convolution and scan, as in
    Vision Mamba (Zhu et al., ICML 2024), which the program is built on. Padding and gaps move no state and are zeros to
    the convolutions, so a video's result does not depend on its batch. The program's term on the similarity of the
    output matrices C of a block (published weight 100 on a mean over all snippets) is left out: for sequences of
    different length it compares what does not belong together.

    Hidden outputs: those of the blocks, and the output.

    Args:
        dim_in: Channels of the input.
        width: Channels of the last block and of the output.
        channels: Channels of the blocks before the last.
        dilations: Of the blocks: `channels` and one more.
        state: Numbers per channel that a state space remembers.
        expansion: Channels inside a state space, as a multiple of the block's.
        kernel: Snippets that its convolution sees, in each direction.
        dropout: On the input and on what a state space adds.
        block_weight: Of each block's own classifier in training; 0 leaves them out.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).

    Raises:
        UsageFault: E-CFG-003, not one dilation for each block, or one below 1.
    """

    name = "ms_temba"

    def __init__(
        self,
        dim_in: int,
        *,
        width: int = 576,
        channels: tuple[int, ...] = (256, 384),
        dilations: tuple[int, ...] = (1, 2, 3),
        state: int = 16,
        expansion: int = 2,
        kernel: int = 4,
        dropout: float = 0.3,
        block_weight: float = 0.3,
    ) -> None:
        super().__init__(dim_in, width=width, reach=None)
        if len(dilations) != len(channels) + 1 or min(dilations) < 1:
            problem = f"{dilations} are not a number of at least 1 for each of {len(channels) + 1} blocks"
            raise UsageFault("E-CFG-003", "ms_temba.dilations", problem, "Give one more than `channels`.")
        sizes = (*channels, width)
        self.block_weight, self.sizes = block_weight, sizes
        self.dropout = ShardedDropout(dropout)
        self.enter = nn.Linear(dim_in, sizes[0])
        options = _Sizes(state, expansion, kernel, dropout)
        self.blocks = nn.ModuleList(
            _Block(before, size, dilation, options)
            for (before, size), dilation in zip(pairwise((sizes[0], *sizes)), dilations, strict=True)
        )
        self.project = nn.ModuleList(nn.Linear(size, width) for size in sizes)
        self.norm = nn.LayerNorm(width)
        self.mix = _StateSpace(width, options)
        self.leave = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        real = mask[..., None]
        y, outputs = self.enter(self.dropout(torch.where(real, x, 0.0))), []
        for block in self.blocks:
            y = torch.where(real, block(y, mask), 0.0)
            outputs.append(y)
        scales = [self.norm(project(scale)) for project, scale in zip(self.project, outputs, strict=True)]
        mixed = self.leave(self.mix(torch.stack(scales).sum(0), mask))
        features = torch.where(real, mixed, 0.0)
        return features, (*outputs, features)

    def auxiliary_losses(self, num_classes: int) -> dict[str, tuple[nn.Module, float]]:
        """The classifiers of the blocks."""
        return {"blocks": (BlockTerm(self.sizes, num_classes), self.block_weight)}


class BlockTerm(nn.Module):
    """A classifier for each block: the sum of their binary cross-entropies over labelled snippets.

    Args:
        widths: Channels of the blocks, which are the first hidden outputs.
        num_classes: K.

    Shape: `StreamOutput` with hidden (B, T, C_i), `Batch` -> scalar.
    """

    def __init__(self, widths: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(width, num_classes) for width in widths)

    def forward(self, output: StreamOutput, batch: Batch) -> Tensor:
        """The sum."""
        seen = batch.labelled_snippets
        total = output.logits.new_zeros(())
        for head, hidden in zip(self.heads, output.hidden, strict=False):
            errors = F.binary_cross_entropy_with_logits(head(hidden), batch.labels, reduction="none").mean(-1)
            total = total + errors.masked_fill(~seen, 0.0).sum() / seen.sum().clamp(min=1)
        return total


class _Sizes(NamedTuple):
    state: int
    expansion: int
    kernel: int
    dropout: float


class _Block(nn.Module):
    """Interleaved sequences, each through a state space of its own."""

    def __init__(self, dim_in: int, dim: int, dilation: int, options: _Sizes) -> None:
        super().__init__()
        self.dilation = dilation
        self.enter = nn.Sequential(nn.Linear(dim_in, dim), nn.LayerNorm(dim), nn.GELU())
        self.spaces = nn.ModuleList(_StateSpace(dim, options) for _ in range(dilation))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Shape (B, T, dim_in), (B, T) -> (B, T, dim)."""
        y, length, d = self.enter(x), x.shape[1], self.dilation
        y = F.pad(y, (0, 0, 0, -length % d)).reshape(len(x), -1, d, y.shape[2])  # (B, T / d, d, C)
        real = F.pad(mask, (0, -length % d)).reshape(len(x), -1, d)
        parts = [space(y[:, :, i], real[:, :, i]) for i, space in enumerate(self.spaces)]
        return torch.stack(parts, 2).flatten(1, 2)[:, :length]


class _StateSpace(nn.Module):
    """Pre-norm, residual: a selective state space that reads the sequence from both ends."""

    def __init__(self, dim: int, sizes: _Sizes) -> None:
        super().__init__()
        inner = sizes.expansion * dim
        self.norm = nn.LayerNorm(dim)
        self.open = nn.Linear(dim, 2 * inner, bias=False)
        rank = max(1, math.ceil(dim / 16))
        self.ways = nn.ModuleList(_Way(inner, sizes.state, rank, sizes.kernel) for _ in range(2))
        self.close = nn.Linear(inner, dim, bias=False)
        self.dropout = ShardedDropout(sizes.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Shape (B, L, dim), (B, L) -> (B, L, dim)."""
        y, gate = self.open(self.norm(x)).chunk(2, -1)
        y = y * mask[..., None]
        there, back = self.ways[0](y, mask), self.ways[1](y.flip(1), mask.flip(1)).flip(1)
        return x + self.dropout(self.close((there + back) / 2 * F.silu(gate)))  # type: ignore[no-any-return]


class _Way(nn.Module):
    """One direction: a causal convolution, and the scan whose step, input and output depend on what is read."""

    def __init__(self, inner: int, state: int, rank: int, kernel: int) -> None:
        super().__init__()
        self.rank, self.state = rank, state
        self.local = nn.Conv1d(inner, inner, kernel, padding=kernel - 1, groups=inner)
        self.select = nn.Linear(inner, rank + 2 * state, bias=False)
        self.step = nn.Linear(rank, inner)
        self.log_decay = nn.Parameter(torch.arange(1, state + 1).float().log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        with torch.no_grad():
            nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)
            first = torch.exp(torch.empty(inner).uniform_(math.log(1e-3), math.log(0.1)))
            self.step.bias.copy_(first + torch.log(-torch.expm1(-first)))  # softplus gives `first` back

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Shape (B, L, inner), zero at padding, (B, L) -> (B, L, inner)."""
        parts = self.read(x)
        step = torch.where(mask[..., None], parts[1], 0.0)
        return selective_scan(parts[0], step, -self.log_decay.exp(), *parts[2:]) + self.skip * parts[0]

    def read(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the scan gets: inputs, steps, how they enter and how they leave."""
        y = F.silu(self.local(x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        low, enter, leave = self.select(y).split([self.rank, self.state, self.state], -1)
        return y, F.softplus(self.step(low)), enter, leave
