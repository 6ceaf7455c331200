"""Which teacher snippets may serve as negatives of which snippet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from augrgb.core.batch import Batch

_BITS = 24  # classes that a float32 distinguishes as powers of two

Negatives = Literal["different_labels", "class_disjoint", "random", "same_video", "other_videos", "memory_bank"]


@dataclass(frozen=True, slots=True)
class Snippets:
    """What is known of N real snippets.

    Args:
        number: (N,) position among the batch's snippets; -1 for snippets of earlier batches.
        video: (N,) row of the batch; -1 for snippets of earlier batches.
        labels: (N, K) 0/1.
        labelled: (N,) bool.
    """

    number: Tensor
    video: Tensor
    labels: Tensor
    labelled: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Snippets:
        """The real snippets of a batch."""
        video = batch.mask.nonzero()[:, 0]
        number = torch.arange(len(video), device=video.device)
        return cls(number, video, batch.labels[batch.mask], batch.labelled_snippets[batch.mask])

    @classmethod
    def all_of(cls, batch: Batch) -> Snippets:
        """All B T snippets of a batch, padding too; their numbers are their places among these."""
        B, T = batch.mask.shape
        number = torch.arange(B * T, device=batch.mask.device)
        return cls(number, number // T, batch.labels.flatten(0, 1), batch.labelled.repeat_interleave(T))

    def at(self, rows: Tensor | slice) -> Snippets:
        """Some of them."""
        return Snippets(self.number[rows], self.video[rows], self.labels[rows], self.labelled[rows])


def allowed(rule: Negatives, anchors: Snippets, candidates: Snippets) -> Tensor:
    """(N, M) bool: may candidate j be a negative of anchor i? Never its own snippet."""
    if rule == "different_labels":
        (mine, others), *rest = zip(_label_words(anchors), _label_words(candidates), strict=True)
        differ = mine[:, None] != others
        for mine, others in rest:
            differ |= mine[:, None] != others
        return differ
    other = (anchors.number[:, None] != candidates.number) | (candidates.number < 0)
    if rule == "random":
        return other
    if rule in ("same_video", "other_videos"):
        same = anchors.video[:, None] == candidates.video
        return other & (same if rule == "same_video" else ~same)
    comparable = anchors.labelled[:, None] & candidates.labelled
    shared = anchors.labels @ candidates.labels.T  # number of classes in common
    background = (anchors.labels.sum(-1) == 0)[:, None] & (candidates.labels.sum(-1) == 0)
    return other & ((shared == 0) & ~background | ~comparable)


def _label_words(snippets: Snippets) -> list[Tensor]:
    """Numbers (N,) one for each distinct label set; every unlabelled snippet has a number that no other has."""
    place = -1.0 - snippets.number.to(snippets.labels.dtype)
    alone = torch.where(snippets.number < 0, torch.nan, place)  # NaN differs from everything
    words = []
    for labels in torch.split(snippets.labels, _BITS, dim=-1):
        powers = torch.exp2(torch.arange(labels.shape[-1], device=labels.device, dtype=labels.dtype))
        words.append(torch.where(snippets.labelled, (labels * powers).sum(-1), alone))
    return words


class TeacherBank(nn.Module):
    """A ring of teacher snippets of past batches, with their labels. Its state is saved with the loss.

    Args:
        size: Snippets kept.
        dim: Width of the teacher.
        classes: Number of classes K.
    """

    features: Tensor
    labels: Tensor
    labelled: Tensor
    count: Tensor

    def __init__(self, size: int, dim: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.zeros(size, dim))
        self.register_buffer("labels", torch.zeros(size, classes))
        self.register_buffer("labelled", torch.zeros(size, dtype=torch.bool))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))  # snippets ever pushed

    def content(self, dtype: torch.dtype) -> tuple[Tensor, Snippets]:
        """What is inside: features (M, C) and what is known of them."""
        M = min(int(self.count), len(self.features))
        gone = torch.full((M,), -1, device=self.features.device)
        return self.features[:M].to(dtype), Snippets(gone, gone, self.labels[:M], self.labelled[:M])

    @torch.no_grad()
    def push(self, features: Tensor, snippets: Snippets) -> None:
        """Put snippets in, over the oldest; of more than fit, a random choice."""
        size = len(self.features)
        pick = torch.randperm(len(features), device=features.device)[:size]
        places = (int(self.count) + torch.arange(len(pick), device=features.device)) % size
        # out of place, because what was read from the bank in this step is still needed by the backward pass
        self.features = self.features.index_copy(0, places, features[pick].to(self.features.dtype))
        self.labels = self.labels.index_copy(0, places, snippets.labels[pick])
        self.labelled = self.labelled.index_copy(0, places, snippets.labelled[pick])
        self.count = self.count + len(pick)
