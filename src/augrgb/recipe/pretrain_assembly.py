"""The `pretrain` section of an encoder recipe -> motion pretraining on any videos."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from augrgb.core.batch import StreamDims
from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.core.progress import Progress
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset
from augrgb.encoders.augment import ImageChanges
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.features.frame_cache import cache_frames
from augrgb.features.frame_folder import FrameSettings
from augrgb.features.snippet_bank import SnippetBank
from augrgb.recipe.build import build_clock, build_fit_settings, recipe_to_json
from augrgb.recipe.encoder_assembly import encoder_modality, start_encoder
from augrgb.recipe.encoder_schema import EncoderRecipe, InitSection, PretrainSection
from augrgb.recipe.unlabeled_videos import no_video, unlabeled_videos
from augrgb.training.assembly import Assembly
from augrgb.training.encoder_snippets import Augmentation, labelled_snippets
from augrgb.training.encoder_task import EncoderClassifier, SnippetSet
from augrgb.training.motion_task import Floats, MotionTask, motion_targets, standardized_targets
from augrgb.training.run.folder import RunFolder
from augrgb.training.teachers.joints import JointRegression, JointTarget
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.teachers.snippet_outputs import JOINTS, joint_outputs
from augrgb.training.terms import DistillationTerm

PRETRAINED = "pretrained"
"""Folder of the pretrained encoder in the run folder."""
_CHANGES = ImageChanges(shift=0, zoom=0, blur=1, background=0.5)  # where things are, and how they move, stays
_log = logging.getLogger(__name__)


def pretrained_recipe(recipe: EncoderRecipe, run: Path) -> EncoderRecipe:
    """The recipe of the training after pretraining: it starts from the pretrained encoder."""
    freeze = recipe.init.freeze if recipe.init is not None else []
    init = InitSection(folder=run / PRETRAINED, freeze=freeze, classifier=False)
    return recipe.model_copy(update={"init": init, "pretrain": None})


def finished_pretraining(recipe: EncoderRecipe, run: Path) -> bool:
    """Whether the run folder holds a pretrained encoder that this recipe has made; its videos may be gone."""
    folder = RunFolder(run / PRETRAINED)
    if folder.result() is None or not (folder.path / "model.json").is_file():
        return False
    return folder.identity.get("recipe") == _pretraining_part(recipe)


def assemble_pretraining(
    recipe: EncoderRecipe, run: Path, *, workers: int = 0, decoding: Progress | None = None
) -> Assembly:
    """Decode the videos, and make the task of pretraining.

    Videos that cannot be read, and poses that cannot teach, are left out with a warning. A tenth of the videos is held
    out, to say how much of the motion of new videos the encoder sees. A pose file beside a video (`.npz`) teaches too.

    Args:
        recipe: Has a `pretrain` section.
        run: Its folder; frames are cached there.
        workers: Child processes that decode videos; 0 = in this process.
        decoding: Called with (videos decoded, videos in all).

    Raises:
        UsageFault: E-CFG-003, the encoder does not see RGB.
        InputRefused: E-VID-005, no video that can be read.
    """
    section = pretraining_section(recipe)
    found = unlabeled_videos(section.videos, poses=section.pose_weight > 0)
    clock, frames = build_clock(recipe.clock), run / "pretrain_frames"
    settings = FrameSettings(clock.fps, recipe.data.size)
    report = cache_frames(
        found.dataset,
        None,
        ("rgb", "flow"),
        frames,
        fps=settings.fps,
        size=settings.size,
        workers=workers,
        progress=decoding,
        allow_failures=len(found.dataset.videos),
    )
    dataset = _without(found.dataset, dict(report.refused))
    train_ids, val_ids = _held_out(list(dataset.videos), recipe.seed)
    banks = [SnippetBank(frames, ids, "rgb", clock) for ids in (train_ids, val_ids)]
    raw = [
        motion_targets(bank, SnippetBank(frames, bank.video_ids, "flow", clock), settings.flow.steps_per_pixel)
        for bank in banks
    ]
    targets, val_targets = standardized_targets(raw[0], raw[1])
    encoder = start_encoder(recipe.model_copy(update={"pretrain": None}), dataset.classes).encoder
    snippets = labelled_snippets(encoder, banks[0], dataset, set(), Augmentation(changes=_CHANGES))
    val = labelled_snippets(encoder, banks[1], dataset, set()) if val_ids else None
    joints = None
    if any(dataset.videos[name].poses is not None for name in train_ids):
        joints = joint_outputs(JointTarget(), dataset, banks[0])
    with_poses = sum(video.poses is not None for video in dataset.videos.values())
    notes = {"pretrained on": len(dataset.videos), "with poses": with_poses, "seed": recipe.seed}
    return assemble_motion_task(recipe, encoder, MotionInputs(snippets, targets, val, val_targets, joints), notes)


@dataclass(frozen=True)
class MotionInputs:
    """What pretraining learns from: snippets, how what they show moves, and the joints of people in them."""

    snippets: SnippetSet
    targets: Floats
    val: SnippetSet | None
    val_targets: Floats
    joints: SnippetTeacher | None = None


def assemble_motion_task(
    recipe: EncoderRecipe, encoder: SnippetEncoder, inputs: MotionInputs, notes: dict[str, int]
) -> Assembly:
    """The task of pretraining an encoder that was just built."""
    section = pretraining_section(recipe)
    terms: tuple[DistillationTerm, ...] = ()
    if inputs.joints is not None:
        dims = StreamDims(encoder.dim, inputs.joints.width, 1, len(inputs.targets))
        terms = (DistillationTerm(JOINTS, JointRegression(dims, project="mlp"), section.pose_weight, inputs.joints),)
    saved = EncoderSettings(build_clock(recipe.clock), recipe.data.size, (), notes)

    def write(folder: Path, module: nn.Module) -> None:
        assert isinstance(module, SnippetEncoder)
        save_encoder(folder, module, saved)

    task = MotionTask(
        EncoderClassifier(encoder, encoder.dim, 1),
        inputs.snippets,
        inputs.targets,
        inputs.val_targets,
        terms=terms,
        val=inputs.val,
        write=write,
        batch_size=section.batch_size,
        seed=recipe.seed,
    )
    fit = replace(
        build_fit_settings(recipe.train, recipe.seed),
        steps=section.steps,
        learning_rate=section.learning_rate,
        validate_every=min(200, section.steps),
        keep="last",
    )
    return Assembly(task, fit, _pretraining_part(recipe), ())


def pretraining_section(recipe: EncoderRecipe) -> PretrainSection:
    """The recipe's section.

    Raises:
        UsageFault: E-CFG-003, there is none, or the encoder does not see RGB.
    """
    section = recipe.pretrain
    if section is None or encoder_modality(recipe) != "rgb":
        raise UsageFault("E-CFG-003", "pretrain", "motion pretraining is for encoders that see RGB", "Leave it out.")
    return section


def _without(dataset: Dataset, refused: Mapping[str, AugrgbError]) -> Dataset:
    """The dataset less the videos that turned out to be broken."""
    for fault in refused.values():
        _log.warning("left out: %s", fault)
    kept = {name: record for name, record in dataset.videos.items() if name not in refused}
    if not kept:
        raise no_video(tuple(refused.values()))
    return replace(dataset, videos=kept)


def _pretraining_part(recipe: EncoderRecipe) -> dict[str, Any]:
    """What of a recipe decides pretraining: not labels, nor how the encoder learns from them."""
    whole = recipe_to_json(recipe)
    kept = {key: whole[key] for key in ("encoder", "clock", "init", "pretrain", "seed")}
    return {**kept, "data": {"size": whole["data"]["size"]}, "train": whole["train"]}


def _held_out(names: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """A tenth of the videos for validation; none of fewer than five."""
    count = max(1, len(names) // 10) if len(names) >= 5 else 0
    held = set(np.array(names)[rng_at(seed, "pretraining").permutation(len(names))[:count]].tolist())
    return [name for name in names if name not in held], [name for name in names if name in held]
