"""The head between the student's and the teacher's width; trained with the student, then dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from torch import Tensor, nn

from augrgb.core.batch import StreamOutput

ProjectionKind = Literal["auto", "linear", "mlp"]


class Projection(nn.Module):
    """Map student features to the teacher's width.

    Args:
        dim_in: Student's width Cs.
        dim_out: Teacher's width Ct.
        kind: `linear`; `mlp`: linear, ReLU, linear; `auto`: nothing if the widths are equal, else linear.

    Shape: (..., Cs) -> (..., Ct).
    """

    def __init__(self, dim_in: int, dim_out: int, kind: ProjectionKind = "auto") -> None:
        super().__init__()
        self.map: nn.Module
        if kind == "mlp":
            self.map = nn.Sequential(nn.Linear(dim_in, dim_in), nn.ReLU(), nn.Linear(dim_in, dim_out))
        elif kind == "auto" and dim_in == dim_out:
            self.map = nn.Identity()
        else:
            self.map = nn.Linear(dim_in, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis."""
        return self.map(x)  # type: ignore[no-any-return]

    def of(self, student: StreamOutput) -> StreamOutput:
        """The student's output with mapped features; the output itself where nothing is to be mapped.

        Then all losses and teachers share what is derived from it.
        """
        if isinstance(self.map, nn.Identity):
            return student
        return replace(student, features=self.map(student.features))
