"""Deterministic number recipes used by the fixtures (see README.md, section 0)."""

import math
from typing import Any

import numpy as np

_M = np.uint64(0xFFFFFFFF)


def u(p: Any, n: Any) -> Any:
    """n float64 numbers in [0, 1): u(p, j) for j = 0..n-1."""
    h = (np.arange(1, n + 1, dtype=np.uint64) + np.uint64(int(p) * 1000003)) * np.uint64(2654435761) & _M
    h ^= h >> np.uint64(16)
    h = h * np.uint64(2246822519) & _M
    h ^= h >> np.uint64(13)
    h = h * np.uint64(3266489917) & _M
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) / 4294967296.0


def s(p: Any, shape: Any) -> Any:
    """array of the given shape, C order, values 2u-1 in [-1, 1)."""
    return (2.0 * u(p, int(np.prod(shape)) if len(shape) else 1) - 1.0).reshape(shape)


def parameter(kind: Any, p: Any, shape: Any, gain: Any) -> Any:
    v = s(p, shape)
    if kind == "weight":
        v = gain * math.sqrt(3.0 / int(np.prod(shape[1:]))) * v
    elif kind in ("bias", "norm_bias", "bn_mean"):
        v = 0.1 * v
    elif kind == "norm_weight":
        v = 1.0 + 0.1 * v
    elif kind == "bn_var":
        v = 1.0 + 0.3 * v
    elif kind == "pa":
        v = 0.02 * v
    elif kind == "rel_t":
        v = 0.5 * v
    else:
        raise ValueError(kind)
    return v.astype(np.float32)


def state_dict(table: Any, gain: Any) -> Any:
    """table: list of [p, name, shape, kind]; entries of kind 'skip' are left out."""
    return {name: parameter(kind, p, shape, gain) for p, name, shape, kind in table if kind != "skip"}


def features(p: Any, shape: Any, amp: Any = 1.0) -> Any:
    return (amp * s(p, shape)).astype(np.float32)


def clip(p: Any, shape: Any) -> Any:
    """video clip (B, C, T, H, W) for the I3D fixtures."""
    b, c, t, h, w = np.meshgrid(*[np.arange(n, dtype=np.float64) for n in shape], indexing="ij")
    wave = 0.6 * np.sin(0.11 * h + 0.7 * c + 0.9 * b) * np.cos(0.07 * w + 0.3 * t)
    return (wave + 0.4 * s(p, shape)).astype(np.float32)


def labels(p: Any, shape_btk: Any, lengths: Any, threshold: Any = 0.2) -> Any:
    """0/1 labels (B, T, K): u < threshold, zero beyond the given lengths."""
    y = (u(p, int(np.prod(shape_btk))).reshape(shape_btk) < threshold).astype(np.float32)
    for i, n in enumerate(lengths):
        y[i, n:] = 0
    return y
