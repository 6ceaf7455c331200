"""Sums of squared dot products between channels, the cheaper way round."""

from __future__ import annotations

from torch import Tensor


def squared_products(s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`||S^T S||_F^2`, `||T^T T||_F^2` and `||S^T T||_F^2` of each item.

    From the products of channels, or, as `||S^T T||_F^2` is the sum of `S S^T` times `T T^T` entry by entry, from those
    of positions where these are fewer. Cost O(P C min(P, C)), memory O(min(P, C)^2).

    Shape: s (B, P, Cs), t (B, P, Ct) -> three of (B,).
    """
    if s.shape[1] <= max(s.shape[2], t.shape[2]):
        gram_s, gram_t = s @ s.transpose(1, 2), t @ t.transpose(1, 2)  # (B, P, P)
        return gram_s.square().sum((1, 2)), gram_t.square().sum((1, 2)), (gram_s * gram_t).sum((1, 2))
    turned = s.transpose(1, 2)
    return (
        (turned @ s).square().sum((1, 2)),
        (t.transpose(1, 2) @ t).square().sum((1, 2)),
        (turned @ t).square().sum((1, 2)),
    )
