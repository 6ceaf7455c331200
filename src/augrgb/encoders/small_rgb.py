"""A small RGB encoder that trains on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.encoders.parts.brightness import Normalize, standardized
from augrgb.encoders.parts.conv_net import SnippetConvNet
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows


class SmallRGB(SnippetEncoder):
    """Small 3D convolutional network on RGB windows.

    Each frame's difference to the mean of its window is given beside the frame: cameras stand still, and a small
    network that must find the moving figure in a cluttered room by itself learns next to nothing from few videos.

    Args:
        dim: Feature width.
        width: Channels of the first layer.
        grid: Rows and columns of the last spatial average.
        frame_step: Every which frame of the window is looked at; 2 costs half and measured as good.
        dropout: Before the last linear layer.
        normalize: `window` takes brightness and contrast out of every window, for light that changes and for videos
            filmed in the dark; `none` leaves frames as they are, as in encoders saved before there was a choice.
        sees: `both`, or the `differences` alone: then the scene behind who moves cannot be learned by heart.

    Shape: windows (N, window, H, W, 3) uint8 -> (N, dim).
    """

    name = "small_rgb"
    modality = "rgb"
    data_options = ("normalize", "sees")
    former_options: ClassVar[Mapping[str, Any]] = {"normalize": "none"}
    verified = "properties and the contract of encoders; the demo trains it from nothing"

    def __init__(
        self,
        *,
        dim: int = 128,
        width: int = 16,
        grid: tuple[int, int] = (3, 4),
        frame_step: int = 2,
        dropout: float = 0.0,
        normalize: Normalize = "window",
        sees: Literal["both", "differences"] = "both",
    ) -> None:
        super().__init__()
        self.dim, self.frame_step, self.normalize, self.sees = dim, frame_step, normalize, sees
        self.options = {
            "dim": dim,
            "width": width,
            "grid": list(grid),
            "frame_step": frame_step,
            "dropout": dropout,
            "normalize": normalize,
            "sees": sees,
        }
        self.net = SnippetConvNet(6 if sees == "both" else 3, dim, width, (grid[0], grid[1]), dropout)

    def frames_read(self, window: int) -> Sequence[int]:
        """Every `frame_step`-th."""
        return range(0, window, self.frame_step)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """uint8 to about -1.8 .. 2.2."""
        check_windows(windows, np.uint8, (None, None, 3))
        return standardized(windows[:, :: self.frame_step], self.normalize)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self._seen(x))  # type: ignore[no-any-return]

    def map_shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """An eighth of the image's rows and columns."""
        return self.net.map_shape(size)

    def forward_with_map(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features, and the map of the third layer."""
        return self.net.with_map(self._seen(x))

    def _seen(self, x: Tensor) -> Tensor:
        difference = (x - x.mean(dim=1, keepdim=True)) * 4
        return torch.cat([x, difference], dim=-1) if self.sees == "both" else difference
