"""Train one snippet encoder, plain or augmented by teachers, from a recipe."""

from __future__ import annotations

import os
from pathlib import Path

from augrgb.core.progress import Progress
from augrgb.parallel.workers import available_cores
from augrgb.recipe.assembly import with_device
from augrgb.recipe.encoder_assembly import assemble_encoder
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.pretrain_assembly import PRETRAINED, assemble_pretraining, finished_pretraining, pretrained_recipe
from augrgb.training.settings import FitResult


def train_encoder(
    recipe: EncoderRecipe,
    run: Path,
    *,
    device: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    decoding: Progress | None = None,
    pretraining: Progress | None = None,
) -> FitResult:
    """Train into a run folder, which is then also an encoder folder; an interrupted run resumes.

    Labels act on the snippets of the split's `encoder` videos; teachers (and a mean teacher) act on these and on
    `encoder_unlabelled` ones. With a section `pretrain`, the encoder first learns to see motion in the videos that it
    names; the result is the encoder folder `pretrained` in the run folder, and is reused. Where the teacher mixing was
    learned, it is written to `teacher_mixing.json`.

    Args:
        recipe: What to train on what.
        run: Its folder.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; None = the recipe's `train.accelerator`.
        workers: Child processes that decode videos; 0 = in this process, None = one per core.
        progress: Called with (steps done, steps in all).
        decoding: Called with (videos decoded, videos in all) before that.
        pretraining: Called with (steps done, steps in all) of pretraining.

    Raises:
        AugrgbError: Bad data, teachers or settings; see the parts.
    """
    recipe, gpu = with_device(recipe, device)
    workers = _share_of_cores() if workers is None else workers
    if recipe.pretrain is not None:
        if not finished_pretraining(recipe, run):
            first = assemble_pretraining(recipe, run, workers=workers, decoding=decoding)
            first.train(run / PRETRAINED, gpu=gpu, progress=pretraining)
        recipe = pretrained_recipe(recipe, run)
    assembly = assemble_encoder(recipe, run, workers=workers, decoding=decoding)
    return assembly.train(run, gpu=gpu, progress=progress)


def _share_of_cores() -> int:
    """The cores of this machine, shared with the other processes of one `torchrun`."""
    return max(1, available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
