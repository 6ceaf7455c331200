"""What a fit trains, as an ordinary comparison: in every split plain RGB, its teachers and Augmented-RGB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.fitting.design import Design
from augrgb.pipelines.fitting.project import Project
from augrgb.weights.tuning import (
    TUNED_BATCH,
    TUNED_FROZEN,
    TUNED_LEARNING_RATE,
    TUNED_STEPS,
    TUNED_WEIGHTS,
)

STUDENTS = {"rgb": "plain RGB", "augmented": "Augmented-RGB"}
ROW_NAMES = {"rgb": "RGB", "augmented": "Augmented-RGB"}
"""Of the students in tables, where a note says the rest."""
BATCH, STREAM_BATCH = 32, 8
"""Snippets in a batch of a small encoder; videos in a batch of a stream."""
RGB_ENCODERS: dict[str, dict[str, dict[str, Any]]] = {
    "small": {"small_rgb": {}},
    "motion": {"small_rgb": {"sees": "motion"}},
    "efficientnet_lite": {"efficientnet_lite": {}},
}
"""By `encoder` of the project."""
_ENCODERS = {"flow": "small_flow", "pose": "small_pose", "signal": "signal_tcn", "grid": "small_grid"}
_LOSSES = {
    "atomic_contrastive": {"weight": 0.1},
    "global_relation": {"weight": 0.1},
    "boundary_saliency": {"weight": 0.5},
    "logit_kd": {"weight": 1.0},
}


@dataclass(frozen=True)
class Steps:
    """Length of trainings: of small encoders, of a pretrained one, of streams."""

    encoder: int
    stream: int
    pretrained: int = TUNED_STEPS


def key_of(name: str, split: str, design: Design) -> str:
    """Key of an encoder or method in one split, such as `rgb-fold1`; those of the bundle are plain `rgb`."""
    return name if split == design.final else f"{name}-{split}"


def make_recipe(
    project: Project, design: Design, teachers: Sequence[str], steps: Steps, work: Path, *, lacking: int = 0
) -> ComparisonRecipe:
    """The comparison whose cells a fit needs.

    Args:
        teachers: Modalities.
        steps: Of all trainings.
        work: Where the view of the dataset, frames and cells lie.
        lacking: How many videos lack something that teachers see.
    """
    encoders: dict[str, Any] = {}
    methods: dict[str, Any] = {}
    for split in design.splits:
        encoders |= _encoders(project, design, teachers, steps, work, split)
        methods |= _methods(project, design, teachers, split)
    dataset = str(work / "dataset")
    values: dict[str, Any] = {
        "title": "Your detector",
        "seeds": [project.seed],
        "tests": [s for s, roles in design.splits.items() if roles.get("test")],
        "baseline": "rgb",
        "featured": "augmented",
        "stream": {
            "data": {"dataset": dataset, "split": design.final, "allow_missing": lacking},
            "student": {"filter": {"sd_tcn": {"layers": project.layers, "width": 128, "dropout": 0.6}}},
            "train": {
                "steps": steps.stream,
                "batch_size": STREAM_BATCH,
                "weight_decay": 0.3,
                "warmup_steps": min(20, steps.stream // 2),
                "validate_every": max(1, steps.stream // 5),
                "checkpoint_every": max(1, steps.stream // 2),
            },
        },
        "encoder": {
            "data": {"allow_missing": lacking},
            "clock": project.clock.model_dump(mode="json"),
            "train": {
                "steps": steps.encoder,
                "batch_size": BATCH,
                "learning_rate": 2e-3,
                "weight_decay": 0.05,
                "warmup_steps": min(30, steps.encoder // 2),
                "validate_every": max(1, steps.encoder // 4),
                "checkpoint_every": max(1, steps.encoder // 4),
            },
        },
        "encoders": encoders,
        "methods": methods,
    }
    return check_comparison(values, where="fit")


def _encoders(
    project: Project, design: Design, teachers: Sequence[str], steps: Steps, work: Path, split: str
) -> dict[str, Any]:
    def placed(size: tuple[int, int]) -> dict[str, Any]:
        return {"data": {"split": split, "size": list(size), "frames": str(work / "frames" / f"{size[0]}x{size[1]}")}}

    student: dict[str, Any] = {"encoder": RGB_ENCODERS[project.encoder], "set": placed(project.size)}
    if project.encoder == "efficientnet_lite":
        every = max(1, steps.pretrained // 3)
        student["set"] |= {
            "init": {"weights": TUNED_WEIGHTS, "freeze": list(TUNED_FROZEN)},
            "train": {
                "steps": steps.pretrained,
                "batch_size": TUNED_BATCH,
                "learning_rate": TUNED_LEARNING_RATE,
                "warmup_steps": min(30, steps.pretrained // 2),
                "validate_every": every,
                "checkpoint_every": every,
            },
        }
    found: dict[str, Any] = {}
    for name in teachers:
        size = project.frames_size if name == "flow" else project.size
        found[key_of(name, split, design)] = {"encoder": {_ENCODERS[name]: {}}, "set": placed(size)}
    found[key_of("rgb", split, design)] = student
    if project.encoder == "motion":  # it sees what flow sees, so it goes on from there
        taught_by, losses = list(teachers), {"atomic_regression": {"weight": 1.0}}
        student = {**student, "start": key_of("flow", split, design)}
    else:  # the plain twin keeps what the others cannot see
        taught_by, losses = [*teachers, "rgb"], {"atomic_contrastive": {"weight": 0.3}}
    distill = {"teachers": [key_of(name, split, design) for name in taught_by], "losses": losses}
    found[key_of("augmented", split, design)] = {**student, "distill": distill}
    return found


def _methods(project: Project, design: Design, teachers: Sequence[str], split: str) -> dict[str, Any]:
    def method(name: str, shown: str, group: str, **more: Any) -> dict[str, Any]:
        changed: dict[str, Any] = {"data.split": split}
        if name in STUDENTS and project.look_ahead_snippets is not None:  # teachers may see the future
            changed["student.filter.sd_tcn.look_ahead_snippets"] = project.look_ahead_snippets
        own = {"name": shown, "group": group, "encoder": key_of(name, split, design), "set": changed}
        return {key_of(name, split, design): {**own, **more}}

    found = method("rgb", ROW_NAMES["rgb"], "Needs RGB alone", note="labels only")
    found |= method(
        "augmented",
        ROW_NAMES["augmented"],
        "Needs RGB alone",
        teachers=[key_of(name, split, design) for name in teachers],
        losses=_LOSSES,
        note=f"taught by {' and '.join(teachers)}",
    )
    for name in teachers:
        found |= method(name, name.capitalize(), "Teachers", sensors=[name])
    return found
