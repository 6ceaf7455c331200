"""Training snippets of an encoder: windows with labels, augmented and mirrored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.types import Dataset
from augrgb.encoders.augment import USUAL, ImageChanges, augment, mirror
from augrgb.encoders.snippet_encoder import Modality, SnippetEncoder
from augrgb.features.snippet_bank import SnippetBank
from augrgb.training.encoder_task import Mirroring, SnippetSet


@dataclass(frozen=True)
class Augmentation:
    """How training snippets are changed at random.

    Args:
        strength: Scales all changes; 0 = none.
        changes: How much of each change images get, before `strength`.
        jitter_frames: Windows move in time by up to this many frames.
    """

    strength: float = 1.0
    changes: ImageChanges = USUAL
    jitter_frames: int = 0


def labelled_snippets(
    encoder: SnippetEncoder,
    bank: SnippetBank,
    dataset: Dataset,
    labelled: set[str],
    augmentation: Augmentation | None = None,
) -> SnippetSet:
    """The bank's snippets with the labels of the labelled videos.

    Args:
        encoder: Prepares its input.
        bank: Windows of the videos.
        dataset: Their events.
        labelled: Ids of the videos whose labels may be used.
        augmentation: Of training snippets; None = none.

    Raises:
        InputRefused: E-SPL-005, a labelled video was never annotated.
    """
    strength = augmentation.strength if augmentation is not None else 0.0
    jitter = augmentation.jitter_frames if augmentation is not None else 0
    changes = augmentation.changes if augmentation is not None else USUAL

    def inputs(indices: NDArray[np.int64], rng: np.random.Generator | None) -> Tensor:
        if rng is None or not (strength or jitter):
            return encoder.prepare(bank.windows(indices))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        shifts = rng.integers(-jitter, jitter + 1, len(indices)) if jitter else None
        x = encoder.prepare(bank.windows(indices, shifts))
        return augment(encoder.modality, x, generator, strength=strength, parts=changes) if strength else x

    labels: list[NDArray[np.float32]] = []
    known: list[NDArray[np.bool_]] = []
    for video_id, count in zip(bank.video_ids, bank.counts.tolist(), strict=True):
        events = dataset.videos[video_id].events if video_id in labelled else ()
        if events is None:
            raise InputRefused(
                "E-SPL-005", video_id, "used as labelled, but never annotated", "Use an unlabelled role."
            )
        labels.append(rasterise(events, dataset.classes, bank.clock, count))
        ignored = ignored_snippets(dataset.videos[video_id].ignored, bank.clock, count)
        known.append(~ignored if video_id in labelled else np.zeros(count, bool))
    return SnippetSet(inputs, np.concatenate(labels), np.concatenate(known), bank.fingerprint())


def mirroring(
    probability: float, swap: Iterable[tuple[str, str]], modality: Modality, classes: tuple[str, ...]
) -> Mirroring | None:
    """How training snippets are mirrored, if they are.

    Args:
        probability: For each snippet; 0 = never.
        swap: Pairs of classes that trade places in a mirror image.
        modality: Of the snippets.
        classes: All of them.

    Raises:
        UsageFault: E-ENC-016, a class of `swap` does not exist or occurs twice; E-ENC-004, poses cannot be mirrored.
    """
    if not probability:
        return None
    if modality in ("pose", "signal"):
        raise UsageFault("E-ENC-004", "augment.flip", f"{modality} is not mirrored", "Set augment.flip=0.")
    order = np.arange(len(classes))
    for pair in swap:
        for name in pair:
            if name not in classes:
                raise UsageFault("E-ENC-016", "augment.swap", f"no such class as {name!r}", did_you_mean(name, classes))
        left, right = classes.index(pair[0]), classes.index(pair[1])
        if order[left] != left or order[right] != right or left == right:
            raise UsageFault(
                "E-ENC-016", "augment.swap", f"{pair} must be two different classes that occur in no other pair"
            )
        order[left], order[right] = right, left
    return Mirroring(probability, lambda x: mirror(modality, x), order)
