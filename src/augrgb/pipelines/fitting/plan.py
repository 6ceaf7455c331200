"""What a fit will do: teachers, steps, time and disk, with reasons; from the dataset alone, so always the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import role
from augrgb.core.errors import UsageFault
from augrgb.core.types import Dataset
from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.fitting.project import Project
from augrgb.report.numbers import duration

# Seconds on one core of a 2.5 GHz server. They only have to be right within a factor of two.
_DECODE_S, _FEATURES_S = 0.06, 0.02  # per second of video
_PLAIN_STEP_S, _TAUGHT_STEP_S, _STREAM_STEP_S = 0.045, 0.09, 0.035
_START_S, _REPORT_S = 15.0, 20.0
ENCODER_STEPS, STREAM_STEPS = 1200, 200
LEAST_SHARE = 0.05
_LOSSES = {
    "atomic_contrastive": {"weight": 0.1},
    "global_relation": {"weight": 0.1},
    "boundary_saliency": {"weight": 0.5},
    "logit_kd": {"weight": 1.0},
}


@dataclass(frozen=True)
class Stage:
    """One row of the plan. Time on one core; bytes on disk."""

    name: str
    choice: str
    reason: str
    seconds: float
    disk_bytes: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The stages, and the comparison that carries them out."""

    stages: tuple[Stage, ...]
    recipe: ComparisonRecipe
    teachers: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Estimate of the whole."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def disk_bytes(self) -> float:
        """Estimate of what will lie on disk."""
        return sum(stage.disk_bytes for stage in self.stages)


def make_plan(project: Project, dataset: Dataset, out: Path, budget_s: float | None = None) -> Plan:
    """Choose teachers and steps.

    Args:
        budget_s: Training is shortened, as a complete schedule, until the estimate fits.

    Raises:
        UsageFault: E-RUN-012, the budget is too small.
        InputRefused: The split has an empty role.
    """
    train = role(dataset, project.split, "train")
    every = [video for part in ("train", "val", "test") for video in role(dataset, project.split, part)]
    paired = role(dataset, project.split, "encoder_unlabelled", allow_empty=True)
    every += [video for video in paired if video not in every]
    video_s = sum(dataset.videos[name].known_duration_s for name in every)
    needed = [*train, *paired]
    with_poses = sum(dataset.videos[name].poses is not None for name in needed)
    poses = project.poses and with_poses == len(needed)
    teachers = ("flow", "pose") if poses else ("flow",)
    share = 1.0
    fixed_s = _START_S + _REPORT_S + video_s * (_DECODE_S + _FEATURES_S * (2 + len(teachers)))
    trained_s = ENCODER_STEPS * (
        _PLAIN_STEP_S * (1 + len(teachers)) + _TAUGHT_STEP_S
    ) + STREAM_STEPS * _STREAM_STEP_S * (2 + len(teachers))
    if budget_s is not None:
        share = min(1.0, (budget_s - fixed_s) / trained_s)
        if share < LEAST_SHARE:
            least = math.ceil((fixed_s + LEAST_SHARE * trained_s) / 60)
            problem = f"{budget_s / 60:.0f} minutes are too short for {duration(video_s)} of video"
            raise UsageFault("E-RUN-012", "budget", problem, f"Give at least {least}m, or use fewer videos.")
    encoder_steps, stream_steps = max(2, round(share * ENCODER_STEPS)), max(2, round(share * STREAM_STEPS))
    pixels = project.size[0] * project.size[1]
    frames = video_s * project.clock.fps
    poses_why = "all training videos have them" if poses else f"{with_poses} of {len(needed)} training videos have them"
    budget_why = "the standard schedule" if share == 1 else f"{100 * share:.0f} % of the standard, to fit the budget"
    encoders_s = encoder_steps * (_PLAIN_STEP_S * (1 + len(teachers)) + _TAUGHT_STEP_S)
    streams_s = stream_steps * _STREAM_STEP_S * (2 + len(teachers))
    stages = (
        Stage(
            "frames",
            f"{project.clock.fps:g} fps, {project.size[0]}x{project.size[1]}, RGB and flow",
            f"{len(every)} videos, {duration(video_s)}",
            video_s * _DECODE_S,
            frames * pixels * 5,
        ),
        Stage("teachers", " and ".join(teachers), f"flow needs no sensor; poses: {poses_why}", 0.0),
        Stage("encoders", f"{len(teachers) + 2} of {encoder_steps} steps", budget_why, encoders_s, 8e6),
        Stage(
            "features",
            f"a snippet every {project.clock.stride / project.clock.fps:.2f} s",
            "the project's clock",
            video_s * _FEATURES_S * (2 + len(teachers)),
            frames / project.clock.stride * 128 * 4 * (2 + len(teachers)),
        ),
        Stage(
            "streams",
            f"{len(teachers) + 2} of {stream_steps} steps, {project.layers} layers",
            budget_why,
            streams_s,
            8e6,
        ),
        Stage("events", "thresholds and calibration per class", "chosen on validation", _REPORT_S / 2),
        Stage("report", "tables, timelines, film strips", "on test videos", _START_S + _REPORT_S / 2, 2e6),
    )
    return Plan(stages, _recipe(project, out, teachers, encoder_steps, stream_steps), teachers)


