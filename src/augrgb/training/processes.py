"""Several processes that compute what one would: the rows of a batch are split, results are gathered."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from augrgb.core.batch import StreamOutput
from augrgb.core.dropout import Rows, set_rows
from augrgb.core.errors import AugrgbError, EnvironmentFault, UsageFault
from augrgb.core.files import sha256_json
from augrgb.core.nested import leaves
from augrgb.core.shown import shown

T = TypeVar("T")
_TIMEOUT = timedelta(minutes=5)  # a dead process must not leave the others waiting for half an hour


def make_fabric(*, accelerator: str = "auto", precision: Any = "32-true", gpu: int | None = None) -> Fabric:
    """Lightning Fabric for this process: one device, or the place that torchrun or SLURM gave it.

    Args:
        accelerator, precision: As Lightning Fabric takes them.
        gpu: Number of the GPU; None = the first, or this process's.

    Raises:
        EnvironmentFault: E-ENV-002, the device asked for is not there.
        UsageFault: E-CFG-043, one GPU for several processes.
    """
    if accelerator == "cuda" and not torch.cuda.is_available():
        remedy = "Use train.accelerator=cpu, or a PyTorch built for CUDA and a driver that is new enough."
        raise EnvironmentFault("E-ENV-002", "accelerator", f"no CUDA device for torch {torch.__version__}", remedy)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
    if gpu is not None and world > 1:
        problem = f"cuda:{gpu} is one GPU for {world} processes"
        raise UsageFault("E-CFG-043", "device", problem, "Use cuda; every process then gets its own GPU.")
    fabric = Fabric(
        accelerator=accelerator,
        devices=here if gpu is None else [gpu],
        num_nodes=max(1, world // here),
        strategy=DDPStrategy(timeout=_TIMEOUT) if world > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric


def on_first(fabric: Fabric, work: Callable[[], T]) -> T:
    """Run something in the first process only; all processes get its result, or its error."""
    outcome: tuple[T | None, AugrgbError | None] = (None, None)
    if fabric.is_global_zero:
        try:
            outcome = (work(), None)
        except AugrgbError as error:
            if fabric.world_size == 1:
                raise
            outcome = (None, error)
    if fabric.world_size > 1:
        outcome = fabric.broadcast(outcome)
    if outcome[1] is not None:
        outcome[1].said_elsewhere = not fabric.is_global_zero
        raise outcome[1]
    return outcome[0]  # type: ignore[return-value]


def check_alike(fabric: Fabric, identity: Mapping[str, Any], where: object) -> None:
    """Refuse processes that would train different things together.

    Raises:
        UsageFault: E-RUN-017, in all of them.
    """
    if fabric.world_size == 1:
        return
    marks: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(marks, sha256_json(identity))
    if len(set(marks)) == 1:
        return
    told: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(told, leaves(identity))
    other = next(rank for rank, mark in enumerate(marks) if mark != marks[0])
    first, second = told[0], told[other]
    keys = [key for key in sorted(first.keys() | second.keys()) if first.get(key) != second.get(key)]
    listed = "; ".join(f"{key}: {shown(first.get(key))} in 0, {shown(second.get(key))} in {other}" for key in keys[:4])
    problem = f"process {other} of {fabric.world_size} trains something else than process 0 ({listed})"
    fault = UsageFault("E-RUN-017", where, problem, "Start all of them with the same command, on the same files.")
    fault.said_elsewhere = not fabric.is_global_zero
    raise fault


def own_rows(total: int, rank: int, world: int) -> Rows:
    """Which rows of a batch one of `world` processes has; sizes differ by at most one.

    >>> [own_rows(5, rank, 2) for rank in (0, 1)]
    [Rows(start=0, count=2, total=5), Rows(start=2, count=3, total=5)]
    """
    start, stop = total * rank // world, total * (rank + 1) // world
    return Rows(start, stop - start, total)


class SharedForward:
    """The student's forward pass, split over the processes.

    Every process gives the whole batch and gets the whole output; the gradient that flows back through it is the
    gradient of one process, because each takes its own rows' part and the parts are summed.

    Args:
        fabric: Launched.
        student: `(x, mask) -> StreamOutput`; moved to the device, its parameters stay the same objects.
    """

    def __init__(self, fabric: Fabric, student: nn.Module) -> None:
        self._fabric, self._student = fabric, student
        self._net = fabric.setup_module(_AsTuple(student))

    def __call__(self, x: Tensor, mask: Tensor) -> StreamOutput:
        """Shape: x (B, T, ...), mask (B, T) -> the output of the whole batch."""
        world = self._fabric.world_size
        if world == 1:
            outputs = self._net(x, mask)
        else:
            rows = own_rows(len(x), self._fabric.global_rank, world)
            set_rows(self._student, rows)
            span = slice(rows.start, rows.start + rows.count)
            outputs = tuple(gather_rows(part, rows, world) for part in self._net(x[span], mask[span]))
            set_rows(self._student, None)
        return StreamOutput(outputs[0], outputs[1], tuple(outputs[2:]))


class _AsTuple(nn.Module):
    """Fabric and DDP handle tuples, not frozen dataclasses."""

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.student = student

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        output = self.student(x, mask)
        return (output.features, output.logits, *output.hidden)


def gather_rows(x: Tensor, rows: Rows, world: int) -> Tensor:
    """All processes' rows in order. Shape: (own rows, ...) -> (total rows, ...), differentiable.

    The backward pass takes the own rows' gradient times the number of processes: DDP then averages over processes,
    which makes the sum of the parts.
    """
    result: Tensor = _Gather.apply(x, rows, world)  # type: ignore[no-untyped-call]
    return result


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Rows, world: int) -> Tensor:
        ctx.rows, ctx.world = rows, world
        counts = [own_rows(rows.total, rank, world).count for rank in range(world)]
        padded = x.new_zeros((max(counts), *x.shape[1:]))
        padded[: len(x)] = x
        parts = [torch.empty_like(padded) for _ in counts]
        torch.distributed.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        rows: Rows = ctx.rows
        return gradients[0][rows.start : rows.start + rows.count] * ctx.world, None, None
