"""A new distillation loss: one class. In the package it would be one file in `losses/` and one import line."""

from typing import Unpack

import torch
from torch import Tensor

from augrgb.losses import LOSSES, Batch, DistillationLoss, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class Energy(DistillationLoss):
    """Match how strong each snippet's features are, up to one scale.

    Args:
        dims: Not needed.
        power: Exponent of the strength.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "energy"  # its key in recipes: distill.losses.energy
    compares = "snippets"  # a mean over snippets: several teachers may share them

    def __init__(self, dims: StreamDims | None = None, *, power: float = 2.0, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.power = power

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = (output.features[batch.mask].abs().pow(self.power).mean(-1) for output in (student, teacher))
        return mean_or_nothing((s / s.mean().clamp(min=1e-6) - g / g.mean().clamp(min=1e-6)).square(), student)


energy = functional(Energy)  # the function of the same name, with the class's options and documentation

if __name__ == "__main__":
    LOSSES["energy"] = Energy  # what the import line in losses/__init__.py does; recipes then know `energy`
    torch.manual_seed(0)
    student, teacher = torch.randn(2, 9, 16, requires_grad=True), torch.randn(2, 9, 24)
    mask = torch.ones(2, 9, dtype=torch.bool)
    value = energy(student, teacher, mask, power=1.0)
    value.backward()
    print(
        f"energy {value:.4f}, gradient {student.grad.norm():.4f}, equal features {energy(student, student, mask):.1f}"
    )
