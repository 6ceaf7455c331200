"""Training snippets of an encoder: windows with labels, augmented as a recipe says."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.annotations.labels import rasterise
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.types import Dataset
from augrgb.encoders.augment import PictureChanges, augment, mirror
from augrgb.encoders.snippet_encoder import Modality, SnippetEncoder
from augrgb.features.snippet_bank import SnippetBank
from augrgb.recipe.encoder_schema import AugmentSection
from augrgb.training.encoder_task import Mirroring, SnippetSet


def labelled_snippets(
    encoder: SnippetEncoder,
    bank: SnippetBank,
    dataset: Dataset,
    labelled: set[str],
    augmentation: bool | AugmentSection,
) -> SnippetSet:
    """The bank's snippets with the labels of the labelled videos.

    Raises:
        InputRefused: E-ANN-005, a labelled video was never annotated.
    """
    section = augmentation if isinstance(augmentation, AugmentSection) else AugmentSection(strength=float(augmentation))
    parts = PictureChanges(
        section.shift, section.zoom, section.brightness, section.contrast, section.colour, section.noise
    )

    def inputs(indices: NDArray[np.int64], rng: np.random.Generator | None) -> Tensor:
        if rng is None or not section.changes:
            return encoder.prepare(bank.windows(indices))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        most = section.jitter_frames
        shifts = rng.integers(-most, most + 1, len(indices)) if most else None
        x = encoder.prepare(bank.windows(indices, shifts))
        if section.strength == 0:
            return x
        return augment(encoder.modality, x, generator, strength=section.strength, parts=parts)

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


def mirroring(augmentation: bool | AugmentSection, modality: Modality, classes: tuple[str, ...]) -> Mirroring | None:
    """How training snippets are mirrored, if they are.

    Raises:
        UsageFault: E-ENC-004, a class of `swap` does not exist or is there twice, or the modality is poses.
    """
    if not isinstance(augmentation, AugmentSection) or not augmentation.flip:
        return None
    if modality == "pose":
        raise UsageFault("E-ENC-004", "augment.flip", "poses are not mirrored", "Set augment.flip=0.")
    order = np.arange(len(classes))
    for pair in augmentation.swap or ():
        for name in pair:
            if name not in classes:
                raise UsageFault("E-ENC-004", "augment.swap", f"no such class as {name!r}", did_you_mean(name, classes))
        left, right = classes.index(pair[0]), classes.index(pair[1])
        if order[left] != left or order[right] != right or left == right:
            raise UsageFault("E-ENC-004", "augment.swap", f"{pair} are not two classes that are named once")
        order[left], order[right] = right, left
    return Mirroring(augmentation.flip, lambda x: mirror(modality, x), order)
