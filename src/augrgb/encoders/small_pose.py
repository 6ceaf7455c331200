"""A small encoder of 3D poses."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.body_frame import body_frame, body_marks
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows


class SmallPose(SnippetEncoder):
    """Small graph and temporal convolutional network on 3D pose windows, in the body's own axes.

    Graph convolution over joint, parent and children as in Yan et al., "Spatial Temporal Graph Convolutional
    Networks for Skeleton-Based Action Recognition", AAAI 2018, eq. 10.
    Deviation: joints have learned embeddings and are kept apart in the last layer, because sides matter.

    Args:
        names: Joint names; hips, and neck or shoulders, are found by theirs.
        parents: Index of each joint's parent, -1 for the root.
        dim: Feature width.
        width: Channels of the first block; the others have 1.5 and 2 times as many.
        dropout: Before the last linear layer.

    Shape: windows (N, window, V, 3) float32 -> (N, dim).
    """

    name = "small_pose"
    modality = "pose"
    verified = "properties and the contract of encoders; the demo trains it from nothing"
    data_options = ("names", "parents")

    def __init__(
        self,
        *,
        names: tuple[str, ...],
        parents: tuple[int, ...],
        dim: int = 128,
        width: int = 48,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(names) != len(parents):
            raise UsageFault("E-POS-004", "small_pose", f"{len(names)} joint names but {len(parents)} parents")
        self.dim, self.joints = dim, len(names)
        self.options = {
            "names": list(names),
            "parents": list(parents),
            "dim": dim,
            "width": width,
            "dropout": dropout,
        }
        self.marks = body_marks(tuple(names))
        graph = _adjacency(tuple(parents))
        self.enter = nn.Linear(6, width)
        self.identity = nn.Parameter(torch.randn(self.joints, width) * 0.1)
        self.blocks = nn.Sequential(
            _Block(width, width, 1, graph),
            _Block(width, width * 3 // 2, 2, graph),
            _Block(width * 3 // 2, width * 2, 2, graph),
        )
        self.narrow = nn.Linear(width * 2, 16)
        self.dropout = ShardedDropout(dropout)
        self.project = nn.Linear(16 * self.joints, dim)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Positions and speeds in the body's axes, (N, window, V, 6)."""
        check_windows(windows, np.float32, (self.joints, 3))
        return torch.from_numpy(body_frame(windows, self.marks))

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x) + self.identity
        x = self.blocks(x).mean(dim=1)  # (N, V, C)
        return self.project(self.dropout(torch.relu(self.narrow(x)).flatten(1)))  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Mix over neighbouring joints, then over time; (N, t, V, C_in) -> (N, ceil(t / stride), V, C_out)."""

    def __init__(self, dim_in: int, dim_out: int, stride: int, graph: Tensor) -> None:
        super().__init__()
        self.register_buffer("graph", graph, persistent=False)
        self.graph: Tensor
        self.mix = nn.Linear(dim_in * len(graph), dim_out)
        self.over_time = nn.Conv2d(dim_out, dim_out, (3, 1), (stride, 1), (1, 0))
        self.skip = nn.Conv2d(dim_in, dim_out, 1, (stride, 1))
        self.norm = nn.GroupNorm(8 if dim_out % 8 == 0 else 1, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        near = torch.einsum("kvw,ntwc->ntvkc", self.graph, x).flatten(3)
        mixed = torch.relu(self.mix(near)).permute(0, 3, 1, 2)
        summed = self.norm(self.over_time(mixed)) + self.skip(x.permute(0, 3, 1, 2))
        return torch.relu(summed).permute(0, 2, 3, 1)


def _adjacency(parents: tuple[int, ...]) -> Tensor:
    """Self, parent, and mean of the children: (3, V, V), rows sum to one or zero."""
    own, up = torch.eye(len(parents)), torch.zeros(len(parents), len(parents))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            up[joint, parent] = 1.0
    down = up.T / up.sum(dim=0).clamp(min=1)[:, None]
    return torch.stack([own, up, down])
