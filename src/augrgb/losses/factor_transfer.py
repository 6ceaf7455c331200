"""Factor transfer: the teacher's features, paraphrased, are what the student's are translated to."""

from __future__ import annotations

from typing import Literal, Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.attention_transfer import attention
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional


class FactorTransfer(DistillationLoss):
    """Match normalized factors that a paraphraser makes of the teacher's features and a translator of the student's.

    Kim et al., "Paraphrasing Complex Network: Network Compression via Factor Transfer", NeurIPS 2018.
    `paper`: difference of the factors, each scaled over the video to a root mean square of 1; mean of |.|^p2. The
    paraphraser is an autoencoder of the teacher's features, whose squared error is added.
    `program`: what the widespread RepDistiller program computes without paraphraser: mean over channels of |f|^p1,
    scaled to length 1 over the positions, mean of |.|^p2 (p1 = p2 = 2 is attention transfer).
    Deviation: positions are the real snippets of a video; one layer in place of three; paraphraser and translator
    are trained together with the student, not before.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        form: Which of the two.
        rate: Channels of a factor relative to Ct (`paper`).
        p1: Power of the features (`program`).
        p2: Power of the difference.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "ft"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["paper", "program"] = "paper",
        rate: float = 0.5,
        p1: float = 2.0,
        p2: float = 1.0,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form, self.p1, self.p2 = form, p1, p2
        if form == "paper":
            self.require("student", "teacher")
            factors = max(1, round(rate * self.dims.teacher))
            self.paraphraser = nn.Sequential(nn.Linear(self.dims.teacher, factors), nn.LeakyReLU(0.1))
            self.restore = nn.Linear(factors, self.dims.teacher)
            self.translator = nn.Sequential(nn.Linear(self.dims.student, factors), nn.LeakyReLU(0.1))

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        mask = batch.mask
        if not mask.any():
            return nothing(student)
        if self.form == "program":
            return factor_transfer(student.features, teacher.features, mask, self.p1, self.p2)
        factor_t, factor_s = self.paraphraser(teacher.features), self.translator(student.features)
        error: Tensor = (self.restore(factor_t[mask]) - teacher.features[mask]).square().mean()
        # the student follows the paraphraser, which follows the teacher alone
        gap = _scaled(factor_s, mask) - _scaled(factor_t.detach(), mask)
        return error + gap[mask].abs().pow(self.p2).mean()


def factor_transfer(s: Tensor, t: Tensor, mask: Tensor, p1: float, p2: float) -> Tensor:
    """Mean of `|a_S - a_T|^p2`, a the attention of power p1. Shape: (B, P, Cs), (B, P, Ct), (B, P) -> scalar."""
    return (attention(s, mask, p1) - attention(t, mask, p1))[mask].abs().pow(p2).mean()


def _scaled(factor: Tensor, mask: Tensor) -> Tensor:
    """Each video's factor with a root mean square of 1 over real snippets and channels."""
    factor = factor.masked_fill(~mask[..., None], 0)
    entries = (mask.sum(1) * factor.shape[-1]).to(factor.dtype)
    return F.normalize(factor.flatten(1), dim=1).view_as(factor) * entries.sqrt()[:, None, None]


ft = functional(FactorTransfer)
