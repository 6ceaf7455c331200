"""Adaptive graph convolutional network (AGCN) on skeletons, and the pose encoder made of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.encoders.parts.fixed_norm import Norm, normalisation
from augrgb.encoders.parts.pose_input import Axes, PoseInput, PoseStream
from augrgb.encoders.parts.skeleton_blocks import (
    DIM,
    BlockPlan,
    TemporalConv,
    block_plans,
    mean_features,
    shortcut,
    start_convolutions,
)
from augrgb.encoders.parts.skeleton_graphs import adjacency
from augrgb.encoders.snippet_encoder import SnippetEncoder


class AgcnNet(nn.Module):
    """Ten blocks of adaptive graph and temporal convolution, with the parameter names of the published weights.

    Shi et al., "Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based Action Recognition", CVPR 2019,
    figure 3 and equation 3.

    Args:
        graphs: (3, V, V) adjacency, see `skeleton_graphs.adjacency`.
        persons: M skeletons per sample.
        norm: `stored`, batch normalisation with statistics that stay as they are (published weights); `group`, per
            sample, for training from nothing.

    Shape: (N, 3, t, V, M) -> (N, 256).
    """

    dim = DIM

    def __init__(self, graphs: NDArray[np.float32], *, persons: int = 1, norm: Norm = "stored") -> None:
        super().__init__()
        self.data_bn = normalisation(norm, persons * graphs.shape[1] * 3, groups=1)
        self.blocks: list[str] = []
        for number, plan in enumerate(block_plans(), start=1):
            self.blocks.append(f"l{number}")
            self.add_module(f"l{number}", _Block(plan, graphs, norm))
        start_convolutions(self)
        for module in self.modules():
            if isinstance(module, _GraphUnit):
                std = math.sqrt(2 / (module.dim * len(module.conv_d)))  # their results are added up
                for convolution in module.conv_d:
                    nn.init.normal_(convolution.get_parameter("weight"), 0.0, std)

    def layers(self, x: Tensor) -> Tensor:
        """Output of the last block, (N, 3, t, V, M) -> (N * M, 256, ceil(t / 4), V)."""
        count, coordinates, frames, joints, persons = x.shape
        x = self.data_bn(x.permute(0, 4, 3, 1, 2).reshape(count, persons * joints * coordinates, frames))
        x = x.view(count, persons, joints, coordinates, frames).permute(0, 1, 3, 4, 2)
        x = x.reshape(count * persons, coordinates, frames, joints)
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return mean_features(self.layers(x), x.shape[4])


class _Block(nn.Module):
    """Graph unit, temporal unit, and a way around both; (N, C_in, t, V) -> (N, C_out, ceil(t / stride), V)."""

    def __init__(self, plan: BlockPlan, graphs: NDArray[np.float32], norm: Norm) -> None:
        super().__init__()
        self.gcn1 = _GraphUnit(plan.dim_in, plan.dim_out, graphs, norm)
        self.tcn1 = TemporalConv(plan.dim_out, plan.dim_out, 9, plan.stride, norm)
        self.residual = shortcut(plan, norm)

    def forward(self, x: Tensor) -> Tensor:
        y = self.tcn1(self.gcn1(x))
        return torch.relu(y if self.residual is None else y + self.residual(x))


class _GraphUnit(nn.Module):
    """Mix joints by given, learned and attended edges; (N, C_in, t, V) -> (N, C_out, t, V)."""

    def __init__(self, dim_in: int, dim_out: int, graphs: NDArray[np.float32], norm: Norm) -> None:
        super().__init__()
        subsets, self.dim = len(graphs), dim_out
        self.register_buffer("graphs", torch.from_numpy(graphs), persistent=False)
        self.graphs: Tensor
        self.PA = nn.Parameter(torch.full(graphs.shape, 1e-6))
        self.conv_a = nn.ModuleList(nn.Conv2d(dim_in, dim_out // 4, 1) for _ in range(subsets))
        self.conv_b = nn.ModuleList(nn.Conv2d(dim_in, dim_out // 4, 1) for _ in range(subsets))
        self.conv_d = nn.ModuleList(nn.Conv2d(dim_in, dim_out, 1) for _ in range(subsets))
        self.bn = normalisation(norm, dim_out)
        self.down = (
            nn.Sequential(nn.Conv2d(dim_in, dim_out, 1), normalisation(norm, dim_out)) if dim_in != dim_out else None
        )

    def forward(self, x: Tensor) -> Tensor:
        count, _, frames, joints = x.shape
        subsets = len(self.graphs)
        weight, bias = _side_by_side([*self.conv_a, *self.conv_b], dim=0)
        embedded = F.conv2d(x, weight, torch.cat(bias)).view(count, 2, subsets, -1, joints)  # channels and time as one
        a, b = embedded.unbind(1)
        mixing = (a.transpose(2, 3) @ b / a.shape[2]).softmax(dim=2) + self.graphs + self.PA  # (N, 3, V, V)
        mixed = x.flatten(1, 2)[:, None] @ mixing  # (N, 3, C * t, V)
        weight, bias = _side_by_side([*self.conv_d], dim=1)
        y = self.bn(F.conv2d(mixed.view(count, -1, frames, joints), weight, torch.stack(bias).sum(dim=0)))
        return torch.relu(y + (x if self.down is None else self.down(x)))


class Agcn(SnippetEncoder):
    """Adaptive graph convolution on pose windows (2s-AGCN): 256 features of joints, bones or their motion.

    Shi et al., CVPR 2019. The two streams of 2s-AGCN are two encoders, `stream: joint` and `stream: bone`.
    Deviation: normalises per sample unless `norm: stored`, which published weights need.

    Args:
        names: Joint names.
        parents: Index of each joint's parent, -1 for the root: the graph. `skeleton_graphs.LAYOUTS` has usual ones.
        stream: What the network sees: `joint` positions, `bone` vectors from parent to joint, `motion` of joints.
        axes: `body` turns and scales a window by its hips and torso, found by their names; `camera` only moves the
            first frame's root to the origin; `spine_each` is that of the published weights.
        persons: Skeletons that the network takes; those beyond the first are zero, as in the published data.
        norm: `group` for training from nothing, `stored` for published weights.
        dropout: On the features, in training.

    Shape: windows (N, window, V, 3) float32 -> (N, 256).
    """

    name = "agcn"
    modality = "pose"
    verified = "every layer within 1e-4 of numbers captured from the published program; not with its weights"
    data_options = ("names", "parents")

    def __init__(
        self,
        *,
        names: tuple[str, ...],
        parents: tuple[int, ...],
        stream: PoseStream = "joint",
        axes: Axes = "body",
        persons: int = 1,
        norm: Norm = "group",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.seen = PoseInput(self.name, names, parents, stream=stream, axes=axes, persons=persons)
        self.dim, self.joints = AgcnNet.dim, self.seen.joints
        self.options = {**self.seen.options, "norm": norm, "dropout": dropout}
        self.net = AgcnNet(adjacency(tuple(parents)), persons=persons, norm=norm)
        self.dropout = ShardedDropout(dropout)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Positions and speeds (change since the last frame x 10), (N, window, V, 6)."""
        return self.seen.prepare(windows)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.net(self.seen(x)))  # type: ignore[no-any-return]


def _side_by_side(convolutions: list[nn.Module], dim: int) -> tuple[Tensor, list[Tensor]]:
    """1x1 convolutions as one: weights joined along `dim`, biases as a list."""
    weights, biases = [], []
    for convolution in convolutions:
        assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
        weights.append(convolution.weight)
        biases.append(convolution.bias)
    return torch.cat(weights, dim=dim), biases
