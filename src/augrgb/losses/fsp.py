"""Flow of solution procedure: how one layer's channels turn into the next one's."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Unpack

from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.class_check import check_classes
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.hidden_layers import layer_pairs
from augrgb.losses.parts.projection import Projection


class Fsp(DistillationLoss):
    """Match the products of channels of one layer with channels of the next, mean over positions.

    Yim et al., "A Gift from Knowledge Distillation: Fast Optimization, Network Minimization and Transfer Learning",
    CVPR 2017, eq. 1-2.
    Deviation: positions are the real snippets of a video. By default the two layers are features and logits
    (`features_logits`), the student's features projected to the teacher's width where they differ; `hidden` takes the
    filters' last layers, which must have equal widths.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        layers: Which layers.
        last: How many of the filter's last layers (`hidden`).

    Shape: features (B, T, C), logits (B, T, K), hidden (B, T, C_i), mask (B, T) -> scalar.

    Raises:
        UsageFault: E-CFG-003, fewer than two layers; E-MOD-008, the teacher scores other classes; E-MOD-010, hidden
            layers are missing; E-MOD-022, their widths differ.
    """

    name = "fsp"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        layers: Literal["features_logits", "hidden"] = "features_logits",
        last: int = 2,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        if last < 2:
            raise UsageFault("E-CFG-003", self.name, f"a flow needs two layers, got last={last}", "last: 2 or more.")
        self.layers, self.last = layers, last
        self.teacher_layers = last if layers == "hidden" else 0
        if layers == "features_logits":
            self.require("student", "teacher")
        self.project = Projection(self.dims.student, self.dims.teacher) if layers == "features_logits" else None

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        some = batch.mask.any(1)
        if self.project is not None:
            check_classes(self.name, student, teacher)
            pairs = [(self.project(student.features), teacher.features), (student.logits, teacher.logits)]
        else:
            pairs = layer_pairs(self.name, student, teacher, self.last)
            if any(s.shape != t.shape for s, t in pairs):
                shapes = ", ".join(f"{s.shape[-1]} and {t.shape[-1]}" for s, t in pairs)
                raise UsageFault("E-MOD-022", self.name, f"widths differ: {shapes}", "Use filters of one width.")
        if not some.any():
            return nothing(student)
        return solution_flow([(s[some], t[some]) for s, t in pairs], batch.mask[some])


def solution_flow(pairs: list[tuple[Tensor, Tensor]], mask: Tensor) -> Tensor:
    """Sum over neighboring layers of the mean squared difference of their flows.

    Shape: layers first to last, each a student's and a teacher's (B, P, C_i), mask (B, P) -> scalar.
    """
    total = pairs[0][0].new_zeros(())
    for (s, t), (next_s, next_t) in pairwise(pairs):
        total = total + (_flow(s, next_s, mask) - _flow(t, next_t, mask)).square().mean()
    return total


def _flow(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """(B, C_a, C_b): mean over real positions of the product of channel pairs."""
    a, b = (x.masked_fill(~mask[..., None], 0) for x in (a, b))
    return a.transpose(1, 2) @ b / mask.sum(1)[:, None, None]


fsp = functional(Fsp)
