"""What the rivals at encoder level are worth, by the encoder alone: a ladder of weights, with and without the twin.

    python benchmarks/encoder_rivals.py world WORLD OUT [--only mars,d3d] [--weights 1] [--twin both] [--seeds 0]
    python benchmarks/encoder_rivals.py arid REAL_VIDEO_FOLDER OUT [--poses FOLDER] [--normalize window]

Every encoder learns for the same steps; per-frame mAP of its own classifier on the test videos, at the last step:
nothing is chosen on them. `world`: a quarter of the labels, flow and pose teachers, split `cross_subject`; with
`--filter` an SD-TCN learns on the features of every encoder, of as many steps as plain RGB chose, and per-frame and
event mAP on new people and on new cameras are printed as well. `arid`: all labels, flow teacher, and with `--poses`
(of `augrgb data poses --model blazepose`) a pose teacher; the official test clips. Weights are multiples of those in
`RIVALS`. A run that is there already is not trained again. Frames are cached in OUT.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from real_light import _copied, arid

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.core.types import Dataset
from augrgb.recipe import EncoderRecipe, StreamRecipe
from augrgb.recipe.load import check_recipe
from augrgb.workflows.evaluate import evaluate_runs
from augrgb.workflows.extract import extract
from augrgb.workflows.train_encoder import train_encoder
from augrgb.workflows.train_stream import train_stream

RIVALS: dict[str, dict[str, Any]] = {
    "contrast": {"losses": {"atomic_contrastive": 0.3}},
    "cosine": {"losses": {"atomic_regression": 1.0}},
    "logits": {"losses": {"logit_kd": 1.0}},
    "d3d": {"losses": {"d3d": 0.1}},
    "mars": {"losses": {"mars": 1.0}},
    "crd": {"losses": {"crd": 0.1}},
    "vpn_attention": {"attention": 1.0},
    "vpn": {"losses": {"crd": 0.1}, "attention": 1.0},
    "paat": {"joint_cells": 1.6},
    "pi_vit": {"losses": {"pose_induction": 1.0}, "joint_cells": 1.6},
    "chosen": {"losses": {"atomic_contrastive": 0.9}, "mixing": "validated"},
}
POSE_ONLY = ("vpn_attention", "vpn", "paat", "pi_vit")
"""Rivals that were published for poses: only the pose encoder teaches through them."""
TWIN = {"atomic_contrastive": {"weight": 0.3, "teachers": ["twin"]}}
CLOCK = {"fps": 15, "window": 8, "stride": 8}


def distill_of(name: str, scale: float, twin: bool, teachers: dict[str, str], own: str) -> dict[str, Any]:
    """The section of one rival; a twin teaches through the rival's own losses, or by contrast where it has none."""
    rival = RIVALS[name]
    chosen = ["pose"] if name in POSE_ONLY else list(teachers)
    by = [*chosen, *(["twin"] if twin else [])]
    losses: dict[str, Any] = {
        loss: {"weight": weight * scale, "teachers": by} for loss, weight in rival.get("losses", {}).items()
    }
    if twin and not losses:
        losses = dict(TWIN)
    known = {key: folder for key, folder in teachers.items() if key in chosen} | ({"twin": own} if twin else {})
    section: dict[str, Any] = {"losses": losses}
    if "mixing" in rival:  # each class by the teacher that validation prefers
        section["teacher_mixing"] = rival["mixing"]
    if "attention" in rival:
        section["attention"] = {"weight": rival["attention"] * scale, "teachers": ["pose"]}
    if "joint_cells" in rival:
        section["joint_cells"] = {"weight": rival["joint_cells"] * scale}
    used = {*(one for loss in losses.values() for one in loss["teachers"])}
    used |= set(section.get("attention", {}).get("teachers", []))
    section["teachers"] = {key: folder for key, folder in known.items() if key in used}
    return section


def dataset_of(given: argparse.Namespace) -> tuple[Dataset, str]:
    """The dataset whose validation videos are the test videos, and its split."""
    if given.dataset == "arid":
        dataset = _copied(arid(given.source / "arid"), given.out / "data")
        if given.poses is not None:
            videos = {}
            for name, record in dataset.videos.items():
                pose = given.poses / f"{name}.npz"
                videos[name] = replace(record, poses=_placed(pose, given.out)) if pose.is_file() else record
            dataset = replace(dataset, videos=videos)
        save_dataset(dataset, given.out / "data")
        return dataset, "official"
    dataset = load_dataset(given.source)
    roles = dataset.splits["cross_subject"]
    save_dataset(
        replace(dataset, splits={**dataset.splits, "tested": {**roles, "val": roles["test"], "test": ()}}), given.source
    )
    return dataset, "tested"


