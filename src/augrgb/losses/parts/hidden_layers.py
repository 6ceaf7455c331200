"""The inner layers of student and teacher, for losses that look at more than the last one."""

from __future__ import annotations

from torch import Tensor

from augrgb.core.batch import StreamOutput
from augrgb.core.errors import UsageFault


def layer_pairs(name: str, student: StreamOutput, teacher: StreamOutput, last: int) -> list[tuple[Tensor, Tensor]]:
    """The `last` last layers of both, first to last; one layer alone is `features`.

    Raises:
        UsageFault: E-MOD-010, student or teacher has fewer hidden outputs.

    Shape: list of (B, T, C_i), (B, T, D_i).
    """
    if last == 1:
        return [(student.features, teacher.features)]
    known = min(len(student.hidden), len(teacher.hidden))
    if known < last:
        problem = f"needs {last} layers; the student gives {len(student.hidden)}, the teacher {len(teacher.hidden)}"
        raise UsageFault("E-MOD-010", name, problem, "Use fewer layers, or a teacher whose hidden outputs are kept.")
    return list(zip(student.hidden[-last:], teacher.hidden[-last:], strict=True))
