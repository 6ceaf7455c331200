"""Random numbers that are a pure function of where they are used, so that work can stop and go on anywhere."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *place: object) -> int:
    """A 63-bit seed for one place (`("epoch", 3)`, a video id, ...) of a run with the given seed."""
    text = "\0".join([str(seed), *map(str, place)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def rng_at(seed: int, *place: object) -> np.random.Generator:
    """A NumPy generator for one place of a run."""
    return np.random.default_rng(derive_seed(seed, *place))
