"""A small encoder of low-resolution images from other sensors than cameras."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.conv_net import SnippetConvNet
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows


class SmallGrid(SnippetEncoder):
    """Small 3D convolutional network on windows of low-resolution images: thermal, depth, radar maps.

    The median of each window is taken out (a warm day is no action), and each image's difference to the mean of its
    window is given beside the image. Images with fewer than 48 rows are enlarged to twice or more their size first,
    because the network was made for about as many.

    Args:
        shape: Rows, columns and channels.
        std: Of each channel, around the medians of windows, over the training videos.
        dim: Feature width.
        width: Channels of the first layer.
        grid: Rows and columns of the last spatial average.
        dropout: Before the last linear layer.

    Shape: windows (N, window, H, W, C) float32 -> (N, dim).
    """

    name = "small_grid"
    modality = "grid"
    verified = "properties and the contract of encoders; real thermal images"
    data_options = ("shape", "std")

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        std: tuple[float, ...],
        dim: int = 128,
        width: int = 16,
        grid: tuple[int, int] = (3, 4),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(shape) != 3 or min(shape) < 1 or len(std) != shape[2] or min(std) <= 0:
            raise UsageFault("E-CFG-003", "small_grid", "needs shape (rows, columns, channels) and std > 0 per channel")
        self.dim, self.shape = dim, (shape[0], shape[1], shape[2])
        self.options = {"shape": list(shape), "std": list(std), "dim": dim, "width": width}
        self.options |= {"grid": list(grid), "dropout": dropout}
        self._std = np.asarray(std, np.float32)
        self._enlarge = max(1, -(-48 // shape[0])) if shape[0] < 48 else 1
        self.net = SnippetConvNet(2 * shape[2], dim, width, (grid[0], grid[1]), dropout)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Distances from the window's median in standard deviations, (N, window, H, W, C)."""
        check_windows(windows, np.float32, self.shape)
        middle = np.median(windows, axis=(1, 2, 3), keepdims=True)
        return torch.from_numpy(((windows - middle) / self._std).astype(np.float32)).clamp_(-20, 20)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, (x - x.mean(dim=1, keepdim=True)) * 2], dim=-1)
        if self._enlarge > 1:
            x = x.repeat_interleave(self._enlarge, dim=2).repeat_interleave(self._enlarge, dim=3)
        return self.net(x)  # type: ignore[no-any-return]
