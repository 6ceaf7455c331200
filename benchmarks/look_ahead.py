"""Accuracy of a causal student against its look-ahead, plain and taught by teachers that see the whole video.

    augrgb demo -o demo && python benchmarks/look_ahead.py demo OUT [--seeds 0 1]

Takes the encoders' features and the flow and pose streams of a finished demo; settings are the demo's. Prints a table
of per-frame mAP in percent, new people / new cameras, mean over seeds. A run that was stopped goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

import torch

import augrgb
from augrgb.workflows.evaluate import evaluate_runs

SNIPPETS = (0, 1, 2, 4, 8, None)
SPLITS = ("cross_subject", "cross_view")
TERMS: dict[str, Any] = {
    "atomic_contrastive": {"weight": 0.1},
    "global_relation": {"weight": 0.1},
    "boundary_saliency": {"weight": 0.5},
    "logit_kd": {"weight": 1.0},
}
TRAIN = {"steps": 200, "batch_size": 8, "weight_decay": 0.3, "validate_every": 40}


def recipe_of(demo: Path, seed: int, ahead: int | None, features: str, *, taught: bool) -> dict[str, Any]:
    """A student, of RGB features by their name."""
    options: dict[str, Any] = {"width": 128, "dropout": 0.6}
    if ahead is not None:
        options["look_ahead_snippets"] = ahead
    folders = {"rgb": str(demo / "features" / f"{features}-{seed}")}
    values: dict[str, Any] = {
        "data": {"dataset": str(demo / "world"), "split": "cross_subject", "features": folders},
        "student": {"modality": "rgb", "filter": {"sd_tcn": options}},
        "train": TRAIN,
        "seed": seed,
    }
    if taught:
        folders |= {name: str(demo / "features" / name) for name in ("flow", "pose")}
        values["distill"] = {
            "teachers": {name: str(demo / "streams" / f"{name}-{seed}") for name in ("flow", "pose")},
            "teacher_mixing": {"flow": 0.5, "pose": 0.5},
            "losses": TERMS,
            "unlabelled_share": 0.5,
        }
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    given = parser.parse_args()
    torch.set_num_threads(1)
    stride_s = augrgb.open_features(given.demo / "features" / "flow").clock.stride_s
    print("| look-ahead | plain | taught | augmented encoder, taught |\n| --- | ---: | ---: | ---: |", flush=True)
    for ahead in SNIPPETS:
        cells = []
        for name, features, taught in (("plain", "rgb", False), ("taught", "rgb", True), ("both", "augmented", True)):
            scores: dict[str, list[float]] = {split: [] for split in SPLITS}
            for seed in given.seeds:
                run = given.out / f"{name}-{ahead}-{seed}"
                augrgb.train(recipe_of(given.demo, seed, ahead, features, taught=taught), run)
                for split in SPLITS:
                    found = evaluate_runs([run], split=split, protocols=["frame-map/present"])
                    scores[split].append(100 * found.results[0].value)
            cells.append(" / ".join(f"{mean(scores[split]):.1f}" for split in SPLITS))
        shown = "the whole video" if ahead is None else f"{ahead * stride_s:.1f} s ({ahead} snippets)"
        print(f"| {shown} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
