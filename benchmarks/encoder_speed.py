"""Processor time and memory of the encoders, one window each: what a table of encoders needs to be honest.

    python benchmarks/encoder_speed.py [--only stgcn_pp,agcn] [--windows 16] [--repeats 3]

Random weights, one thread, no gradients. Each encoder runs in a process of its own: best processor seconds per window,
`prepare` included, and how far encoding raises the process's peak memory. Skeletons: 16 frames of 25 joints; pictures:
16 frames of 340 x 256 (small encoders: 64 x 48). The Hugging Face models have the sizes of the published base models
(VideoMAE-B, DINOv2-S, SigLIP-B) and are left out where `transformers` is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch

from augrgb.encoders import ENCODERS
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS
from augrgb.encoders.snippet_encoder import SnippetEncoder, encode_windows

_KINECT = {"names": LAYOUTS["kinect25"].names, "parents": LAYOUTS["kinect25"].parents}
_VIT_S = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6}
_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "small_rgb": ("small_rgb", {}),
    "small_flow": ("small_flow", {}),
    "small_pose": ("small_pose", _KINECT),
    "agcn": ("agcn", {**_KINECT, "norm": "stored"}),
    "stgcn_pp": ("stgcn_pp", {**_KINECT, "norm": "stored"}),
    "i3d_rgb": ("i3d_rgb", {}),
    "hf videomae-b": ("hf", {"config": {"model_type": "videomae"}, "kind": "video", "frames": 16}),
    "hf dinov2-s": ("hf", {"config": {"model_type": "dinov2", **_VIT_S}, "pool": "pooler", "shortest": 256}),
    "hf siglip-b": (
        "hf",
        {"config": {"model_type": "siglip_vision_model"}, "pool": "pooler", "mean": [0.5] * 3, "std": [0.5] * 3},
    ),
}


def windows_for(encoder: SnippetEncoder, count: int) -> np.ndarray[Any, Any]:
    """Random windows that the encoder takes."""
    rng = np.random.default_rng(0)
    height, width = (48, 64) if encoder.name.startswith("small") else (256, 340)
    if encoder.modality == "pose":
        return rng.normal(size=(count, 16, 25, 3)).astype(np.float32)
    if encoder.modality == "flow":
        return rng.integers(-90, 91, (count, 16, height, width, 2)).astype(np.int8)
    return rng.integers(0, 256, (count, 16, height, width, 3), dtype=np.uint8)


def measure(case: str, count: int, repeats: int) -> dict[str, float]:
    """One encoder, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    name, options = _CASES[case]
    encoder = ENCODERS[name](**options)
    if name.startswith("i3d") or name == "hf":
        count = min(count, 4)
    windows = windows_for(encoder, count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(repeats):
        began = time.process_time()
        encode_windows(encoder, windows, batch=count)
        times.append((time.process_time() - began) / count)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    return {"s": min(times), "gib": peak / 2**20, "parameters": parameters / 1e6, "dim": encoder.dim}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(_CASES))
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--case", choices=sorted(_CASES), help="measure only this one and print JSON")
    args = parser.parse_args()
    if args.case:
        print(json.dumps(measure(args.case, args.windows, args.repeats)))
        return
    print(f"{'encoder':16} {'parameters':>10} {'features':>8} {'s a window':>10} {'extra GiB':>9}")
    for case in args.only.split(","):
        if case.startswith("hf") and importlib.util.find_spec("transformers") is None:
            print(f"{case:16} transformers is not installed")
            continue
        words = [sys.executable, __file__, "--windows", str(args.windows), "--repeats", str(args.repeats)]
        done = subprocess.run([*words, "--case", case], check=True, capture_output=True)
        found = json.loads(done.stdout)
        print(
            f"{case:16} {found['parameters']:8.1f} M {found['dim']:8.0f} {found['s']:10.4f} {found['gib']:9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
