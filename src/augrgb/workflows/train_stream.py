"""Train one stream, plain or distilled, from a recipe."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.files import write_bytes
from augrgb.core.opening import LARGEST_MODEL, read_bytes
from augrgb.core.progress import Progress
from augrgb.features.store import ENCODER_COPY
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.recipe.assembly import with_device
from augrgb.recipe.schema import StreamRecipe
from augrgb.recipe.stream_assembly import assemble_stream
from augrgb.training.settings import FitResult


def train_stream(
    recipe: StreamRecipe, run: Path, *, device: str | None = None, progress: Progress | None = None
) -> FitResult:
    """Train into a run folder; a finished run is returned, an interrupted one resumes.

    The run folder also gets a copy of the snippet encoder (where the features carry one), so that it can be used on
    videos by itself, and, where the teacher mixing was learned, `teacher_mixing.json`.

    Args:
        recipe: What to train on what.
        run: Its folder.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; None = the recipe's `train.accelerator`.
        progress: Called with (steps done, steps in all).

    Raises:
        AugrgbError: Bad data, features, teachers or settings; see the parts.
    """
    recipe, gpu = with_device(recipe, device)
    result = assemble_stream(recipe).train(run, gpu=gpu, progress=progress)
    features = recipe.data.features[recipe.student.modality].folder
    _copy_encoder(features / ENCODER_COPY, run / ENCODER_FOLDER)
    return result


def _copy_encoder(source: Path, target: Path) -> None:
    # Third-party features come without their encoder: such a stream scores features, not videos.
    for name in ("model.safetensors", "model.json"):
        if (source / name).is_file():
            write_bytes(target / name, read_bytes(source / name, "model file", LARGEST_MODEL))
