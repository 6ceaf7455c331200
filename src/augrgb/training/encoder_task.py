"""Training of a snippet encoder, plain or with teachers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.metrics.frame_map import frame_ap, mean_present_classes
from augrgb.training.sampler import BatchPlan
from augrgb.training.task import Task, active
from augrgb.training.teachers.snippet_classifier import SnippetClassifier, save_classifier
from augrgb.training.terms import Term, second_view

Floats = NDArray[np.float32]
Inputs = Callable[[NDArray[np.int64], np.random.Generator | None], Tensor]
"""Indices of N snippets, and a generator for augmentation (None = no augmentation), to encoder input (N, ...)."""


@dataclass(frozen=True)
class SnippetSet:
    """Snippets by number, with what is known of each.

    Args:
        inputs: Reads them.
        labels: (N, K) 0/1; zeros where not labelled.
        labelled: (N,) bool.
        source: Hash of what the inputs are made of.
    """

    inputs: Inputs
    labels: Floats
    labelled: NDArray[np.bool_]
    source: str = ""


def snippet_batches(snippets: SnippetSet, size: int = 1024) -> Iterator[Batch]:
    """All snippets in order, with labels and indices but no input: all that a teacher's cached outputs need."""
    for start in range(0, len(snippets.labels), size):
        yield _batch(snippets, np.arange(start, min(start + size, len(snippets.labels))), {})


def _batch(snippets: SnippetSet, indices: NDArray[np.int64], features: dict[str, Tensor]) -> Batch:
    """Snippets as videos of one snippet."""
    known = snippets.labelled[indices]
    labels = np.where(known[:, None], snippets.labels[indices], np.float32(0))
    ones = torch.ones(len(indices), 1, dtype=torch.bool)
    return Batch(
        features=features,
        mask=ones,
        labels=torch.from_numpy(labels)[:, None],
        labelled=torch.from_numpy(known),
        available=dict.fromkeys(features, ones),
        video_ids=tuple(map(str, indices.tolist())),
        indices=torch.from_numpy(indices),
    )


@dataclass(frozen=True)
class Mirroring:
    """Snippets that are mirrored at random, with the labels that they have in the mirror.

    Args:
        probability: For each snippet.
        mirror: Prepared input (N, ...) to its mirror image.
        classes: (K,) the class that each class is in the mirror, mostly itself.
    """

    probability: float
    mirror: Callable[[Tensor], Tensor]
    classes: NDArray[np.int64]


class EncoderClassifier(nn.Module):
    """An encoder and a linear classifier, seen as a stream of videos of one snippet.

    Args:
        encoder: (N, ...) -> (N, dim).
        dim: Its width.
        num_classes: K.
        dropout: Before the classifier.
        with_map: Give the encoder's map of the image as well.

    Shape: x (N, ...), mask (N, 1) -> features (N, 1, dim), logits (N, 1, K), with a map hidden (N, 1, channels, rows,
    columns).
    """

    def __init__(
        self, encoder: nn.Module, dim: int, num_classes: int, *, dropout: float = 0.0, with_map: bool = False
    ) -> None:
        super().__init__()
        self.encoder, self.with_map = encoder, with_map
        self.dropout = ShardedDropout(dropout)
        self.classifier = nn.Linear(dim, num_classes)

    def start_from(self, classifier: SnippetClassifier) -> None:
        """Take over a classifier of the same width and classes.

        Raises:
            InputRefused: E-ENC-002, it is of another width or number of classes.
        """
        have, want = classifier.weight.shape, tuple(self.classifier.weight.shape)
        if have != want:
            raise InputRefused(
                "E-ENC-002", "init", f"the classifier is {have}, not {want}", "Set init.classifier=false."
            )
        with torch.no_grad():
            self.classifier.weight.copy_(torch.from_numpy(classifier.weight))
            self.classifier.bias.copy_(torch.from_numpy(classifier.bias))

    def forward(self, x: Tensor, mask: Tensor) -> StreamOutput:
        """Encode and classify."""
        if not self.with_map:
            features = self.encoder(x)[:, None]
            return StreamOutput(features, self.classifier(self.dropout(features)))
        plain, image_map = cast(SnippetEncoder, self.encoder).forward_with_map(x)
        features = plain[:, None]
        return StreamOutput(features, self.classifier(self.dropout(features)), (image_map[:, None],))


