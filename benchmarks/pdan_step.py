"""Processor time and memory of PDAN against a plain reading that unfolds the windows of every attention layer.

    python benchmarks/pdan_step.py [--snippets 2500] [--repeats 3]

Batch 1, 1024-d input, width 512, five layers, 51 classes, one thread. Each reading runs in a process of its own: best
processor seconds of a training step and of inference, and how far the step raises the process's peak memory above what
inputs and weights take. Both readings have the same weights and must give the same logits. The last line is the time
of the matrix products alone, which no reading can avoid.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.filters import Pdan
from augrgb.filters.pdan import _Block
from augrgb.streams import Stream

DIM, WIDTH, LAYERS, CLASSES = 1024, 512, 5, 51


class PlainBlock(nn.Module):
    """The block as its equation reads: windows of keys and values are made, then weighed."""

    def __init__(self, block: _Block) -> None:
        super().__init__()
        self.inner = block

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Shape (1, T, C)."""
        block, d = self.inner, self.inner.distance
        q, k, v = block.query_key_value(x).transpose(1, 2).chunk(3, dim=1)  # (1, C, T)
        keys, values = (F.pad(part, (d, d)).unfold(2, 2 * d + 1, 1)[..., ::d] for part in (k, v))  # (1, C, T, 3)
        weights = (q[..., None] * keys).softmax(-1)
        seen = (weights * (values + block.tap_term.T[:, None])).sum(-1).relu().transpose(1, 2)
        return (x + block.dropout(block.mix(seen))) * real  # type: ignore[no-any-return]


def best_s(function: Callable[[], object], repeats: int) -> float:
    """Least processor seconds."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times)


def peak_gib() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(reading: str, snippets: int, repeats: int) -> dict[str, float]:
    """One reading, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pdan = Pdan(DIM, layers=LAYERS, width=WIDTH)
    if reading == "plain":
        pdan.blocks = nn.ModuleList(PlainBlock(block) for block in pdan.blocks)  # type: ignore[arg-type]
    stream = Stream(pdan, CLASSES)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, snippets, DIM, generator=generator)
    labels = (torch.rand(1, snippets, CLASSES, generator=generator) < 0.1).float()
    mask = torch.ones(1, snippets, dtype=torch.bool)

    def step() -> None:
        stream.zero_grad()
        F.binary_cross_entropy_with_logits(stream(x, mask).logits, labels).backward()

    @torch.no_grad()
    def infer() -> Tensor:
        return stream(x, mask).logits  # type: ignore[no-any-return]

    infer_short = torch.ones(1, 2, DIM), torch.ones(1, 2, dtype=torch.bool)
    stream(*infer_short)  # libraries load before the memory is read
    before = peak_gib()
    step_s = best_s(step, repeats)
    step_gib = peak_gib() - before
    stream.eval()
    return {
        "step_s": step_s,
        "step_gib": step_gib,
        "inference_s": best_s(infer, repeats),
        "logits": infer().double().square().sum().item(),
    }


def products_s(snippets: int, repeats: int) -> tuple[float, float]:
    """Matrix products of a step (forward, and both gradients except that of the input), and of inference."""
    layers = (
        [(DIM, WIDTH, False)] + [(WIDTH, 3 * WIDTH, True), (WIDTH, WIDTH, True)] * LAYERS + [(WIDTH, CLASSES, True)]
    )
    operands = [(torch.randn(snippets, i), torch.randn(i, o), torch.randn(snippets, o), g) for i, o, g in layers]

    def forward() -> None:
        for a, w, _, _ in operands:
            a @ w

    def backward() -> None:
        for a, w, g, to_input in operands:
            a.T @ g
            if to_input:
                g @ w.T

    inference = best_s(forward, repeats)
    return inference + best_s(backward, repeats), inference


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=int, default=2500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--reading", choices=("ours", "plain"), help="measure only this one and print JSON")
    args = parser.parse_args()
    if args.reading:
        print(json.dumps(measure(args.reading, args.snippets, args.repeats)))
        return
    command = [sys.executable, __file__, "--snippets", str(args.snippets), "--repeats", str(args.repeats), "--reading"]
    results = {
        reading: json.loads(subprocess.run([*command, reading], check=True, capture_output=True).stdout)
        for reading in ("ours", "plain")
    }
    ours, plain = results["ours"], results["plain"]
    if abs(ours["logits"] - plain["logits"]) > 1e-4 * plain["logits"]:
        raise SystemExit(f"the readings disagree: {ours['logits']} and {plain['logits']}")
    print(f"{'':14} {'ours':>8} {'plain':>8} {'ratio':>6}")
    for key, unit in (("step_s", "s"), ("step_gib", "GiB"), ("inference_s", "s")):
        print(f"{key:14} {ours[key]:8.3f} {plain[key]:8.3f} {plain[key] / ours[key]:6.2f}  {unit}")
    torch.set_num_threads(1)
    step_s, inference_s = products_s(args.snippets, args.repeats)
    print(f"matrix products alone: step {step_s:.3f} s, inference {inference_s:.3f} s")


if __name__ == "__main__":
    main()
