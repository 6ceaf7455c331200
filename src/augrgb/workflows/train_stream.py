"""Train one stream, plain or distilled, from a recipe."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.files import write_bytes
from augrgb.core.opening import LARGEST_MODEL, is_file, read_bytes
from augrgb.core.progress import Progress
from augrgb.encoders.files import check_encoder_files
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
    source = recipe.data.features[recipe.student.modality].folder / ENCODER_COPY
    has_encoder = is_file(source / "model.json")  # third-party features have none: such a stream scores no videos
    if has_encoder:
        check_encoder_files(source)

    def copy() -> None:
        if has_encoder:
            for name in ("model.safetensors", "model.json"):
                data = read_bytes(source / name, "model file", LARGEST_MODEL)
                write_bytes(run / ENCODER_FOLDER / name, data)

    return assemble_stream(recipe).train(run, gpu=gpu, progress=progress, beside=copy)
