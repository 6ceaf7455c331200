"""Train one snippet encoder, plain or augmented by teacher encoders, from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import InputRefused
from augrgb.core.rasterise import rasterise
from augrgb.core.types import Dataset
from augrgb.datasets.manifest import load_dataset, role
from augrgb.encoders import ENCODERS
from augrgb.encoders.augment import augment
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.recipe.build import build_clock, build_fit_settings, recipe_to_json
from augrgb.recipe.schema import EncoderRecipe
from augrgb.training.encoder_task import EncoderTask, SnippetSet
from augrgb.training.loop import fit
from augrgb.training.run_folder import RunFolder
from augrgb.training.settings import FitResult
from augrgb.video.snippet_bank import SnippetBank
from augrgb.workflows.encoder_teachers import EncoderTeachers
from augrgb.workflows.tracks import cache_tracks


def train_encoder(
    recipe: EncoderRecipe, run: Path, *, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> FitResult:
    """Train into a run folder, which is then also an encoder folder; an interrupted run goes on.

    Labels act on the snippets of the split's `encoder` videos; teachers act on these and on `encoder_unlabelled` ones.

    Raises:
        AugrgbError: Bad data, teachers or settings; see the parts.
    """
    dataset = load_dataset(recipe.data.dataset)
    name, options = next(iter(recipe.encoder.items()))
    kind, clock = ENCODERS[name], build_clock(recipe.clock)
    teachers = EncoderTeachers(recipe, dataset)
    split = recipe.data.split
    labelled = role(dataset, split, "encoder")
    unlabelled = role(dataset, split, "encoder_unlabelled", allow_empty=True) if recipe.distill is not None else ()
    val_ids = role(dataset, split, "val", allow_empty=True)
    taught = (*labelled, *unlabelled)
    teachers.check_missing(taught)
    tracks = recipe.data.tracks or run / "tracks"
    modalities_seen, learnt_from = teachers.modalities, set(taught)
    needed: dict[tuple[str, ...], list[str]] = {}  # videos that need the same modalities are decoded in one go
    for video_id in dict.fromkeys((*taught, *val_ids)):
        seen = {name for name in modalities_seen if video_id in learnt_from and teachers.has(name, video_id)}
        needed.setdefault(tuple(sorted({kind.modality, *seen})), []).append(video_id)
    for modalities, ids in needed.items():
        cache_tracks(
            dataset, ids, modalities, tracks, fps=clock.fps, size=recipe.data.size, workers=workers, flow=teachers.flow
        )
    bank = SnippetBank(tracks, taught, kind.modality, clock)
    val_bank = SnippetBank(tracks, val_ids, kind.modality, clock)
    if bank.skeleton is not None:
        options = {"names": bank.skeleton.names, "parents": bank.skeleton.parents, **options}
    torch.manual_seed(recipe.seed)
    encoder = kind(**options)
    settings = EncoderSettings(
        clock,
        recipe.data.size if kind.modality != "pose" else None,
        dataset.classes,
        {"dataset": dataset.name, "seed": recipe.seed, "teachers": teachers.names},
    )
    terms = teachers.terms(encoder.dim, bank, tracks, run / "teacher_tracks", workers)
    strength = 1.0 if recipe.augment else 0.0
    task = EncoderTask(
        encoder,
        encoder.dim,
        _snippets(encoder, bank, dataset, set(labelled), strength),
        write=lambda folder, module: _write(folder, module, settings),
        val=_snippets(encoder, val_bank, dataset, set(val_ids), 0.0) if val_ids else None,
        terms=terms,
        modality=kind.modality,
        batch_size=recipe.train.batch_size,
        unlabelled_share=recipe.distill.unlabelled_share if recipe.distill is not None else None,
        seed=recipe.seed,
    )
    return fit(
        task,
        RunFolder(run),
        build_fit_settings(recipe.train, recipe.seed),
        recipe=recipe_to_json(recipe),
        progress=(lambda done, total, _: progress(done, total)) if progress is not None else None,
    )


def _write(folder: Path, module: nn.Module, settings: EncoderSettings) -> None:
    save_encoder(folder, cast(SnippetEncoder, module), settings)


def _snippets(
    encoder: SnippetEncoder, bank: SnippetBank, dataset: Dataset, labelled: set[str], strength: float
) -> SnippetSet:
    """The bank's snippets with the labels of the labelled videos."""

    def inputs(indices: NDArray[np.int64], rng: np.random.Generator | None) -> Tensor:
        x = encoder.prepare(bank.windows(indices))
        if rng is None or strength == 0:
            return x
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return augment(encoder.modality, x, generator, strength=strength)

    labels: list[NDArray[np.float32]] = []
    known: list[NDArray[np.bool_]] = []
    for video_id, count in zip(bank.video_ids, bank.counts.tolist(), strict=True):
        events = dataset.videos[video_id].events if video_id in labelled else ()
        if events is None:
            raise InputRefused(
                "E-ANN-005", video_id, "used as labelled, but never annotated", "Use an unlabelled role."
            )
        labels.append(rasterise(events, dataset.classes, bank.clock, count))
        known.append(np.full(count, video_id in labelled))
    return SnippetSet(inputs, np.concatenate(labels), np.concatenate(known))
