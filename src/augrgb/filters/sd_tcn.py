"""The default temporal filter: a stack of dilated temporal convolutions, also for live sources."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.filters.parts.temporal_filter import TemporalFilter


class SdTcn(TemporalFilter):
    """Residual dilated temporal convolutions, dilation 1, 2, 4, ... (SD-TCN).

    Dai et al., "Learning an Augmented RGB Representation with Cross-Modal Knowledge Distillation for Action Detection",
    ICCV 2021, section 3.1. Block i: dilated convolution (kernel 3, dilation 2^i, zero padding) -> ReLU -> 1x1
    convolution -> dropout -> add the block's input -> times mask.
    Deviation: the first 1x1 convolution is masked too. Published code leaves its bias at padded snippets, where the
    first block sees it, so there a video's result depends on how much padding its batch adds.

    With a look-ahead the filter suits live sources: an output depends on so many snippets after it and no more. The
    three taps of a block then lie further back; the look-ahead goes to the blocks with short dilation first. `step`
    continues such a filter where it stopped.

    Args:
        dim_in: Channels of the input.
        layers: Number of blocks.
        width: Channels inside and of the output.
        dropout: In each block.
        mask_input: False leaves the first 1x1 convolution unmasked, as published.
        look_ahead_snippets: Snippets after an output that may change it: 0 = causal; None = as far as before it.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).

    Raises:
        UsageFault: E-CFG-003, a look-ahead below 0 or beyond what the blocks reach; E-CFG-019, with an unmasked input.

    >>> SdTcn(4, layers=2, width=8, look_ahead_snippets=0).reach
    6
    """

    name = "sd_tcn"

    def __init__(
        self,
        dim_in: int,
        *,
        layers: int = 5,
        width: int = 512,
        dropout: float = 0.5,
        mask_input: bool = True,
        look_ahead_snippets: int | None = None,
    ) -> None:
        most = 2**layers - 1
        ahead = most if look_ahead_snippets is None else look_ahead_snippets
        super().__init__(dim_in, width=width, reach=max(ahead, 2 * most - ahead))
        if not 0 <= ahead <= most:
            problem = f"is {ahead}, but {layers} layers see 0 to {most} snippets ahead"
            raise UsageFault("E-CFG-003", "look_ahead_snippets", problem, "Choose fewer, or more layers.")
        if look_ahead_snippets is not None and not mask_input:
            problem = "an unmasked input cannot be continued where it stopped"
            raise UsageFault("E-CFG-019", "look_ahead_snippets", problem, "Leave mask_input out.")
        self.mask_input, self.look_ahead_snippets = mask_input, look_ahead_snippets
        self.enter = nn.Conv1d(dim_in, width, 1)
        self.blocks = nn.ModuleList()
        for i in range(layers):
            delay = min(2**i, ahead)
            ahead -= delay
            self.blocks.append(_Block(width, 2**i, dropout, delay))

    @property
    def _stack(self) -> list[_Block]:
        return [block for block in self.blocks if isinstance(block, _Block)]

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        real = mask[:, None].to(x.dtype)  # (B, 1, T)
        y = self.enter(x.transpose(1, 2))
        if self.mask_input:
            y = torch.where(mask[:, None], y, 0.0)
        hidden = []
        for block in self._stack:
            y = block(y, real)
            hidden.append(y.transpose(1, 2))
        return y.transpose(1, 2) * mask[..., None], tuple(hidden)

    def start(self, batch: int = 1) -> StepState:
        """The state before the first snippet.

        Raises:
            UsageFault: E-CFG-015, the filter has no look-ahead, so it cannot run step by step.
        """
        if self.look_ahead_snippets is None:
            problem = "this filter sees both sides of a snippet and cannot run step by step"
            raise UsageFault("E-CFG-015", "step", problem, "Train it with look_ahead_snippets: 0, 1, 2, ...")
        weight = self.enter.weight
        pasts = tuple(weight.new_zeros(batch, self.width, block.memory) for block in self._stack)
        return StepState(pasts, weight.new_zeros(batch, 1, self.look_ahead_snippets))

    def step(self, x: Tensor, mask: Tensor, state: StepState) -> tuple[Tensor, Tensor, StepState]:
        """Filter the next n snippets of a sequence, in evaluation mode; what `forward` gives on all of it.

        Outputs come `look_ahead_snippets` later than their inputs: the first ones stand for snippets before the start,
        and the last ones take as many masked snippets at the end.

        Args:
            x: (B, n, dim_in), n >= 1.
            mask: (B, n) bool; False where there is no snippet.
            state: From `start`, or from the step before.

        Returns:
            The features (B, n, width), the mask of the snippets that they are of (B, n), and the next state.
        """
        real = mask[:, None].to(x.dtype)
        y = torch.where(mask[:, None], self.enter(x.transpose(1, 2)), 0.0)
        pasts = []
        seen = torch.cat([state.real, real], -1)  # (B, 1, look-ahead + n)
        n, late = x.shape[1], 0
        for block, past in zip(self._stack, state.pasts, strict=True):
            late += block.delay
            begin = seen.shape[-1] - late - n
            joined = torch.cat([past, y], -1)
            y = block.step(joined, seen[..., begin : begin + n], n)
            pasts.append(joined[..., -block.memory :])
        shown = seen[..., :n]
        return (y * shown).transpose(1, 2), shown[:, 0] > 0, StepState(tuple(pasts), seen[..., n:])


class StepState(NamedTuple):
    """What an SD-TCN remembers between steps: the last inputs of each block, and which snippets were real."""

    pasts: tuple[Tensor, ...]
    real: Tensor


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int, dropout: float, delay: int) -> None:
        super().__init__()
        self.dilation, self.delay, self.memory = dilation, delay, 2 * dilation
        padding = dilation if delay == dilation else 0
        self.dilated = nn.Conv1d(width, width, 3, padding=padding, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = ShardedDropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        wide = x if self.delay == self.dilation else F.pad(x, (self.memory - self.delay, self.delay))
        return (x + self.dropout(self.mix(F.relu(self.dilated(wide))))) * real  # type: ignore[no-any-return]

    def step(self, joined: Tensor, real: Tensor, n: int) -> Tensor:
        """`forward` for the last n of (B, width, memory + n) inputs, `delay` snippets late."""
        weight, bias = self.dilated.weight, self.dilated.bias
        y = F.conv1d(joined, weight, bias, dilation=self.dilation)  # (B, width, n)
        begin = self.memory - self.delay
        return (joined[..., begin : begin + n] + self.mix(F.relu(y))) * real  # type: ignore[no-any-return]
