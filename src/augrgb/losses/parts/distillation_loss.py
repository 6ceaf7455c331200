"""The base of all distillation losses: their sizes, their inputs, and a zero where there is nothing to compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal, TypedDict, Unpack

from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault

Compared = Literal["scores", "snippets", "sequences"]


class Sizes(TypedDict, total=False):
    """The fields of `StreamDims` by name."""

    student: int
    teacher: int
    classes: int
    samples: int


class DistillationLoss(nn.Module, ABC):
    """Base of the distillation losses: a scalar from the outputs of student and teacher for the same batch.

    `loss(student, teacher, batch)` takes `StreamOutput`s and a `Batch`, or plain tensors:
    `loss(student, teacher, mask, labels=labels)`. A plain tensor holds features (B, T, C), or class logits (B, T, K)
    for losses that compare scores. Subclasses implement `forward`, which always gets `StreamOutput`s and a `Batch`.

    Gradient reaches the student's output and the loss's own parameters, which are optimized with the student and
    dropped after training. Run teachers under `no_grad`; losses do not detach. Where the formula has nothing to work on
    (no real snippet, one snippet, no negative) the loss is 0, never NaN. Options are keyword-only.

    Args:
        dims: Sizes of student and teacher, or by name: `student=128, teacher=256, classes=16`.

    Attributes:
        compares: What it looks at: class `scores` alone (then several teachers may be averaged into one), `snippets`,
            of which it is a mean (then it may be given some of them only), or `sequences`.
        needs: The sizes without which it cannot be built.
        teacher_layers: How many of the last layers of a teacher's filter it looks at, besides features and logits.
        remembers: Whether it keeps a memory between calls.

    Raises:
        UsageFault: E-MOD-033, a size is missing; when called, E-MOD-030 (shapes that do not fit).
    """

    name: ClassVar[str]
    compares: ClassVar[Compared] = "sequences"
    needs: ClassVar[tuple[str, ...]] = ()
    teacher_layers: int = 0
    remembers: bool = False

    def __init__(self, dims: StreamDims | None = None, **sizes: Unpack[Sizes]) -> None:
        super().__init__()
        if dims is not None and sizes:
            raise UsageFault("E-MOD-033", self.name, "sizes are given twice", "Pass StreamDims or sizes by name.")
        self.dims = StreamDims(**sizes) if dims is None else dims
        self.require(*self.needs)

    def require(self, *names: str) -> None:
        """Refuse to go on without these sizes."""
        missing = [f"{name}=" for name in names if not getattr(self.dims, name)]
        if missing:
            remedy = "student, teacher: feature widths; classes: number of classes."
            raise UsageFault("E-MOD-033", self.name, f"needs {' and '.join(missing)}", remedy)

    def __call__(
        self,
        student: StreamOutput | Tensor,
        teacher: StreamOutput | Tensor,
        batch: Batch | Tensor,
        *,
        labels: Tensor | None = None,
        labelled: Tensor | None = None,
    ) -> Tensor:
        """The loss.

        Args:
            student, teacher: Outputs, or plain features (B, T, C); plain logits (B, T, K) if scores are compared.
            batch: The batch, or its mask (B, T) bool alone.
            labels, labelled: With a mask: labels (B, T, K), and which videos have them (B,); default: all.
        """
        if isinstance(batch, Tensor):
            batch = Batch(batch, labels, labelled)  # type: ignore[arg-type]  # None = its defaults
        elif labels is not None or labelled is not None:
            raise UsageFault("E-MOD-030", self.name, "labels are given beside a Batch", "Put them into the Batch.")
        mask = batch.mask
        value: Tensor = super().__call__(
            self._output(student, "student", mask), self._output(teacher, "teacher", mask), batch
        )
        return value

    @abstractmethod
    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; `batch.mask` holds only snippets where this teacher exists."""

    def _output(self, given: StreamOutput | Tensor, side: Literal["student", "teacher"], mask: Tensor) -> StreamOutput:
        if isinstance(given, StreamOutput):
            return given
        width = self.dims.classes if self.compares == "scores" else getattr(self.dims, side)
        if given.ndim != 3 or given.shape[:2] != mask.shape or (width and given.shape[2] != width):
            expected = f"({', '.join(map(str, mask.shape))}, {width or 'C'})"
            raise UsageFault(
                "E-MOD-030", f"{self.name}: {side}", f"shape {tuple(given.shape)}, expected {expected}", "(B, T, C)."
            )
        if self.compares == "scores":
            return StreamOutput(given.new_zeros(*given.shape[:2], 0), given)
        return StreamOutput(given)


def nothing(student: StreamOutput) -> Tensor:
    """A zero attached to the student's graph, so that DDP sees a gradient in every process."""
    return student.features.flatten()[:1].sum() * 0.0 + student.logits.flatten()[:1].sum() * 0.0


def mean_or_nothing(values: Tensor, student: StreamOutput) -> Tensor:
    """The mean, or `nothing` of no values."""
    return values.mean() if values.numel() else nothing(student)
