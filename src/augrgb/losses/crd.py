"""Contrastive representation distillation with a memory bank."""

from __future__ import annotations

import math
from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import register_multi_grad_hook

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.memory_bank import MemoryBank, bank_scores

_EPS = 1e-7


class Crd(DistillationLoss):
    """Tell the pair of one instance's student and teacher embeddings from pairs with remembered other instances.

    Tian et al., "Contrastive Representation Distillation", ICLR 2020, eq. 17-19, as the published program has it: noise
    contrastive estimation on both sides, constants Z fixed by the first batch, memories moved with momentum.
    Rows of the bank: `batch.indices` times `segments`. At encoder level (a snippet is a sample, `segments` 1) that is
    one row per snippet, as published. In a stream a sample is a video: its real snippets are cut into `segments` equal
    parts, and the mean of a part's features is one instance. Where videos are cut at random, parts are those of the
    whole video, of which a cut shows some, the first and last perhaps in pieces.
    Deviation: negatives are drawn uniformly from the other rows, not from rows of other classes (snippets have several
    labels, or none that are known); memories and Z are written in the backward pass, so a forward pass alone changes
    nothing. Where the number of samples is not given there is no bank, and the batch's other instances are the
    negatives.

    Args:
        dims: Feature widths Cs, Ct and number of samples, or by name: `student=128, teacher=256, samples=1000`.
        dim: Width of the embeddings.
        negatives: Rows drawn for each instance.
        temperature: tau.
        momentum: How much of the old embedding a memory row keeps.
        segments: Instances per video; 8 is sensible for streams.
        draw: Negatives of their own for each instance (published), or one draw for the whole batch, which is the
            lesser work where the bank is much larger than batch times negatives.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T), indices (B,) -> scalar.
    """

    name = "crd"
    needs = ("student", "teacher")
    constants: Tensor

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        dim: int = 128,
        negatives: int = 4096,
        temperature: float = 0.07,
        momentum: float = 0.5,
        segments: int = 1,
        draw: Literal["per_instance", "per_batch"] = "per_instance",
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.negatives, self.segments, self.draw = negatives, segments, draw
        self.temperature = float(torch.tensor(temperature))
        self.embed_student, self.embed_teacher = nn.Linear(self.dims.student, dim), nn.Linear(self.dims.teacher, dim)
        self.bank = MemoryBank(self.dims.samples * segments, dim, momentum=momentum) if self.dims.samples else None
        self.register_buffer("constants", torch.zeros(2))  # Z of the student's and the teacher's side; 0 = not yet

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        part = parts(batch, self.segments)
        s, present = segment_means(student.features, batch.mask, part, self.segments)
        g, _ = segment_means(teacher.features, batch.mask, part, self.segments)
        video, which = present.nonzero(as_tuple=True)
        own = batch.indices.to(video.device)[video] * self.segments + which
        if self.bank is None:
            own = torch.arange(len(video), device=video.device)
        candidates = len(video) if self.bank is None else len(self.bank)
        if len(video) == 0 or candidates < 2:
            return nothing(student)
        return self.contrast(s[present], g[present], own, self._draw(own, candidates))

    def contrast(self, s: Tensor, g: Tensor, own: Tensor, negatives: Tensor) -> Tensor:
        """The loss of N instances with given negatives; in training their rows are written in the backward pass.

        Shape: s (N, Cs), g (N, Ct), own (N,) rows, negatives (N, L) or, for all alike, (L,) -> scalar.
        """
        s, g = F.normalize(self.embed_student(s), dim=1), F.normalize(self.embed_teacher(g), dim=1)
        memory_s, memory_g = (s.detach(), g.detach()) if self.bank is None else (self.bank.student, self.bank.teacher)
        outs = [self._likeness(memory_g, s, own, negatives), self._likeness(memory_s, g, own, negatives)]
        rows = len(memory_s)
        first = not self.constants.all()
        z = torch.stack([out.detach().float().mean() * rows for out in outs]) if first else self.constants
        loss = nce_loss(outs[0] / z[0], rows) + nce_loss(outs[1] / z[1], rows)
        if self.training and loss.requires_grad:
            # once gradients have passed through both, nothing needs the old memories any more; a forward pass alone, or
            # a step left out because its loss is not finite, leaves no trace in them
            new_s, new_g = s.detach(), g.detach()
            register_multi_grad_hook((s, g), lambda _: self._remember(own, new_s, new_g, z))
        return loss

    def _likeness(self, table: Tensor, x: Tensor, own: Tensor, negatives: Tensor) -> Tensor:
        """(N, 1 + L) `exp(x.m / tau)`, the positive first."""
        table = table.to(x.dtype)
        positive = (table[own] * x).sum(1, keepdim=True)
        return torch.cat([positive, bank_scores(table, x, negatives)], 1).div(self.temperature).exp()

    def _draw(self, own: Tensor, rows: int) -> Tensor:
        if self.draw == "per_batch":
            return torch.randint(rows, (self.negatives,), device=own.device)
        drawn = torch.randint(rows - 1, (len(own), self.negatives), device=own.device)
        return drawn + (drawn >= own[:, None])  # all rows but the own one

    @torch.no_grad()
    def _remember(self, own: Tensor, s: Tensor, g: Tensor, z: Tensor) -> None:
        self.constants.copy_(z)
        if self.bank is not None:
            self.bank.write(own, s, g)


def nce_loss(likeness: Tensor, rows: int) -> Tensor:
    """Noise contrastive estimation of one side, mean over instances.

    With L negatives and c = L / rows: `-[ln(x_0 / (x_0 + c)) + sum_j ln(c / (x_j + c))]`.

    Shape: likeness (N, 1 + L), the positive first -> scalar.
    """
    noise = (likeness.shape[1] - 1) / rows
    ratio = likeness + (noise + _EPS)
    positive = likeness[:, 0].log() - ratio[:, 0].log()
    negative = (likeness.shape[1] - 1) * math.log(noise) - ratio[:, 1:].log().sum(1)
    return -(positive + negative).mean()


def parts(batch: Batch, segments: int) -> Tensor:
    """Which of its video's `segments` equal parts each snippet lies in; of a cut video, parts of the whole video.

    Shape: -> (B, T) int64, of no meaning at padding.
    """
    mask = batch.mask
    if batch.starts is None or batch.lengths is None:
        return (mask.cumsum(1) - 1) * segments // mask.sum(1, keepdim=True).clamp(min=1)
    place = batch.starts.to(mask.device)[:, None] + torch.arange(mask.shape[1], device=mask.device)
    return place * segments // batch.lengths.to(mask.device)[:, None].clamp(min=1)


def segment_means(x: Tensor, mask: Tensor, part: Tensor, segments: int) -> tuple[Tensor, Tensor]:
    """Mean of the features over the real snippets of each part of a video.

    Shape: x (B, T, C), mask and part (B, T) -> means (B, segments, C), and which parts hold a snippet (B, segments).
    """
    member = (part[:, None] == torch.arange(segments, device=x.device)[:, None]) & mask[:, None]  # (B, segments, T)
    size = member.sum(2)
    means = member.to(x.dtype) @ x.masked_fill(~mask[..., None], 0) / size.clamp(min=1)[..., None]
    return means, size > 0


crd = functional(Crd)
