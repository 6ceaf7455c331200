"""A small optical-flow encoder that trains on a laptop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.encoders.parts.conv_net import SnippetConvNet
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows
from augrgb.video.flow.settings import FlowSettings


class SmallFlow(SnippetEncoder):
    """Small 3D convolutional network on optical-flow windows.

    Args:
        dim: Feature width.
        width: Channels of the first layer.
        grid: Rows and columns of the last spatial average.
        frame_step: How many neighbouring flow fields are averaged into one; 2 costs half.
        dropout: Before the last linear layer.
        flow: The flow that it sees: method and range, such as `{method: tvl1, bound: 20}`.

    Shape: windows (N, window, H, W, 2) int8 -> (N, dim).
    """

    name = "small_flow"
    modality = "flow"
    data_options = ("flow",)
    verified = "properties and the contract of encoders; the demo trains it from nothing"

    def __init__(
        self,
        *,
        dim: int = 128,
        width: int = 16,
        grid: tuple[int, int] = (3, 4),
        frame_step: int = 2,
        dropout: float = 0.0,
        flow: FlowSettings | None = None,
    ) -> None:
        super().__init__()
        self.dim, self.frame_step = dim, frame_step
        self.options = {"dim": dim, "width": width, "grid": list(grid), "frame_step": frame_step, "dropout": dropout}
        self.flow = FlowSettings.of(flow)
        if self.flow.options():
            self.options["flow"] = self.flow.options()
        self.net = SnippetConvNet(2, dim, width, (grid[0], grid[1]), dropout)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """int8 steps to pixels."""
        check_windows(windows, np.int8, (None, None, 2))
        x = torch.from_numpy(np.ascontiguousarray(windows)).float().mul_(1 / self.flow.steps_per_pixel)
        step = min(self.frame_step, x.shape[1])
        groups = x[:, : x.shape[1] // step * step].reshape(len(x), -1, step, *x.shape[2:])
        return groups.mean(dim=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # type: ignore[no-any-return]
