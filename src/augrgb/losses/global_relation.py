"""Sequence level: how channels vary together over the whole video."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.distillation_loss import DistillationLoss, mean_or_nothing
from augrgb.losses.projection import Projection, ProjectionKind


class GlobalRelation(DistillationLoss):
    """Match the channel covariance of each video (Global Contextual Relations).

    Dai et al., ICCV 2021, section 3.3. Z is the covariance (Ct x Ct) over a video's n real snippets, mean removed.
    `paper`: `||Z_S - Z_G||_F^2 / C^2`; `scale_free`: `|| Z_S/||Z_S||_F - Z_G/||Z_G||_F ||_F^2`; `correlation`: the
    paper form on correlation matrices. Mean over videos of at least two snippets; forms that divide leave out videos in
    which student or teacher never varies. Cost O(T C^2).

    Args:
        dims: Feature sizes of student (Cs) and teacher (Ct).
        form: Which distance.
        project: Head on the student's features.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "global_relation"

    def __init__(
        self,
        dims: StreamDims,
        *,
        form: Literal["paper", "scale_free", "correlation"] = "scale_free",
        project: ProjectionKind = "auto",
    ) -> None:
        super().__init__(dims)
        self.form = form
        self.project = Projection(dims.student, dims.teacher, project)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        several = batch.mask.sum(1) >= 2
        mask = batch.mask[several]
        s, g = self.project(student.features[several]), teacher.features[several]
        zs, zg = covariance(s, mask), covariance(g, mask)  # (videos, Ct, Ct)
        if self.form != "paper":
            varies = _varies(s, mask, zs) & _varies(g, mask, zg)
            zs, zg = zs[varies], zg[varies]
        if self.form == "scale_free":
            zs, zg = (z * _square_norm(z).rsqrt()[:, None, None] for z in (zs, zg))
            return mean_or_nothing(_square_norm(zs - zg), student)
        if self.form == "correlation":
            zs, zg = _correlation(zs), _correlation(zg)
        return mean_or_nothing(_square_norm(zs - zg) / zs.shape[-1] ** 2, student)


def covariance(x: Tensor, mask: Tensor) -> Tensor:
    """Channel covariance of each video over its real snippets. Shape: x (B, T, C), mask (B, T) -> (B, C, C)."""
    n = mask.sum(1).clamp(min=1)[:, None, None].to(x.dtype)
    x = x.masked_fill(~mask[..., None], 0)
    centred = (x - x.sum(1, keepdim=True) / n).masked_fill(~mask[..., None], 0)
    return centred.transpose(1, 2) @ centred / n


def _variance(z: Tensor) -> Tensor:
    return z.diagonal(dim1=1, dim2=2)


def _varies(x: Tensor, mask: Tensor, z: Tensor) -> Tensor:
    """Videos whose variance is more than what rounding of the mean leaves."""
    power = x.detach().square().sum(-1).masked_fill(~mask, 0).sum(1) / mask.sum(1)
    return _variance(z.detach()).sum(1) > 1e-10 * power


def _correlation(z: Tensor) -> Tensor:
    variance = _variance(z)
    scale = torch.where(variance > 0, variance.clamp(min=1e-30).rsqrt(), 0)  # a constant channel correlates with none
    return z * scale[:, :, None] * scale[:, None, :]


def _square_norm(z: Tensor) -> Tensor:
    return z.square().sum((1, 2))
