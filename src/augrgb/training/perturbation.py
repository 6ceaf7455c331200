"""Small random changes of features that keep their meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from augrgb.core.batch import Batch
from augrgb.core.seeds import rng_at
from augrgb.training.terms import second_view


@dataclass(frozen=True)
class Perturbation:
    """Noise on the features, and channels that are dropped throughout a video.

    Args:
        channel_dropout: Fraction of a video's channels that are set to their mean.
        noise: Standard deviation of Gaussian noise on each value, in units of its channel's std.
    """

    channel_dropout: float = 0.1
    noise: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.channel_dropout < 1:
            raise ValueError(f"a channel dropout of {self.channel_dropout} is not in [0, 1)")
        if self.noise < 0:
            raise ValueError(f"noise of {self.noise} is negative")

    def apply(self, x: Tensor, mean: Tensor, std: Tensor, rng: np.random.Generator) -> Tensor:
        """A perturbed copy. Shape: x (B, T, C), mean and std (C,) -> (B, T, C)."""
        if self.channel_dropout:
            drop = torch.from_numpy(rng.random((len(x), 1, x.shape[-1])) < self.channel_dropout)
            x = torch.where(drop, mean, x)
        if self.noise:
            x = x + torch.from_numpy(rng.standard_normal(tuple(x.shape), np.float32)) * (self.noise * std)
        return x

    def two_views(self, batch: Batch, modality: str, mean: Tensor, std: Tensor, *, seed: int, step: int) -> Batch:
        """The batch with one perturbation of a modality for the student, and another as its second view."""
        x = batch.features[modality]
        first, second = (
            self.apply(x, mean, std, rng_at(seed, "perturbation", view, step)) for view in ("first", "second")
        )
        return replace(batch, features={**batch.features, modality: first, second_view(modality): second})
