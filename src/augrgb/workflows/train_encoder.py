"""Train one snippet encoder, plain or augmented by teacher encoders, from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import nn

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.core.files import write_json
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.features.frame_cache import cache_frames
from augrgb.features.snippet_bank import SnippetBank
from augrgb.recipe.build import (
    build_clock,
    build_encoder_student_terms,
    build_fit_settings,
    recipe_to_json,
    unlabelled_share,
)
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.training.encoder_task import EncoderTask
from augrgb.training.loop import fit
from augrgb.training.run_folder import RunFolder
from augrgb.training.settings import FitResult
from augrgb.workflows.encoder_init import options_of, start_from
from augrgb.workflows.encoder_snippets import labelled_snippets, mirroring
from augrgb.workflows.encoder_teachers import EncoderTeachers
from augrgb.workflows.train_stream import TEACHER_MIXING


def train_encoder(
    recipe: EncoderRecipe,
    run: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    decoding: Callable[[int, int], None] | None = None,
) -> FitResult:
    """Train into a run folder, which is then also an encoder folder; an interrupted run goes on.

    Labels act on the snippets of the split's `encoder` videos; teachers (and a mean teacher) act on these and on
    `encoder_unlabelled` ones.

    Args:
        recipe: What to train on what.
        run: Its folder.
        workers: Child processes that decode videos; 0 = in this process.
        progress: Called with (steps done, steps in all).
        decoding: Called with (videos decoded, videos in all) before that.

    Raises:
        AugrgbError: Bad data, teachers or settings; see the parts.
    """
    dataset = load_dataset(recipe.data.dataset)
    name, options = next(iter(recipe.encoder.items()))
    kind, clock = ENCODERS[name], build_clock(recipe.clock)
    teachers = EncoderTeachers(recipe, dataset)
    split = recipe.data.split
    labelled = role(dataset, split, "encoder")
    share = unlabelled_share(recipe)
    unlabelled = role(dataset, split, "encoder_unlabelled", allow_empty=True) if share is not None else ()
    val_ids = role(dataset, split, "val", allow_empty=True)
    taught = (*labelled, *unlabelled)
    teachers.check_missing(taught)
    frames = recipe.data.frames or run / "frames"
    modalities_seen, learnt_from = teachers.modalities, set(taught)
    needed: dict[tuple[str, ...], list[str]] = {}  # videos that need the same modalities are decoded in one go
    for video_id in dict.fromkeys((*taught, *val_ids)):
        seen = {name for name in modalities_seen if video_id in learnt_from and teachers.has(name, video_id)}
        needed.setdefault(tuple(sorted({kind.modality, *seen})), []).append(video_id)
    decoded, everything = 0, sum(map(len, needed.values()))
    for modalities, ids in needed.items():
        cache_frames(
            dataset,
            ids,
            modalities,
            frames,
            fps=clock.fps,
            size=recipe.data.size,
            workers=workers,
            progress=_counting_on(decoding, decoded, everything),
            flow=teachers.flow,
        )
        decoded += len(ids)
    bank = SnippetBank(frames, taught, kind.modality, clock)
    val_bank = SnippetBank(frames, val_ids, kind.modality, clock)
    if bank.skeleton is not None:
        options = {"names": bank.skeleton.names, "parents": bank.skeleton.parents, **options}
    if recipe.init is not None:
        options = {**options_of(recipe.init, name), **options}
    torch.manual_seed(recipe.seed)
    encoder = kind(**options)
    classifier = start_from(recipe.init, encoder, clock, dataset.classes) if recipe.init is not None else None
    settings = EncoderSettings(
        clock,
        recipe.data.size if kind.modality != "pose" else None,
        dataset.classes,
        {"dataset": dataset.name, "seed": recipe.seed, "teachers": teachers.names},
    )
    snippets = labelled_snippets(encoder, bank, dataset, set(labelled), recipe.augment)
    terms = teachers.terms(encoder.dim, bank, snippets, frames, run / "teacher_frames", workers)
    task = EncoderTask(
        encoder,
        encoder.dim,
        snippets,
        write=lambda folder, module: _write(folder, module, settings),
        val=labelled_snippets(encoder, val_bank, dataset, set(val_ids), False) if val_ids else None,
        terms=terms,
        own=lambda student: build_encoder_student_terms(recipe, student, kind.modality),
        two_views=recipe.semi_supervised is not None,
        classifier=classifier,
        mirroring=mirroring(recipe.augment, kind.modality, dataset.classes),
        modality=kind.modality,
        batch_size=recipe.train.batch_size,
        unlabelled_share=share,
        seed=recipe.seed,
    )
    result = fit(
        task,
        RunFolder(run),
        build_fit_settings(recipe.train, recipe.seed),
        recipe=recipe_to_json(recipe),
        progress=(lambda done, total, _: progress(done, total)) if progress is not None else None,
    )
    if teachers.learned is not None:
        write_json(run / TEACHER_MIXING, teachers.learned.to_json(dataset.classes))
    return result


def _counting_on(
    report: Callable[[int, int], None] | None, before: int, everything: int
) -> Callable[[int, int], None] | None:
    """A part's progress, told as that of the whole."""
    return (lambda done, _: report(before + done, everything)) if report is not None else None


def _write(folder: Path, module: nn.Module, settings: EncoderSettings) -> None:
    save_encoder(folder, cast(SnippetEncoder, module), settings)