def filtered(encoder: Path, dataset: Dataset, source: str, frames: Path, seed: int) -> dict[str, float]:
    """Per-frame and event mAP in percent on both tests of the world, of an SD-TCN on the features of an encoder."""
    features, run = encoder / "features", encoder / "stream"
    extract(dataset, encoder, features, frames_folder=frames, workers=0)
    recipe = {
        "data": {"dataset": source, "split": "cross_subject", "features": {"rgb": {"folder": str(features)}}},
        "student": {"modality": "rgb", "filter": {"sd_tcn": {"width": 128, "dropout": 0.6}}},
        "seed": seed,
        "train": {"steps": 400, "batch_size": 8, "weight_decay": 0.1, "validate_every": 40},
    }
    train_stream(check_recipe(recipe, StreamRecipe), run)
    found = {test: evaluate_runs([run], split=test).results for test in ("cross_subject", "cross_view")}
    return {f"{test}/{one.protocol}": round(100 * one.value, 2) for test, all_of in found.items() for one in all_of}


def _placed(pose: Path, out: Path) -> Path:
    target = out / "data" / "poses" / pose.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(pose.read_bytes())
    return target.resolve()


def main() -> None:
    """Train, and print a line of JSON per run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", choices=["world", "arid"])
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default=",".join(("rgb", *RIVALS)))
    parser.add_argument("--weights", default="1", help="Multiples of the weight in RIVALS.")
    parser.add_argument("--twin", choices=["with", "without", "both"], default="with")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--poses", type=Path, default=None)
    parser.add_argument("--normalize", default="none", help="Of the RGB encoders.")
    parser.add_argument("--filter", action="store_true", help="Also with an SD-TCN on top (the world).")
    given = parser.parse_args()
    if given.filter and given.dataset != "world":
        parser.error("--filter is of the world")
    torch.set_num_threads(1)
    dataset, split = dataset_of(given)
    source = str(given.out / "data" if given.dataset == "arid" else given.source)
    lacking = sum(record.poses is None for record in dataset.videos.values())
    posed = lacking < len(dataset.videos)
    rgb = {"small_rgb": {"normalize": given.normalize}}

    def run(name: str, seed: int, encoder: dict[str, Any], distill: dict[str, Any] | None = None) -> Path:
        folder = given.out / f"{name}-{seed}"
        recipe = {
            "data": {"dataset": source, "split": split, "frames": str(given.out / "frames"), "allow_missing": lacking},
            "encoder": encoder,
            "clock": CLOCK,
            "seed": seed,
            "distill": distill,
            "train": {
                "steps": given.steps,
                "validate_every": given.steps,
                "keep": "last",
                "batch_size": 32,
                "learning_rate": 2e-3,
                "weight_decay": 0.05,
                "warmup_steps": 30,
                "checkpoint_every": 200,
            },
        }
        began = time.process_time()
        result = train_encoder(check_recipe(recipe, EncoderRecipe), folder, workers=0)
        row = {"run": name, "seed": seed, "map": round(100 * result.validation["frame_map"], 2)}
        if given.filter and encoder == rgb:
            row |= filtered(folder, dataset, source, given.out / "frames", seed)
        print(json.dumps({**row, "cpu_s": round(time.process_time() - began)}), flush=True)
        return folder

    for seed in map(int, given.seeds.split(",")):
        teachers = {"flow": str(run("flow", 0, {"small_flow": {}}))}
        if posed:
            teachers["pose"] = str(run("pose", 0, {"small_pose": {}}))
        own = str(run("rgb", seed, rgb))
        for name in given.only.split(","):
            if name == "rgb" or (name in POSE_ONLY and not posed):
                continue
            for scale in map(float, given.weights.split(",")):
                for twin in {"with": [True], "without": [False], "both": [False, True]}[given.twin]:
                    label = f"{name}{'+twin' if twin else ''}x{scale:g}"
                    run(label, seed, rgb, distill_of(name, scale, twin, teachers, own))


if __name__ == "__main__":
    main()
