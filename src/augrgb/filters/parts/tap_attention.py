"""Attention of each snippet over itself and two neighbors at a distance, separately in every channel."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PIECE_BYTES = 256 * 1024  # one operand of a piece: a few of them stay in a core's cache
"""Elementwise work goes through the sequence in pieces of this size on processors; other devices take it whole."""


def tap_attention(qkv: Tensor, rel: Tensor, distance: int) -> Tensor:
    """Rectified per-channel attention over the taps `t - distance, t, t + distance`.

    With i in {-1, 0, 1}, all products per channel: `l_i[t] = q[t] k[t + i d]`, `w = softmax over i of l`,
    `out[t] = relu(sum_i w_i[t] (v[t + i d] + rel_i))`. A tap outside the sequence has k = v = 0. Windows are never
    unfolded: the taps are views of `qkv`, and the backward pass computes the weights again instead of keeping them.

    Args:
        qkv: Queries, keys and values side by side, (B, T, 3C).
        rel: What is added to the values of each tap, (3, C).
        distance: d, in snippets.

    Returns:
        (B, T, C).
    """
    if torch.is_grad_enabled() and (qkv.requires_grad or rel.requires_grad):
        return _TapAttention.apply(qkv, rel, distance)  # type: ignore[no-any-return, no-untyped-call]
    return _attend(qkv, rel, distance)


class _TapAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, rel: Tensor, distance: int) -> Tensor:
        ctx.save_for_backward(qkv, rel)
        ctx.distance = distance
        return _attend(qkv, rel, distance)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        qkv, rel = ctx.saved_tensors
        d_qkv, d_rel = torch.zeros_like(qkv), torch.zeros_like(rel)
        for piece in _pieces(qkv, ctx.distance):
            q, keys, values = _operands(qkv, rel, piece)
            weights = _weights(q, keys)
            out = _mix(weights, values)
            g = gradient[:, piece.here] * (out > 0)
            d_q = d_qkv[:, piece.here].chunk(3, dim=-1)[0]
            for i, (w, key, value, place) in enumerate(zip(weights, keys, values, piece.taps, strict=True)):
                w *= g  # the gradient of value i
                d_rel[i] += w.sum((0, 1))
                if place is not None:  # outside the sequence key and value are constants
                    d_logit = (value - out).mul_(w)
                    d_q.addcmul_(d_logit, key)
                    _, d_k, d_v = d_qkv[:, place].chunk(3, dim=-1)
                    d_k.addcmul_(d_logit, q)
                    d_v += w
        return d_qkv, d_rel, None


class _Piece(NamedTuple):
    here: slice
    taps: tuple[slice | None, slice, slice | None]  # None = outside the sequence


def _pieces(qkv: Tensor, distance: int) -> Iterator[_Piece]:
    """Cut the sequence so that each tap of a piece is wholly inside or wholly outside of it."""
    B, T, C3 = qkv.shape
    d = min(distance, T)
    length = T
    if qkv.device.type == "cpu":
        length = max(1, PIECE_BYTES // (B * C3 // 3 * qkv.element_size()))
    for start, stop in pairwise(sorted({*range(0, T, length), d, T - d, T} | {0})):
        before = slice(start - d, stop - d) if start >= d else None
        after = slice(start + d, stop + d) if stop <= T - d else None
        yield _Piece(slice(start, stop), (before, slice(start, stop), after))


def _operands(qkv: Tensor, rel: Tensor, piece: _Piece) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Query, three keys and three values of a piece."""
    nothing = qkv.new_zeros(1, 1, rel.shape[1])
    keys, values = [], []
    for r, place in zip(rel, piece.taps, strict=True):
        key, value = (nothing, nothing) if place is None else qkv[:, place].chunk(3, dim=-1)[1:]
        keys.append(key)
        values.append(value + r)
    return qkv[:, piece.here].chunk(3, dim=-1)[0], keys, values


def _weights(q: Tensor, keys: list[Tensor]) -> list[Tensor]:
    logits = [q * key for key in keys]
    top = torch.maximum(torch.maximum(logits[0], logits[1]), logits[2])
    for logit in logits:
        logit.sub_(top).exp_()
    total = (logits[0] + logits[1]).add_(logits[2]).reciprocal_()
    return [logit.mul_(total) for logit in logits]


def _mix(weights: list[Tensor], values: list[Tensor]) -> Tensor:
    out = weights[0] * values[0]
    return out.addcmul_(weights[1], values[1]).addcmul_(weights[2], values[2])


def _attend(qkv: Tensor, rel: Tensor, distance: int) -> Tensor:
    out = qkv.new_empty(*qkv.shape[:2], rel.shape[1])
    for piece in _pieces(qkv, distance):
        q, keys, values = _operands(qkv, rel, piece)
        out[:, piece.here] = _mix(_weights(q, keys), values).relu_()
    return out
