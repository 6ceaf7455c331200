"""Training of a stream, plain or distilled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from augrgb.core.batch import Batch
from augrgb.core.seeds import rng_at
from augrgb.features.stream_data import StreamData, feature_statistics
from augrgb.metrics.frame_map import frame_ap, mean_present_classes
from augrgb.streams.files import StreamSettings, save_stream
from augrgb.streams.predict import filter_sequence
from augrgb.streams.stream import Stream
from augrgb.training.perturbation import Perturbation
from augrgb.training.sampler import BatchPlan
from augrgb.training.task import Task, active
from augrgb.training.terms import Term


class StreamTask(Task):
    """Labels act on labelled videos, teachers on all videos that have their modality.

    The stream is given the mean and std of the training features. Unlabelled videos are left out where no term
    learns from them.

    Args:
        stream: The student.
        settings: Its settings, written beside it.
        data: Training videos, labelled and unlabelled.
        val: Validation videos, if any.
        terms: Distillation and student terms.
        perturbation: Of the training features; the batch then also has their second view.
        batch_size: Videos in a batch.
        unlabelled_share: Part of each batch that is unlabelled; None = as in the data.
        max_length: Crop longer videos to this many snippets, at a new random position every step.
        seed: Of batches and cuts.
    """

    def __init__(
        self,
        stream: Stream,
        settings: StreamSettings,
        data: StreamData,
        *,
        val: StreamData | None = None,
        terms: Sequence[Term] = (),
        perturbation: Perturbation | None = None,
        batch_size: int = 16,
        unlabelled_share: float | None = None,
        max_length: int | None = None,
        seed: int = 0,
    ) -> None:
        teaching = any(term.uses_unlabelled for term in active(terms))
        plan = BatchPlan(
            data.labelled_indices,
            data.unlabelled_indices if teaching else (),
            batch_size=batch_size,
            unlabelled_share=unlabelled_share,
            seed=seed,
        )
        super().__init__(stream, settings.modality, plan, terms)
        self.stream, self.settings, self.data, self.val = stream, settings, data, val
        self.max_length, self.seed = max_length, seed
        self._options = {"batch_size": batch_size, "unlabelled_share": unlabelled_share, "max_length": max_length}
        mean, std = feature_statistics(data, settings.modality)
        stream.set_statistics(torch.from_numpy(mean), torch.from_numpy(std))
        self.perturbation = perturbation
        self._mean, self._std = torch.from_numpy(mean), torch.from_numpy(std)

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        indices = self.plan.at(step)
        batch = self.data.collate(
            indices, self.max_length, starts=self._starts(step, indices.tolist()), modalities=[self.modality]
        )
        if self.perturbation is None:
            return batch
        return self.perturbation.two_views(batch, self.modality, self._mean, self._std, seed=self.seed, step=step)

    def validate(self) -> dict[str, float]:
        """Per-frame mAP over the snippets of the validation videos, mean over classes present."""
        if self.val is None or not len(self.val):
            return {}
        scores, labels = [], []
        stream = cast(Stream, self.kept)
        for index in range(len(self.val)):
            values, there = self.val.aligned(index, self.modality)
            logits = filter_sequence(stream, torch.from_numpy(values), available=torch.from_numpy(there))[1]
            known = self.val.known(index)
            scores.append(logits.numpy()[known])  # the order of logits is that of their sigmoids
            labels.append(self.val.labels(index)[known])
        return {self.metric: mean_present_classes(frame_ap(np.concatenate(scores), np.concatenate(labels)))}

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json`."""
        save_stream(folder, self.stream, self.settings)

    def identity(self) -> dict[str, Any]:
        """Options, terms, and fingerprints of all that is learned from."""
        content = {"videos and labels of train": self.data.label_fingerprint()}
        for modality in sorted(self.data.features):
            content[f"{modality} features of train"] = self.data.fingerprint(modality)
        if self.val is not None and len(self.val):
            content["videos and labels of val"] = self.val.label_fingerprint()
            content[f"{self.modality} features of val"] = self.val.fingerprint(self.modality)
        return {
            "modality": self.modality,
            "filter": self.settings.filter,
            "classes": list(self.settings.classes),
            "terms": self.weights(),
            **self.fading(),
            "content": content | self.teacher_content(),
            **self._options,
            **({"perturbation": asdict(self.perturbation)} if self.perturbation is not None else {}),
        }

    def _starts(self, step: int, indices: Sequence[int]) -> list[int]:
        if self.max_length is None:
            return [0] * len(indices)
        rng = rng_at(self.seed, "cuts", step)
        return [int(rng.integers(max(1, self.data.count(index) - self.max_length + 1))) for index in indices]
