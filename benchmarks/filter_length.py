"""How the time of a temporal filter grows with the length of the video.

    python benchmarks/filter_length.py [ms_temba,ms_tct] [--lengths 625,1250,2500]

Default options, 1024-d features, one video, one thread: processor seconds of a training step and of inference, and
their ratio to the length before, which is 2 where time is linear.
"""

from __future__ import annotations

import argparse
import time

import torch

from augrgb.filters import FILTERS


def main() -> None:
    """Print a line per filter and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filters", nargs="?", default="ms_temba,ms_tct")
    parser.add_argument("--lengths", default="625,1250,2500")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.filters.split(","):
        torch.manual_seed(0)
        net, before = FILTERS[name](1024), (0.0, 0.0)
        for length in map(int, given.lengths.split(",")):
            x, mask = torch.randn(1, length, 1024), torch.ones(1, length, dtype=torch.bool)
            net.train()
            began = time.process_time()
            net(x, mask)[0].square().mean().backward()
            step_s = time.process_time() - began
            net.eval()
            began = time.process_time()
            with torch.no_grad():
                net(x, mask)
            now = (step_s, time.process_time() - began)
            ratios = "  ".join(f"x{a / b:.2f}" if b else "-" for a, b in zip(now, before, strict=True))
            print(f"{name:10} {length:6} training {now[0]:6.2f} s  inference {now[1]:6.2f} s  {ratios}", flush=True)
            before = now


if __name__ == "__main__":
    main()
