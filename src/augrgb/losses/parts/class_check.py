"""Checks that losses on logits or labels share."""

from __future__ import annotations

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault


def check_classes(name: str, student: StreamOutput, teacher: StreamOutput) -> None:
    """Refuse a teacher that does not score the student's classes, and outputs without class scores.

    Raises:
        UsageFault: E-MOD-008, the teacher scores other classes; E-MOD-032, there are no logits.
    """
    known, needed = teacher.logits.shape[-1], student.logits.shape[-1]
    if not known and not needed:
        remedy = "Pass StreamOutput(features, logits) for student and teacher, from augrgb.losses."
        raise UsageFault("E-MOD-032", name, "needs logits (B, T, K) besides features", remedy)
    if known != needed:
        problem = f"the teacher has logits of {known} classes, the student {needed}"
        raise UsageFault("E-MOD-008", name, problem, "Use a loss on features, or a teacher with these classes.")


def check_labels(name: str, batch: Batch, instead: str = "") -> None:
    """Refuse a batch without any labels; one whose videos are all unlabelled passes.

    Args:
        instead: What to do if there are no labels.

    Raises:
        UsageFault: E-MOD-031.
    """
    if not batch.labels.shape[-1]:
        remedy = "Pass labels=(B, T, K); videos without labels have zeros there and labelled=False."
        raise UsageFault("E-MOD-031", name, "needs labels, the batch has none", f"{remedy} {instead}".strip())
