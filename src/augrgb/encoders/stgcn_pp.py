"""ST-GCN++ on skeletons, and the pose encoder made of it."""

from __future__ import annotations

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
    block_plans,
    mean_features,
    shortcut,
    start_convolutions,
)
from augrgb.encoders.parts.skeleton_graphs import adjacency
from augrgb.encoders.snippet_encoder import SnippetEncoder

_BRANCHES = 6
_DILATIONS = (1, 2, 3, 4)


class StgcnPpNet(nn.Module):
    """Ten blocks of graph and multi-branch temporal convolution, with the parameter names of the published weights.

    Duan et al., "PYSKL: Towards Good Practices for Skeleton Action Recognition", ACM Multimedia 2022, section 3.1:
    edges of ST-GCN (Yan et al., AAAI 2018, eq. 10) as free parameters that start from the skeleton, a way around
    the graph unit, six temporal branches.

    Args:
        graphs: (3, V, V) adjacency, see `skeleton_graphs.adjacency`: where the learned edges start.
        norm: `stored`, batch normalisation with statistics that stay as they are (published weights); `group`, per
            sample, for training from nothing.

    Shape: (N, 3, t, V, M) -> (N, 256), mean over persons, frames and joints.
    """

    dim = DIM

    def __init__(self, graphs: NDArray[np.float32], *, norm: Norm = "stored") -> None:
        super().__init__()
        self.data_bn = normalisation(norm, 3 * graphs.shape[1], groups=1)
        self.gcn = nn.ModuleList(_Block(plan, graphs, norm) for plan in block_plans())
        start_convolutions(self)

    def layers(self, x: Tensor) -> Tensor:
        """Output of the last block, (N, 3, t, V, M) -> (N * M, 256, ceil(t / 4), V)."""
        count, coordinates, frames, joints, persons = x.shape
        x = self.data_bn(x.permute(0, 4, 3, 1, 2).reshape(count * persons, joints * coordinates, frames))
        x = x.view(count * persons, joints, coordinates, frames).permute(0, 2, 3, 1)
        for block in self.gcn:
            x = block(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return mean_features(self.layers(x), x.shape[4])


class _Block(nn.Module):
    """Graph unit, temporal unit, and a way around both; (N, C_in, t, V) -> (N, C_out, ceil(t / stride), V)."""

    def __init__(self, plan: BlockPlan, graphs: NDArray[np.float32], norm: Norm) -> None:
        super().__init__()
        self.gcn = _GraphUnit(plan.dim_in, plan.dim_out, graphs, norm)
        self.tcn = _TemporalUnit(plan.dim_out, plan.stride, norm)
        self.residual = shortcut(plan, norm)

    def forward(self, x: Tensor) -> Tensor:
        y = self.tcn(self.gcn(x))
        return torch.relu(y if self.residual is None else y + self.residual(x))


class _GraphUnit(nn.Module):
    """Mix joints by learned edges, and a way around; (N, C_in, t, V) -> (N, C_out, t, V)."""

    def __init__(self, dim_in: int, dim_out: int, graphs: NDArray[np.float32], norm: Norm) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.from_numpy(graphs.copy()))
        self.conv = nn.Conv2d(dim_in, dim_out * len(graphs), 1)
        self.bn = normalisation(norm, dim_out)
        self.down = None
        if dim_in != dim_out:
            self.down = nn.Sequential(nn.Conv2d(dim_in, dim_out, 1), normalisation(norm, dim_out))

    def forward(self, x: Tensor) -> Tensor:
        count, channels, frames, joints = x.shape
        subsets = len(self.A)
        # The published program convolves once per subset, mixes joints and adds up; to mix first is the same and
        # keeps fewer channels in memory. A bias arrives at a joint as often as edges do.
        mixed = (x.flatten(1, 2)[:, None] @ self.A).view(count, subsets * channels, frames, joints)
        weight = self.conv.weight.view(subsets, -1, channels).transpose(0, 1).reshape(-1, subsets * channels, 1, 1)
        assert self.conv.bias is not None
        bias = self.conv.bias.view(subsets, -1).T @ self.A.sum(dim=1)  # (C_out, V)
        y = self.bn(F.conv2d(mixed, weight) + bias[:, None])
        return torch.relu(y + (x if self.down is None else self.down(x)))


class _TemporalUnit(nn.Module):
    """Four dilations, a maximum and a copy side by side; (N, C, t, V) -> (N, C, ceil(t / stride), V)."""

    def __init__(self, dim: int, stride: int, norm: Norm) -> None:
        super().__init__()
        narrow = dim // _BRANCHES
        wide = dim - narrow * (_BRANCHES - 1)
        steps = (stride, 1)
        branches: list[nn.Module] = []
        for dilation in _DILATIONS:
            width = narrow if branches else wide
            branches.append(nn.Sequential(*_enter(dim, width, norm), _Dilated(width, dilation, stride)))
        branches.append(nn.Sequential(*_enter(dim, narrow, norm), nn.MaxPool2d((3, 1), steps, (1, 0))))
        branches.append(nn.Conv2d(dim, narrow, 1, steps))
        self.branches = nn.ModuleList(branches)
        self.transform = nn.Sequential(normalisation(norm, dim), nn.ReLU(), nn.Conv2d(dim, dim, 1))
        self.bn = normalisation(norm, dim)

    def forward(self, x: Tensor) -> Tensor:
        together = torch.cat([branch(x) for branch in self.branches], dim=1)
        return self.bn(self.transform(together))  # type: ignore[no-any-return]


class _Dilated(nn.Module):
    """Three taps over time; (N, C, t, V) -> (N, C, ceil(t / stride), V)."""

    def __init__(self, width: int, dilation: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, (3, 1), (stride, 1), (dilation, 0), (dilation, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class StgcnPp(SnippetEncoder):
    """Graph convolution with learned edges and multi-branch time (ST-GCN++): 256 features of joints, bones or motion.

    Duan et al., "PYSKL: Towards Good Practices for Skeleton Action Recognition", ACM Multimedia 2022.
    Deviation: normalises per sample unless `norm: stored`, which published weights need.

    Args:
        names: Joint names.
        parents: Index of each joint's parent, -1 for the root: the graph. `skeleton_graphs.LAYOUTS` has usual ones.
        stream: What the network sees: `joint` positions, `bone` vectors from parent to joint, `motion` of joints.
        axes: `body` turns and scales a window by its hips and torso, found by their names; `camera` only moves the
            first frame's root to the origin; `spine` is that of the published weights.
        persons: Skeletons that the network takes; those beyond the first are zero, as in the published data.
        norm: `group` for training from nothing, `stored` for published weights.
        dropout: On the features, in training.

    Shape: windows (N, window, V, 3) float32 -> (N, 256).
    """

    name = "stgcn_pp"
    modality = "pose"
    verified = (
        "equal to a second, plain reading of the paper in the tests (1e-9 in double precision), parameter names as in "
        "the published program; neither its numbers nor its weights were available"
    )
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
        self.dim, self.joints = StgcnPpNet.dim, self.seen.joints
        self.options = {**self.seen.options, "norm": norm, "dropout": dropout}
        self.net = StgcnPpNet(adjacency(tuple(parents)), norm=norm)
        self.dropout = ShardedDropout(dropout)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Positions and speeds (change since the last frame x 10), (N, window, V, 6)."""
        return self.seen.prepare(windows)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.net(self.seen(x)))  # type: ignore[no-any-return]


def _enter(dim: int, width: int, norm: Norm) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(dim, width, 1), normalisation(norm, width), nn.ReLU()
