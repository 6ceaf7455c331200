"""Privileged future: what the teacher sees later is predicted by auxiliary nodes beside the student's features."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing, nothing
from augrgb.losses.parts.functional import functional


class Pkd(DistillationLoss):
    """Regress the teacher's present and coming features with the help of auxiliary nodes, the horizon growing.

    Zhao et al., "Privileged Knowledge Distillation for Online Action Detection", 2020 (arXiv 2011.09158). From the
    paper: an offline teacher sees future frames that the online student does not; auxiliary nodes are put beside the
    student's to take up what the future adds; a curriculum widens what the teacher reveals.
    Interpretation (formulas and schedule were not available): the nodes are a linear layer with ReLU on the student's
    features. Features and nodes together regress the teacher's snippet t; the nodes alone regress its snippets
    t + 1 ... t + h, mean squared error each, h growing by one every `steps_per_snippet` training steps up to `horizon`.
    Deviation: our filters see both sides of a snippet, so this asks for foresight beyond the filter's reach; a teacher
    that works on the same video takes the place of an offline one. Logits are left to `logit_kd`.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        nodes: Number of auxiliary nodes.
        horizon: Largest distance h into the future, snippets.
        steps_per_snippet: Training steps after which h grows by one.
        future_weight: Of the mean over the coming snippets.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "pkd"
    needs = ("student", "teacher")
    steps: Tensor

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        nodes: int = 64,
        horizon: int = 4,
        steps_per_snippet: int = 200,
        future_weight: float = 1.0,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        if horizon < 1:
            problem = f"the future begins one snippet ahead, got horizon={horizon}"
            raise UsageFault("E-CFG-003", self.name, problem, "horizon: 1 or more.")
        self.horizon, self.steps_per_snippet, self.future_weight = horizon, steps_per_snippet, future_weight
        self.auxiliary = nn.Sequential(nn.Linear(self.dims.student, nodes), nn.ReLU())
        self.present = nn.Linear(self.dims.student + nodes, self.dims.teacher)
        self.future = nn.Linear(nodes, horizon * self.dims.teacher)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))  # training steps taken

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        reach = min(self.horizon, 1 + int(self.steps) // self.steps_per_snippet)
        if self.training:
            self.steps += 1
        mask = batch.mask
        if not mask.any():
            return nothing(student)
        s = student.features.masked_fill(~mask[..., None], 0)
        nodes = self.auxiliary(s)  # (B, T, nodes)
        now = self.present(torch.cat([s, nodes], -1))
        loss: Tensor = (now[mask] - teacher.features[mask]).square().mean()
        coming = self.future(nodes).unflatten(-1, (self.horizon, -1))  # (B, T, horizon, Ct)
        errors = []
        for ahead in range(1, min(reach, mask.shape[1] - 1) + 1):
            both = mask[:, ahead:] & mask[:, :-ahead]
            gap = coming[:, :-ahead, ahead - 1][both] - teacher.features[:, ahead:][both]
            errors.append(gap.square().mean(-1))
        future = torch.cat(errors) if errors else s.new_zeros(0)
        return loss + self.future_weight * mean_or_nothing(future, student)


pkd = functional(Pkd)
