"""The pretraining part of `augrgb train-encoder --dry-run`: every video is opened, and one step is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from augrgb.core.seeds import rng_at
from augrgb.recipe.encoder_assembly import start_encoder
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.pretrain_assembly import (
    MotionInputs,
    assemble_motion_task,
    finished_pretraining,
    pretraining_section,
)
from augrgb.recipe.unlabeled_videos import unlabeled_videos
from augrgb.training.encoder_task import SnippetSet
from augrgb.training.motion_task import TARGETS
from augrgb.workflows.dry_run import DryRun, check_disk, train_one_step

_BYTES_PER_PIXEL = 5  # RGB and flow


def check_pretraining(report: DryRun, recipe: EncoderRecipe, run: Path, gpu: int | None = None) -> None:
    """Open the videos of `pretrain` and the pose files beside them, and train one step on random windows.

    Args:
        report: Gets the rows.
        recipe: Has a `pretrain` section.
        run: Where the run would be written.
        gpu: See `train_one_step`.
    """
    if finished_pretraining(recipe, run):
        report.ok("pretraining", "finished before in this run folder; it is reused")
        return
    with report.guarded("pretraining"):
        section = pretraining_section(recipe)
        found = unlabeled_videos(section.videos, poses=section.pose_weight > 0)
        records = found.dataset.videos.values()
        seconds = sum(record.known_duration_s for record in records)
        report.ok(
            "pretraining", f"{len(records)} videos, {seconds / 3600:.2f} h, {found.with_poses} with poses", "no labels"
        )
        if found.left_out:
            report.note("pretraining", f"{len(found.left_out)} files left out, such as {found.left_out[0]}")
        width, height = recipe.data.size
        needed = seconds * recipe.clock.fps * width * height * _BYTES_PER_PIXEL
        check_disk(report, run, needed, "frames for pretraining")
        _one_step(report, recipe, gpu)


def _one_step(report: DryRun, recipe: EncoderRecipe, gpu: int | None) -> None:
    section = pretraining_section(recipe)
    encoder = start_encoder(recipe.model_copy(update={"pretrain": None}), ("motion",)).encoder
    size, (width, height) = section.batch_size, recipe.data.size
    rng = rng_at(recipe.seed, "dry run", "pretraining")
    windows = rng.integers(0, 256, (size, recipe.clock.window, height, width, 3), np.uint8)
    snippets = SnippetSet(
        lambda indices, _: encoder.prepare(windows[indices]), np.zeros((size, 1), np.float32), np.zeros(size, bool)
    )
    inputs = MotionInputs(snippets, rng.standard_normal((size, TARGETS), np.float32), None, np.zeros((0, TARGETS), "f"))
    step = train_one_step(assemble_motion_task(recipe, encoder, inputs, {}), "pretrain", gpu)
    report.ok("pretraining step", f"forward and backward on {size} windows, {step.seconds:.1f} s", "finite")
