"""The contrast of each row with its own and with other rows, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_LARGEST_EXPONENT = 60.0  # exp of more, times the number of candidates, might leave float32


def contrast(
    anchors: Tensor,
    own: Tensor,
    others: Tensor,
    use: Callable[[slice], Tensor],
    weight: Tensor,
    *,
    temperature: float,
    ratio: float = 1.0,
    chunk: int,
) -> Tensor:
    """`sum_i weight_i log(1 + ratio sum_j use_ij exp((a_i.o_j - a_i.b_i) / temperature))`.

    Gradients are formed along with the value, while a piece of the similarities is in memory, so these are neither kept
    nor computed again, and memory is `chunk` numbers beyond inputs and gradients. Not differentiable twice.

    Args:
        anchors, own: a and b, (N, C), rows of length 1 at most.
        others: o, (M, C), rows of length 1 at most.
        use: Which of the others count for some of the anchors: a slice of n rows -> (n, M), 0 or 1 of any type.
        weight: (N,); rows of weight 0 cost as much as others.
        temperature: Divides similarities.
        ratio: How many candidates each of the `others` stands for.
        chunk: Similarities held at once.
    """
    result: Tensor = _Contrast.apply(anchors, own, others, use, weight, temperature, ratio, chunk)  # type: ignore[no-untyped-call]
    return result


class _Contrast(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        b: Tensor,
        o: Tensor,
        use: Callable[[slice], Tensor],
        weight: Tensor,
        temperature: float,
        ratio: float,
        chunk: int,
    ) -> Tensor:
        wanted = [torch.empty_like(x) if need else None for x, need in zip((a, b), ctx.needs_input_grad, strict=False)]
        grad_a, grad_b = wanted
        grad_o = torch.zeros_like(o) if ctx.needs_input_grad[2] else None
        total = a.new_zeros(())
        rows = max(1, chunk // max(1, len(o)))
        with torch.autocast(a.device.type, enabled=False):
            for start in range(0, len(a), rows):
                part = slice(start, start + rows)
                pa, pb, w, allowed = a[part], b[part], weight[part], use(part)
                positive = (pa * pb).sum(1, keepdim=True)
                e = torch.addmm(positive, pa, o.T, beta=-1 / temperature, alpha=1 / temperature)  # (rows, M)
                if 2 / temperature > _LARGEST_EXPONENT and len(o):
                    # log(1 + sum) with everything, the 1 too, divided by the largest summand
                    e = e.masked_fill_(allowed == 0, -torch.inf)
                    shift = e.amax(1, keepdim=True).clamp_(min=0)
                    mass = e.sub_(shift).exp_().sum(1) * ratio
                    whole = mass + torch.exp(-shift[:, 0])
                    total += torch.dot(whole.log() + shift[:, 0], w)
                else:
                    mass = e.exp_().mul_(allowed).sum(1) * ratio
                    whole = mass + 1
                    total += torch.dot(whole.log(), w)  # log1p costs as much as the rest of the row
                slope = (w / (whole * temperature))[:, None]  # of exp(gap), times ratio
                if grad_a is not None:
                    grad_a[part] = torch.addcmul(torch.mm(e, o).mul_(ratio), pb, mass[:, None], value=-1).mul_(slope)
                if grad_b is not None:
                    grad_b[part] = pa * (-mass[:, None] * slope)
                if grad_o is not None:
                    grad_o.addmm_(e.T, pa * slope, alpha=ratio)
        ctx.gradients = (grad_a, grad_b, grad_o)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return (*(g * gradient if g is not None else None for g in ctx.gradients), *[None] * 5)
