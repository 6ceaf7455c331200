"""Losses as plain functions of tensors, made from their classes."""

from __future__ import annotations

import inspect
import re
from itertools import chain
from typing import Any, Protocol

from torch import Tensor

from augrgb.core.batch import StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.distillation_loss import DistillationLoss

_DIMS_ENTRY = re.compile(r"^    dims:.*\n(?:        .*\n)*", re.MULTILINE)
_ARGUMENTS = """    student, teacher: {kind}; or `StreamOutput`s. Compute the teacher's under `torch.no_grad`.
    mask: (B, T) bool, True = real snippet.
    labels: (B, T, K) 0/1, for losses that look at labels.
    labelled: (B,) bool, the videos whose labels count; default: all if there are labels.
"""


class LossFunction(Protocol):
    """`loss(student, teacher, mask, labels=..., **options)`; the options are those of the class."""

    __name__: str

    def __call__(
        self,
        student: StreamOutput | Tensor,
        teacher: StreamOutput | Tensor,
        mask: Tensor,
        *,
        labels: Tensor | None = None,
        labelled: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """The loss, a scalar."""


def functional(entry: type[DistillationLoss]) -> LossFunction:
    """The functional form of a loss, with the class's options, defaults and documentation.

    Calling it raises UsageFault E-MOD-034 where the loss learns parameters or keeps a memory; use the class then.
    """

    def function(
        student: StreamOutput | Tensor,
        teacher: StreamOutput | Tensor,
        mask: Tensor,
        *,
        labels: Tensor | None = None,
        labelled: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        dims = _dims(student, teacher, labels, scores=entry.compares == "scores")
        loss = entry(dims, **options)
        parameters = [name for name, _ in loss.named_parameters()]
        if parameters or loss.remembers:
            what = f"learns {len(parameters)} parameters" if parameters else "keeps a memory between calls"
            if parameters == ["project.map.weight", "project.map.bias"]:
                what = f"learns a projection between widths {dims.student} and {dims.teacher}"
            sizes = f"student={dims.student}, teacher={dims.teacher}, classes={dims.classes}"
            remedy = f"Build augrgb.losses.{entry.__name__}({sizes}) once and optimize its parameters with the student."
            raise UsageFault("E-MOD-034", entry.name, f"{what}, so it cannot be a plain function", remedy)
        device = student.features.device if isinstance(student, StreamOutput) else student.device
        return loss.to(device)(student, teacher, mask, labels=labels, labelled=labelled)

    own = list(inspect.signature(function).parameters.values())[:-1]
    options = (p for p in inspect.signature(entry).parameters.values() if p.kind is p.KEYWORD_ONLY)
    function.__signature__ = inspect.Signature(list(chain(own, options)), return_annotation="Tensor")  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = entry.name
    function.__module__ = entry.__module__
    function.__doc__ = _documentation(entry)
    return function


def _dims(
    student: StreamOutput | Tensor, teacher: StreamOutput | Tensor, labels: Tensor | None, *, scores: bool
) -> StreamDims:
    outputs = [x if isinstance(x, StreamOutput) else StreamOutput(x) for x in (student, teacher)]
    widths = [output.features.shape[-1] for output in outputs]
    if scores:
        classes = student.logits.shape[-1] if isinstance(student, StreamOutput) else student.shape[-1]
        return StreamDims(classes=classes)
    classes = outputs[0].logits.shape[-1] or (0 if labels is None else labels.shape[-1])
    return StreamDims(widths[0], widths[1], classes)


def _documentation(entry: type[DistillationLoss]) -> str:
    text = inspect.getdoc(entry) or ""
    kind = "Logits (B, T, K)" if entry.compares == "scores" else "Features (B, T, C)"
    if _DIMS_ENTRY.search(text) is None:
        return text
    head, _, rest = text.partition("\n")
    note = f"\nFunctional form of `{entry.__name__}`, for use without parameters to train.\n"
    return head + "\n" + note + _DIMS_ENTRY.sub(_ARGUMENTS.format(kind=kind), rest)
