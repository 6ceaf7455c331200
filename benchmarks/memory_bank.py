"""What a step with the memory bank costs, against the plain way of reading it.

`python benchmarks/memory_bank.py [--threads 1] [--repeats 5]`: contrastive representation distillation on random
features at the size of the published setting (bank of 10,000 rows of 128, batch of 64, 4,096 negatives each). Prints
processor seconds of a whole step (drawing, embedding, both sides, backward pass, writing the memories), of reading the
bank alone, and of reading it as published: gather the (64, 4097, 128) rows of either side, and multiply batch by batch.
The two ways take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.crd import Crd
from augrgb.losses.parts.memory_bank import MemoryBank, bank_scores


def plain_scores(table: Tensor, x: Tensor, index: Tensor) -> Tensor:
    """Gather every row, then a product per instance."""
    N, L = index.shape
    rows = table.index_select(0, index.flatten()).view(N, L, -1)
    return torch.bmm(rows, x[:, :, None])[..., 0]


def read(
    scores: Callable[[Tensor, Tensor, Tensor], Tensor], bank: MemoryBank, s: Tensor, g: Tensor, index: Tensor
) -> None:
    """Scores of both sides, and back."""
    total = scores(bank.teacher, s, index).mean() + scores(bank.student, g, index).mean()
    total.backward()
    s.grad = g.grad = None


def processor_seconds(work: Callable[[], None]) -> float:
    """Processor time of this process, all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    defaults = {"threads": 1, "repeats": 5, "rows": 10_000, "negatives": 4096, "batch": 64, "dim": 128, "width": 512}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    loss = Crd(StreamDims(args.width, args.width, 10, args.rows), dim=args.dim, negatives=args.negatives)
    assert loss.bank is not None
    features = torch.randn(2, args.batch, 1, args.width)
    student = StreamOutput(features[0].requires_grad_(), torch.zeros(args.batch, 1, 10))
    teacher = StreamOutput(features[1], torch.zeros(args.batch, 1, 10))
    here = torch.ones(args.batch, 1, dtype=torch.bool)
    indices = torch.randperm(args.rows)[: args.batch]
    batch = Batch(here, torch.zeros(args.batch, 1, 10), indices=indices)
    s, g = (torch.randn(args.batch, args.dim, requires_grad=True) for _ in range(2))
    index = torch.randint(args.rows, (args.batch, args.negatives + 1))
    bank = loss.bank
    torch.testing.assert_close(bank_scores(bank.teacher, s, index), plain_scores(bank.teacher, s, index))

    def whole_step() -> None:
        loss(student, teacher, batch).backward()

    ways = {
        "whole step, ours": whole_step,
        "reading, ours": lambda: read(bank_scores, bank, s, g, index),
        "reading, plain": lambda: read(plain_scores, bank, s, g, index),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(args.repeats + 2):
        for name, way in ways.items():
            taken = processor_seconds(way)
            if number >= 2:  # the first steps warm up
                seconds[name].append(taken)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"torch {torch.__version__}, {args.threads} threads, {platform.processor() or platform.machine()}")
    for name, value in median.items():
        print(f"{name:18} {value:8.4f} processor seconds")
    print(f"reading, ours / plain    {median['reading, ours'] / median['reading, plain']:6.3f}")
    print(f"whole step / plain read  {median['whole step, ours'] / median['reading, plain']:6.3f}")


if __name__ == "__main__":
    main()
