"""Neuron selectivity transfer: what each channel responds to."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamOutput
from augrgb.losses.parts.channel_products import squared_products
from augrgb.losses.parts.distillation_loss import DistillationLoss, nothing
from augrgb.losses.parts.functional import functional


class Nst(DistillationLoss):
    """Maximum mean discrepancy between the channels of student and teacher, seen as functions of time.

    Huang and Wang, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", 2017, polynomial kernel of
    degree 2. Widths may differ.
    Deviation: the positions of a channel are the real snippets of a video; mean over videos. Cost O(T C min(T, C)).

    Args:
        dims: Not needed.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "nst"

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        some = batch.mask.any(1)
        if not some.any():
            return nothing(student)
        return neuron_selectivity(student.features[some], teacher.features[some], batch.mask[some])


def neuron_selectivity(s: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """`k(t, t) + k(s, s) - 2 k(s, t)`, k = mean squared dot product of channels of length 1 over the real positions.

    Shape: (B, P, Cs), (B, P, Ct), (B, P) -> scalar.
    """
    s, t = (F.normalize(x.masked_fill(~mask[..., None], 0), dim=1) for x in (s, t))
    of_s, of_t, of_both = squared_products(s, t)
    width_s, width_t = s.shape[2], t.shape[2]
    return (of_t / width_t**2 + of_s / width_s**2 - 2 * of_both / (width_s * width_t)).mean()


nst = functional(Nst)