def _recipe(
    project: Project, out: Path, teachers: tuple[str, ...], encoder_steps: int, stream_steps: int
) -> ComparisonRecipe:
    """Plain RGB, its teachers and Augmented-RGB as an ordinary comparison."""
    # Without poses, the plain RGB encoder is a second teacher: it keeps what flow cannot see.
    encoder_teachers = list(teachers) if "pose" in teachers else [*teachers, "rgb"]
    values: dict[str, Any] = {
        "title": "Your detector",
        "seeds": [project.seed],
        "tests": [project.split],
        "test_names": {project.split: "test videos"},
        "baseline": "rgb",
        "featured": "augmented",
        "timelines": ["rgb", "augmented"],
        "curves": ["rgb", "augmented"],
        "stream": {
            "data": {"dataset": str(project.dataset), "split": project.split},
            "student": {"filter": {"sd_tcn": {"layers": project.layers, "width": 128, "dropout": 0.6}}},
            "train": {
                "steps": stream_steps,
                "batch_size": 8,
                "weight_decay": 0.3,
                "warmup_steps": min(20, stream_steps // 2),
                "validate_every": max(1, stream_steps // 5),
                "checkpoint_every": max(1, stream_steps // 2),
            },
        },
        "encoder": {
            "data": {"size": list(project.size), "frames": str(out / "work" / "frames")},
            "clock": project.clock.model_dump(mode="json"),
            "train": {
                "steps": encoder_steps,
                "batch_size": 32,
                "learning_rate": 2e-3,
                "weight_decay": 0.05,
                "warmup_steps": min(30, encoder_steps // 2),
                "validate_every": max(1, encoder_steps // 4),
                "checkpoint_every": max(1, encoder_steps // 4),
            },
        },
        "encoders": {
            **{name: {"encoder": {f"small_{name}": {}}} for name in (*teachers, "rgb")},
            "augmented": {
                "encoder": {"small_rgb": {}},
                "distill": {"teachers": encoder_teachers, "losses": {"atomic_contrastive": {"weight": 0.3}}},
            },
        },
        "methods": {
            "rgb": {"name": "RGB", "group": "Needs RGB alone", "encoder": "rgb", "note": "labels only"},
            "augmented": {
                "name": "Augmented-RGB",
                "group": "Needs RGB alone",
                "encoder": "augmented",
                "teachers": list(teachers),
                "losses": _LOSSES,
                "note": f"taught by {' and '.join(teachers)}",
            },
            **{
                name: {"name": name.capitalize(), "group": "Teachers", "encoder": name, "sensors": [name]}
                for name in teachers
            },
        },
    }
    return check_comparison(values, where="fit")
