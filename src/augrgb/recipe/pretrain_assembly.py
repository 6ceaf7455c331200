"""The `pretrain` section of an encoder recipe -> motion pretraining on any videos."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from augrgb.core.batch import StreamDims
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.opening import resolved
from augrgb.core.progress import Progress
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders.augment import ImageChanges
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.features.frame_folder import FrameSettings
from augrgb.features.snippet_bank import SnippetBank
from augrgb.recipe.build import build_clock, build_fit_settings, recipe_to_json
from augrgb.recipe.encoder_assembly import encoder_modality, start_encoder
from augrgb.recipe.encoder_schema import EncoderRecipe, InitSection, PretrainSection
from augrgb.training.assembly import Assembly
from augrgb.training.encoder_frames import cache_training_frames
from augrgb.training.encoder_snippets import Augmentation, labelled_snippets
from augrgb.training.encoder_task import EncoderClassifier
from augrgb.training.motion_task import MotionTask, motion_targets, standardized_targets
from augrgb.training.teachers.joints import JointRegression, JointTarget
from augrgb.training.teachers.snippet_outputs import JOINTS, joint_outputs
from augrgb.training.terms import DistillationTerm
from augrgb.video.folder import name_videos
from augrgb.video.probe import probe

PRETRAINED = "pretrained"
"""Folder of the pretrained encoder in the run folder."""
_CHANGES = ImageChanges(shift=0, zoom=0, blur=1, background=0.5)  # where things are, and how they move, stays
_log = logging.getLogger(__name__)


def pretrained_recipe(recipe: EncoderRecipe, run: Path) -> EncoderRecipe:
    """The recipe of the training after pretraining: it starts from the pretrained encoder."""
    freeze = recipe.init.freeze if recipe.init is not None else []
    init = InitSection(folder=run / PRETRAINED, freeze=freeze, classifier=False)
    return recipe.model_copy(update={"init": init, "pretrain": None})


def assemble_pretraining(
    recipe: EncoderRecipe, run: Path, *, workers: int = 0, decoding: Progress | None = None
) -> Assembly:
    """Decode the videos, and make the task of pretraining.

    Videos that cannot be read are left out with a warning. A tenth of the videos is held out, to say how much of the
    motion of new videos the encoder sees. A pose file beside a video (`.npz`) teaches too.

    Args:
        recipe: Has a `pretrain` section.
        run: Its folder; frames are cached there.
        workers: Child processes that decode videos; 0 = in this process.
        decoding: Called with (videos decoded, videos in all).

    Raises:
        UsageFault: E-CFG-003, the encoder does not see RGB.
        InputRefused: E-VID-005, no video that can be read.
    """
    section = recipe.pretrain
    if section is None or encoder_modality(recipe) != "rgb":
        raise UsageFault("E-CFG-003", "pretrain", "motion pretraining is for encoders that see RGB", "Leave it out.")
    dataset = _readable(section)
    train_ids, val_ids = _held_out(list(dataset.videos), recipe.seed)
    clock, frames = build_clock(recipe.clock), run / "pretrain_frames"
    settings = FrameSettings(clock.fps, recipe.data.size)
    wanted = {name: {"rgb", "flow"} for name in dataset.videos}
    cache_training_frames(dataset, wanted, frames, settings, workers=workers, progress=decoding)
    banks = [SnippetBank(frames, ids, "rgb", clock) for ids in (train_ids, val_ids)]
    raw = [
        motion_targets(bank, SnippetBank(frames, bank.video_ids, "flow", clock), settings.flow.steps_per_pixel)
        for bank in banks
    ]
    targets, val_targets = standardized_targets(raw[0], raw[1])
    encoder = start_encoder(recipe.model_copy(update={"pretrain": None}), dataset.classes).encoder
    snippets = labelled_snippets(encoder, banks[0], dataset, set(), Augmentation(changes=_CHANGES))
    val = labelled_snippets(encoder, banks[1], dataset, set()) if val_ids else None
    terms: tuple[DistillationTerm, ...] = ()
    if any(dataset.videos[name].poses is not None for name in train_ids):
        joints = joint_outputs(JointTarget(), dataset, banks[0])
        loss = JointRegression(StreamDims(encoder.dim, joints.width, 1, len(targets)), project="mlp")
        terms = (DistillationTerm(JOINTS, loss, section.pose_weight, joints),)
    notes = {"pretrained on": len(dataset.videos), "seed": recipe.seed}
    saved = EncoderSettings(clock, recipe.data.size, (), notes)

    def write(folder: Path, module: nn.Module) -> None:
        assert isinstance(module, SnippetEncoder)
        save_encoder(folder, module, saved)

    task = MotionTask(
        EncoderClassifier(encoder, encoder.dim, 1),
        snippets,
        targets,
        val_targets,
        terms=terms,
        val=val,
        write=write,
        batch_size=section.batch_size,
        seed=recipe.seed,
    )
    fit = replace(
        build_fit_settings(recipe.train, recipe.seed),
        steps=section.steps,
        learning_rate=section.learning_rate,
        validate_every=min(200, section.steps),
        checkpoint_every=200,
        keep="last",
    )
    return Assembly(task, fit, recipe_to_json(recipe), ())


def _readable(section: PretrainSection) -> Dataset:
    """The videos, without labels."""
    records: dict[str, VideoRecord] = {}
    first: AugrgbError | None = None
    for name, file in name_videos(section.videos).items():
        try:
            duration = probe(file).duration_s
        except AugrgbError as fault:
            _log.warning("left out: %s", fault)
            first = first or fault
            continue
        poses = file.with_suffix(".npz")
        records[name] = VideoRecord(
            name, duration, file=resolved(file), poses=resolved(poses) if poses.is_file() else None
        )
    if not records:
        raise InputRefused("E-VID-005", "pretrain.videos", f"no video that can be read ({first})", "Give others.")
    return Dataset("pretraining", ("motion",), records)


def _held_out(names: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """A tenth of the videos for validation; none of fewer than five."""
    count = max(1, len(names) // 10) if len(names) >= 5 else 0
    held = set(np.array(names)[rng_at(seed, "pretraining").permutation(len(names))[:count]].tolist())
    return [name for name in names if name not in held], [name for name in names if name in held]
