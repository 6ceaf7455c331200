"""Processor time and memory of I3D's fast reading against the plain one (padding, convolution, normalisation apart).

    python benchmarks/i3d_speed.py [--clips 2] [--frames 16] [--side 224] [--repeats 2]

Random weights with random statistics, one thread. Each reading runs in a process of its own: best processor seconds per
clip without gradients, and how far it raises the process's peak memory. Both must give the same features.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import torch

from augrgb.encoders.i3d import I3dNet
from augrgb.encoders.parts.fixed_norm import FixedBatchNorm


def network() -> I3dNet:
    """RGB I3D in which every part of the normalisation matters."""
    torch.manual_seed(0)
    net = I3dNet(3)
    for module in net.modules():
        if isinstance(module, FixedBatchNorm):
            module.running_var.uniform_(0.7, 1.3)
            module.running_mean.normal_(0, 0.1)
    return net


def measure(reading: str, shape: tuple[int, ...], repeats: int) -> dict[str, object]:
    """One reading, in this process."""
    torch.set_num_threads(1)
    net, x = network(), torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    function = net.fast if reading == "fast" else net
    times = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with torch.inference_mode():
        for _ in range(repeats):
            began = time.process_time()
            features = function(x)
            times.append(time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"s": min(times) / len(x), "gib": peak / 2**20, "features": features.flatten()[:2000].tolist()}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--reading", choices=("fast", "plain"), help="measure only this one and print JSON")
    args = parser.parse_args()
    shape = (args.clips, 3, args.frames, args.side, args.side)
    if args.reading:
        print(json.dumps(measure(args.reading, shape, args.repeats)))
        return
    results = {
        reading: json.loads(
            subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--reading", reading], check=True, capture_output=True
            ).stdout
        )
        for reading in ("fast", "plain")
    }
    fast, plain = results["fast"], results["plain"]
    difference = (torch.tensor(fast["features"]) - torch.tensor(plain["features"])).abs().max().item()
    if difference > 1e-4 * max(1.0, torch.tensor(plain["features"]).abs().max().item()):
        raise SystemExit(f"the readings disagree by {difference}")
    print(f"{'':22} {'fast':>8} {'plain':>8} {'ratio':>6}")
    for key, label in (("s", "processor s per clip"), ("gib", "extra memory, GiB")):
        print(f"{label:22} {fast[key]:8.3f} {plain[key]:8.3f} {plain[key] / fast[key]:6.2f}")
    print(f"largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
