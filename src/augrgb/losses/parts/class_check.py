"""A refusal that the losses on logits share."""

from __future__ import annotations

from augrgb.core.batch import StreamOutput
from augrgb.core.errors import UsageFault


def check_classes(name: str, student: StreamOutput, teacher: StreamOutput) -> None:
    """Refuse a teacher that does not score the student's classes.

    Raises:
        UsageFault: E-MOD-008, the teacher says nothing about these classes.
    """
    known, needed = teacher.logits.shape[-1], student.logits.shape[-1]
    if known != needed:
        problem = f"the teacher has logits of {known} classes, the student {needed}"
        raise UsageFault("E-MOD-008", name, problem, "Use a loss on features, or a teacher with these classes.")
