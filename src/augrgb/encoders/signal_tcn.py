"""A small encoder of time series."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows


class SignalTcn(SnippetEncoder):
    """Temporal convolutional network on windows of a time series: wearable IMU, pressure mat, radar.

    Dilated convolutions with residual connections as in Bai, Kolter, Koltun, "An Empirical Evaluation of Generic
    Convolutional and Recurrent Networks for Sequence Modeling", arXiv 1803.01271.
    Deviation: not causal, GroupNorm; the mean and the maximum over the window are kept.

    Args:
        channels: Of a row.
        mean, std: Of each channel over the training videos.
        dim: Feature width.
        width: Channels of every layer.
        layers: Each sees twice as far as the one before.
        dropout: Before the last linear layer.

    Shape: windows (N, window, C) float32 -> (N, dim).
    """

    name = "signal_tcn"
    modality = "signal"
    verified = "properties and the contract of encoders; generated time series"
    data_options = ("channels", "mean", "std")

    def __init__(
        self,
        *,
        channels: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        dim: int = 64,
        width: int = 48,
        layers: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not (len(mean) == len(std) == channels >= 1) or min(std) <= 0:
            raise UsageFault("E-CFG-003", "signal_tcn", f"needs mean and std > 0 of each of {channels} channels")
        self.dim, self.channels = dim, channels
        self.options = {"channels": channels, "mean": list(mean), "std": list(std), "dim": dim, "width": width}
        self.options |= {"layers": layers, "dropout": dropout}
        self.enter = nn.Conv1d(2 * channels, width, 1)
        self.layers = nn.ModuleList(_layer(width, 2**number) for number in range(layers))
        self.dropout = ShardedDropout(dropout)
        self.project = nn.Linear(2 * width, dim)
        self._mean, self._std = np.asarray(mean, np.float32), np.asarray(std, np.float32)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Standardized values and their distances from the mean of the window, (N, window, 2C)."""
        check_windows(windows, np.float32, (self.channels,))
        x = torch.from_numpy((windows - self._mean) / self._std).clamp_(-20, 20)
        return torch.cat([x, x - x.mean(dim=1, keepdim=True)], dim=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x.transpose(1, 2))
        for layer in self.layers:
            x = x + layer(x)
        return self.project(self.dropout(torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)))  # type: ignore[no-any-return]


def _layer(width: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation),
        nn.GroupNorm(8 if width % 8 == 0 else 1, width),
        nn.ReLU(),
        nn.Conv1d(width, width, 1),
    )
