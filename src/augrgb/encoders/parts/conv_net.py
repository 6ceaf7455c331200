"""The 3D convolutional network behind `small_rgb` and `small_flow`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout


class SnippetConvNet(nn.Module):
    """Four 3D convolutions, an average over the cells of a coarse grid, and a linear layer.

    Averaging over the whole image learns several times slower here: the figure is small, and where its limbs are
    says what it does. Two halves of the window are kept apart as well.

    Args:
        channels: Channels of the input image.
        dim: Width of the result.
        width: Channels of the first layer; later ones have 1.5, 3 and 6 times as many.
        grid: Rows and columns of the last average; (3, 4) keeps every cell of a 64 x 48 image.
        dropout: On the averaged activations.

    Shape: (N, window, H, W, channels) -> (N, dim).
    """

    def __init__(self, channels: int, dim: int, width: int, grid: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.grid = grid
        sizes = (width, width * 3 // 2, width * 3, width * 6)
        self.layers = nn.Sequential(
            _layer(channels, sizes[0], (1, 5, 5), (1, 2, 2)),
            _layer(sizes[0], sizes[1], (3, 3, 3), (1, 2, 2)),
            _layer(sizes[1], sizes[2], (3, 3, 3), (1, 2, 2)),
            _layer(sizes[2], sizes[3], (3, 3, 3), (2, 2, 2)),
        ).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.dropout = ShardedDropout(dropout)
        self.project = nn.Linear(sizes[3] * 2 * grid[0] * grid[1], dim)

    def forward(self, x: Tensor) -> Tensor:
        return self._finish(self.layers(x.permute(0, 4, 1, 2, 3)))  # the input already lies channels-last

    def with_map(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The result, and the output of the third layer, mean over time: (N, channels, rows, columns)."""
        third = self.layers[:3](x.permute(0, 4, 1, 2, 3))  # (N, C, t, h, w)
        return self._finish(self.layers[3](third)), third.mean(dim=2)

    def map_shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """(channels, rows, columns) of the map of an image (width, height)."""
        return self.layers[2][0].out_channels, -(-size[1] // 8), -(-size[0] // 8)

    def _finish(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool3d(x, (2, *self.grid)).flatten(1)
        return self.project(self.dropout(x))  # type: ignore[no-any-return]


def _layer(dim_in: int, dim_out: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    groups = next(groups for groups in (8, 4, 2, 1) if dim_out % groups == 0)
    return nn.Sequential(
        nn.Conv3d(dim_in, dim_out, kernel, stride, padding, bias=False),
        nn.GroupNorm(groups, dim_out),
        nn.ReLU(inplace=True),
    )