class EncoderTask(Task):
    """Labels act on labelled snippets, teachers on all snippets that they know.

    Losses are those of streams, with each snippet a video of one snippet.

    Args:
        student: The encoder with its classifier.
        train: Training snippets, labelled and unlabelled.
        write: Writes the encoder into a folder.
        val: Validation snippets, if any.
        terms: Distillation terms, whose sources are `SnippetTeacher`s over the training snippets, and student terms.
        mirroring: Mirrors training snippets.
        modality: Name of what the encoder sees.
        batch_size: Snippets in a batch.
        unlabelled_share: Part of each batch that is unlabelled; None = as in the data.
        seed: Of batches and augmentation.
        start: Hash of the weights that the student starts from, if they are of another training.
    """

    def __init__(
        self,
        student: EncoderClassifier,
        train: SnippetSet,
        *,
        write: Callable[[Path, nn.Module], None],
        val: SnippetSet | None = None,
        terms: Sequence[Term] = (),
        mirroring: Mirroring | None = None,
        modality: str = "rgb",
        batch_size: int = 32,
        unlabelled_share: float | None = None,
        seed: int = 0,
        start: str | None = None,
    ) -> None:
        teaching = any(term.uses_unlabelled for term in active(terms))
        plan = BatchPlan(
            np.flatnonzero(train.labelled),
            np.flatnonzero(~train.labelled) if teaching else (),
            batch_size=batch_size,
            unlabelled_share=unlabelled_share,
            seed=seed,
        )
        super().__init__(student, modality, plan, terms)
        self._net = student
        self.encoder, self.train, self.val, self.seed = student.encoder, train, val, seed
        self._write, self._batch_size, self._start = write, batch_size, start
        self._two_views = any(term.needs_second_view for term in self.terms)
        self._mirroring = mirroring
        self._options = {"batch_size": batch_size, "unlabelled_share": unlabelled_share, "dropout": student.dropout.p}
        if mirroring is not None:
            self._options |= {"mirrored": mirroring.probability, "mirror_classes": mirroring.classes.tolist()}

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        indices = self.plan.at(step)
        features = {self.modality: self.train.inputs(indices, rng_at(self.seed, "augment", step))}
        if self._two_views:
            other = self.train.inputs(indices, rng_at(self.seed, "augment", "second view", step))
            features[second_view(self.modality)] = other
        batch = _batch(self.train, indices, features)
        if self._mirroring is not None:
            chosen = rng_at(self.seed, "mirror", step).random(len(indices)) < self._mirroring.probability
            rows = torch.from_numpy(chosen)
            batch.labels[rows] = batch.labels[rows][..., torch.from_numpy(self._mirroring.classes)]
            for x in features.values():  # both views: they must agree about the labels
                x[rows] = self._mirroring.mirror(x[rows])
        return batch

    def validate(self) -> dict[str, float]:
        """Per-frame mAP over the validation snippets, mean over classes present."""
        if self.val is None or not len(self.val.labels):
            return {}
        net = cast(EncoderClassifier, self.kept)
        weight = net.classifier.weight
        scores = []
        with torch.no_grad():
            for start in range(0, len(self.val.labels), self._batch_size):
                rows = np.arange(start, min(start + self._batch_size, len(self.val.labels)))
                x = self.val.inputs(rows, None).to(weight.device, weight.dtype)
                mask = torch.ones(len(rows), 1, dtype=torch.bool, device=weight.device)
                scores.append(net(x, mask).logits[:, 0].float().cpu().numpy())
        known = self.val.labelled
        return {self.metric: mean_present_classes(frame_ap(np.concatenate(scores)[known], self.val.labels[known]))}

    def save(self, folder: Path) -> None:
        """Write the encoder, and beside it its classifier, which it needs as a teacher of class scores."""
        save_classifier(folder, self._net.classifier)
        self._write(folder, self.encoder)

    def identity(self) -> dict[str, Any]:
        """Options, terms, and fingerprints of all that is learned from."""
        content = {} if self._start is None else {"starting weights": self._start}
        for role, snippets in (("train", self.train), ("val", self.val)):
            if snippets is not None:
                labels = hashlib.sha256(snippets.labels.tobytes() + snippets.labelled.tobytes()).hexdigest()
                content |= {f"labels of {role}": labels, f"videos of {role}": snippets.source}
        return {
            "modality": self.modality,
            "terms": self.weights(),
            **self.fading(),
            "content": content | self.teacher_content(),
            **self._options,
        }
