"""The recurrence of selective state spaces, in time and memory linear in the length, without compiled kernels."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def selective_scan(x: Tensor, step: Tensor, decay: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
    """`h_t = exp(step_t decay) h_(t-1) + step_t x_t enter_t`, `y_t = h_t . leave_t`, from h = 0.

    Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023, section 3, with the simplified
    discretization of the input. Where a step is 0 the state stays as it is, so such positions are skipped.

    About sqrt(L) chunks of about sqrt(L) positions go through the recurrence side by side, twice: once to learn where
    each ends, once more from where it begins. Only the states at which chunks begin are kept for the backward pass,
    which computes the others again, chunk by chunk.

    Args:
        x: Inputs.
        step: How far each moves the state, at least 0.
        decay: At most 0.
        enter, leave: How inputs enter and outputs leave the state.

    Shape: x, step (B, L, D), decay (D, N), enter, leave (B, L, N) -> (B, L, D).
    """
    if torch.is_grad_enabled() and any(given.requires_grad for given in (x, step, decay, enter, leave)):
        return _Scan.apply(x, step, decay, enter, leave)  # type: ignore[no-any-return, no-untyped-call]
    return _scan(x, step, decay, enter, leave)[0]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Tensor, decay: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
        y, starts = _scan(x, step, decay, enter, leave)
        ctx.save_for_backward(x, step, decay, enter, leave, starts)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        x, step, decay, enter, leave, starts = ctx.saved_tensors
        length, size = x.shape[1], _chunk(x.shape[1])
        cut = [_cut(part, size) for part in (x, step, enter, leave, gradient)]
        d_x, d_step = torch.zeros_like(cut[0]), torch.zeros_like(cut[1])
        d_enter, d_leave, d_decay = torch.zeros_like(cut[2]), torch.zeros_like(cut[3]), torch.zeros_like(decay)
        later = torch.zeros_like(starts[:, 0])  # gradient of the state at the end of the chunk, (B, D, N)
        for chunk in reversed(range(cut[0].shape[1])):
            cx, cs, ce, cl, cg = (part[:, chunk] for part in cut)  # (B, size, ...)
            kept = torch.exp(cs[..., None] * decay)  # (B, size, D, N)
            driven = (cs * cx)[..., None] * ce[:, :, None]
            before = torch.empty_like(kept)  # the state before each position
            state = starts[:, chunk]
            for t in range(size):
                before[:, t] = state
                state = torch.addcmul(driven[:, t], kept[:, t], state)
            states = torch.addcmul(driven, kept, before)
            d_leave[:, chunk] = torch.einsum("btd,btdn->btn", cg, states)
            d_states = cg[..., None] * cl[:, :, None]  # grows into the gradient of each state
            for t in reversed(range(size)):
                d_states[:, t] += later
                later = kept[:, t] * d_states[:, t]
            d_driven = torch.einsum("btdn,btn->btd", d_states, ce)
            d_enter[:, chunk] = torch.einsum("btdn,btd->btn", d_states, cs * cx)
            d_log = d_states.mul_(before).mul_(kept)  # gradient of step * decay
            d_x[:, chunk] = d_driven * cs
            d_step[:, chunk] = d_driven * cx + (d_log * decay).sum(-1)
            d_decay += torch.einsum("btdn,btd->dn", d_log, cs)
        joined = [part.flatten(1, 2)[:, :length] for part in (d_x, d_step, d_enter, d_leave)]
        return joined[0], joined[1], d_decay, joined[2], joined[3]


def _scan(x: Tensor, step: Tensor, decay: Tensor, enter: Tensor, leave: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs, and the states at which the chunks begin (B, chunks, D, N)."""
    length, size = x.shape[1], _chunk(x.shape[1])
    cx, cs, ce, cl = (_cut(part, size) for part in (x, step, enter, leave))  # (B, chunks, size, ...)
    chunks = cx.shape[1]
    inputs = cs * cx
    starts = x.new_zeros(len(x), chunks, *decay.shape)
    if chunks > 1:
        ends = torch.zeros_like(starts)
        for t in range(size):
            ends = _next(ends, cs, inputs, ce, decay, t)
        through = torch.exp(cs.sum(2)[..., None] * decay)  # what is left of a chunk's first state at its end
        for chunk in range(1, chunks):
            starts[:, chunk] = torch.addcmul(ends[:, chunk - 1], through[:, chunk - 1], starts[:, chunk - 1])
    state, outputs = starts, []
    for t in range(size):
        state = _next(state, cs, inputs, ce, decay, t)
        outputs.append((state @ cl[:, :, t, :, None])[..., 0])
    return torch.stack(outputs, 2).flatten(1, 2)[:, :length], starts


def _next(state: Tensor, step: Tensor, inputs: Tensor, enter: Tensor, decay: Tensor, t: int) -> Tensor:
    driven = inputs[:, :, t, :, None] * enter[:, :, t, None]
    return torch.addcmul(driven, torch.exp(step[:, :, t, :, None] * decay), state)


def _chunk(length: int) -> int:
    return max(1, math.isqrt(length))


def _cut(x: Tensor, size: int) -> Tensor:
    """(B, L, C) -> (B, chunks, size, C), zeros after the end."""
    padded = torch.nn.functional.pad(x, (0, 0, 0, -x.shape[1] % size))
    return padded.reshape(len(x), -1, size, x.shape[2])
