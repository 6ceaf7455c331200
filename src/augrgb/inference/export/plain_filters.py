"""Temporal filters on one whole video without padding, in operations that exporters know at any length.

The filters themselves work on padded batches and choose code by the length, which a graph of free length cannot. Each
form here uses the filter's own layers and gives its results within rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan

from augrgb.filters import Gru, MsTct, MsTemba, Pdan, TemporalFilter, Transformer


class PlainFilter(nn.Module):
    """A filter, evaluated on a video all of whose snippets are real. Shape: (1, T, dim_in) -> (1, T, width)."""

    def __init__(self, filter: TemporalFilter) -> None:
        super().__init__()
        self.filter = filter
        self._form = next((form for kind, form in _FORMS.items() if isinstance(filter, kind)), _itself)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self._form(self.filter, x)


def _itself(filter: Any, x: Tensor) -> Tensor:
    mask = torch.ones_like(x[..., 0], dtype=torch.bool)
    return cast(Tensor, filter(x, mask)[0])


def _gru(filter: Any, x: Tensor) -> Tensor:
    for forward, backward in filter.layers:
        x = torch.cat([_read(forward, x), _read(backward, x.flip(1)).flip(1)], -1)
    return x


def _read(gru: nn.GRU, x: Tensor) -> Tensor:
    """One direction, snippet after snippet; Cho et al., EMNLP 2014, with the reset gate after the product."""
    weight, bias = cast(Tensor, gru.weight_hh_l0), cast(Tensor, gru.bias_hh_l0)
    given = F.linear(x[0], cast(Tensor, gru.weight_ih_l0), cast(Tensor, gru.bias_ih_l0))[:, None]  # (T, 1, 3 width)

    def next_state(state: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        own = F.linear(state, weight, bias)
        reset_x, update_x, new_x = now.chunk(3, -1)
        reset_h, update_h, new_h = own.chunk(3, -1)
        new = torch.tanh(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
        update = torch.sigmoid(update_x + update_h)
        state = new + update * (state - new)
        return state, state.clone()  # a state and an output may not be the same memory

    _, states = scan(next_state, given.new_zeros(1, gru.hidden_size), given)
    return cast(Tensor, states.transpose(0, 1))


def _pdan(filter: Any, x: Tensor) -> Tensor:
    y = filter.enter(x)
    for block in filter.blocks:
        d, count = block.distance, y.shape[1]
        q, key, value = block.query_key_value(y).chunk(3, -1)
        keys, values = (F.pad(part, (0, 0, d, d)) for part in (key, value))
        places = [slice(at, at + count) for at in (0, d, 2 * d)]
        weights = torch.stack([q * keys[:, place] for place in places]).softmax(0)
        seen = torch.stack([values[:, place] for place in places]) + block.tap_term[:, None, None]
        y = y + block.mix((weights * seen).sum(0).relu())
    return cast(Tensor, y)


def _transformer(filter: Any, x: Tensor) -> Tensor:
    y = filter.enter(x)
    for layer in filter.layers:
        qkv = layer.query_key_value(layer.norm_attention(y))
        y = y + layer.attended(_window_attention(qkv, layer.distance_bias))
        y = y + layer.narrow(F.gelu(layer.widen(layer.norm_feed(y))))
    return cast(Tensor, filter.leave(y))


def _window_attention(qkv: Tensor, bias: Tensor) -> Tensor:
    """`window_attention` of the filter; blocks are gathered, for slices of a free length are not known to fit."""
    heads, r, T = len(bias), bias.shape[1] // 2, qkv.shape[1]
    n = (T + r - 1) // r
    padded = F.pad(qkv[0], (0, 0, r, 2 * r - 1))  # a block before, and after as much as blocks may need
    own = torch.arange(n)[:, None] * r + torch.arange(r, 2 * r)  # (n, r)
    near = torch.arange(n)[:, None] * r + torch.arange(3 * r)  # (n, 3r)
    padded = padded.view(-1, 3, heads, qkv.shape[-1] // (3 * heads))
    q = padded[own][:, :, 0].transpose(1, 2)  # (n, heads, r, D)
    k, v = (padded[near][:, :, i].transpose(1, 2) for i in (1, 2))  # (n, heads, 3r, D)
    distance = torch.arange(3 * r) - torch.arange(r, 2 * r)[:, None]  # (r, 3r)
    real = (near >= r) & (near < T + r)
    seen = (distance.abs() <= r) & real[:, None, None]
    logits = q @ k.mT / q.shape[-1] ** 0.5 + bias[:, (distance + r).clamp(0, 2 * r)]
    weights = logits.masked_fill(~seen, torch.finfo(logits.dtype).min).softmax(-1)
    rows = (weights @ v).transpose(1, 2).flatten(2).flatten(0, 1)
    return cast(Tensor, rows.index_select(0, torch.arange(T))[None])


def _ms_tct(filter: Any, x: Tensor) -> Tensor:
    length, y, maps = _count(x), x, []
    for stage, project in zip(filter.stages, filter.project, strict=True):
        y = stage.enter(_convolved(stage.merge, y))
        for block in stage.blocks:
            y = _ms_tct_block(block, y)
        y = stage.leave(y)
        maps.append(_stretched(project(y), x, length))
    mixed = [fine + add(maps[-1]) for fine, add in zip(maps[:-1], filter.add_coarsest, strict=True)]
    return cast(Tensor, filter.fuse(torch.cat([maps[-1], *reversed(mixed)], -1)))


def _ms_tct_block(block: Any, x: Tensor) -> Tensor:
    y = block.norm_attention(x)
    q, k, v = (part[0].chunk(block.heads, -1) for part in (block.query(y), *block.key_value(y).chunk(2, -1)))
    seen = [
        torch.mm((torch.mm(one, other.t()) / one.shape[-1] ** 0.5).softmax(-1), value)  # a head, (T, D)
        for one, other, value in zip(q, k, v, strict=True)
    ]
    x = x + block.attended(torch.cat(seen, -1))[None]
    taps, y = block.depthwise.weight[:, 0], _taps(block.widen(block.norm_local(x)), 1)
    y = y[0] * taps[:, 0] + y[1] * taps[:, 1] + y[2] * taps[:, 2] + block.depthwise.bias
    return cast(Tensor, x + block.narrow(F.gelu(y)))


def _convolved(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """A convolution with three taps, padded, as products: exporters fix lengths at convolutions of a free stride."""
    taps = torch.cat(_taps(x, conv.stride[0]), -1)  # (1, S, 3 C)
    return F.linear(taps, conv.weight.transpose(1, 2).flatten(1), conv.bias)


def _taps(x: Tensor, stride: int) -> list[Tensor]:
    padded, length = F.pad(x, (0, 0, 1, 1)), x.shape[1]
    return [padded[:, tap : tap + length : stride] for tap in range(3)]


def _stretched(coarse: Tensor, fine: Tensor, length: Tensor) -> Tensor:
    """Linear interpolation to as many snippets as `fine` has; see `MsTct`."""
    cells = _count(coarse)
    t = torch.arange(fine.shape[1])
    position = ((t + 0.5) * (cells / length) - 0.5).clamp(min=0).minimum(cells - 1)
    low = position.floor()
    high = (low + 1).minimum(cells - 1).long()
    share = (position - low)[:, None]
    low_rows, high_rows = coarse[0].index_select(0, low.long()), coarse[0].index_select(0, high)
    return (low_rows * (1 - share) + high_rows * share)[None]


def _ms_temba(filter: Any, x: Tensor) -> Tensor:
    y, scales = filter.enter(x), []
    real = torch.ones_like(x[..., :1])
    for block, project in zip(filter.blocks, filter.project, strict=True):
        y = _interleaved(block, y, real)
        scales.append(filter.norm(project(y)))
    return cast(Tensor, filter.leave(_state_space(filter.mix, torch.stack(scales).sum(0), real)))


def _interleaved(block: Any, x: Tensor, real: Tensor) -> Tensor:
    """Every sequence gets as many snippets as the longest one has, the last of them perhaps not real."""
    d, length, y = block.dilation, x.shape[1], block.enter(x)
    if d == 1:
        return _state_space(block.spaces[0], y, real)
    y, real = (F.pad(part, (0, 0, 0, 2 * d)) for part in (y, real))
    parts = [
        _state_space(space, y[:, i : i + length : d], real[:, i : i + length : d])
        for i, space in enumerate(block.spaces)
    ]
    woven = torch.stack(parts, 2).flatten(1, 2)
    return woven.index_select(1, torch.arange(length))


def _state_space(space: Any, x: Tensor, real: Tensor) -> Tensor:
    y, gate = space.open(space.norm(x)).chunk(2, -1)
    y = y * real
    there = _one_way(space.ways[0], y, real)
    back = _one_way(space.ways[1], y.flip(1), real.flip(1)).flip(1)
    return cast(Tensor, x + space.close((there + back) / 2 * F.silu(gate)))


def _one_way(way: Any, x: Tensor, real: Tensor) -> Tensor:
    """The recurrence of `selective_scan`, snippet after snippet."""
    taps, size = way.local.weight[:, 0], way.local.kernel_size[0]
    padded, length = F.pad(x, (0, 0, size - 1, 0)), x.shape[1]
    local = sum(padded[:, tap : tap + length] * taps[:, tap] for tap in range(size)) + way.local.bias
    y = F.silu(local)
    low, enter, leave = way.select(y).split([way.rank, way.state, way.state], -1)
    step, decay, inner = F.softplus(way.step(low)) * real, -way.log_decay.exp(), y.shape[-1]
    given = torch.cat([y * step, step, enter, leave], -1)[0]

    def next_state(state: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        driven, moved, entering, leaving = torch.split(now, [inner, inner, way.state, way.state], -1)
        state = torch.exp(moved[:, None] * decay) * state + driven[:, None] * entering
        return state, (state * leaving).sum(-1)

    _, found = scan(next_state, torch.zeros_like(decay), given)
    return cast(Tensor, found[None] + way.skip * y)


def _count(x: Tensor) -> Tensor:
    """Snippets of x (1, T, C), as a float tensor: sizes as numbers would be fixed in the graph."""
    return torch.ones_like(x[0, :, 0]).sum()


_FORMS: dict[type[TemporalFilter], Callable[[Any, Tensor], Tensor]] = {
    Gru: _gru,
    MsTct: _ms_tct,
    MsTemba: _ms_temba,
    Pdan: _pdan,
    Transformer: _transformer,
}
