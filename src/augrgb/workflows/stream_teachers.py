"""The teachers of a stream: loaded, run over the training videos, and turned into terms of the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from augrgb.core.batch import Batch, StreamDims
from augrgb.features.stream_data import StreamData
from augrgb.losses import LOSSES
from augrgb.recipe.build import build_terms
from augrgb.recipe.schema import DistillSection
from augrgb.streams.ensemble import load_ensemble
from augrgb.streams.files import LoadedStream
from augrgb.training.task import DistillTerm, TeacherSource
from augrgb.training.teachers.cache import TeacherCache
from augrgb.training.teachers.mixing import TeacherMixing, learn_teacher_mixing
from augrgb.workflows.weighted_terms import weighted_terms


def load_teachers(distill: DistillSection | None, classes: Sequence[str] | None) -> dict[str, LoadedStream]:
    """The teachers of a stream recipe by name; several runs under one name are an ensemble.

    Raises:
        InputRefused: As `load_ensemble`.
    """
    given = distill.teachers if distill is not None else {}
    return {
        name: load_ensemble(folders if isinstance(folders, list) else [folders], classes=classes)
        for name, folders in given.items()
    }


def distill_terms(
    distill: DistillSection,
    teachers: Mapping[str, LoadedStream],
    data: StreamData,
    student_width: int,
    *,
    steps: int,
) -> tuple[list[DistillTerm], TeacherMixing | None]:
    """Every teacher's terms, and the weights of teachers per class if they are to be learned.

    With equal or learned weights, losses on class scores have all their teachers as one. Others keep a term for each
    teacher, with its mean share as weight; with learned weights those that are means over snippets see a teacher's
    snippet as often as its share says. `steps` are those of the training, for weights that decay.

    Raises:
        AugrgbError: Features or teachers that do not fit; see `TeacherCache` and `learn_teacher_mixing`.
    """
    caches: dict[str, TeacherSource] = {}
    dims: dict[str, StreamDims] = {}
    for name, teacher in teachers.items():
        dims[name] = StreamDims(student_width, teacher.stream.filter.width, len(data.dataset.classes), len(data))
        layers = _layers(distill, dims[name])
        caches[name] = TeacherCache(teacher.stream, data, teacher.settings.modality, hidden=layers)

    def videos() -> Iterator[Batch]:
        return (data.collate([index], modalities=()) for index in range(len(data)))

    if distill.teacher_mixing == "learned":
        weights = learn_teacher_mixing(caches, videos())
        return weighted_terms(distill, caches, dims, weights.values, videos, steps=steps), weights
    if distill.teacher_mixing == "equal":
        equal = torch.full((len(caches), len(data.dataset.classes)), 1 / len(caches))
        return weighted_terms(distill, caches, dims, equal, videos, steps=steps), None
    return [term for name in teachers for term in build_terms(distill, name, caches[name], dims[name], steps)], None


def _layers(distill: DistillSection, dims: StreamDims) -> int:
    """How many layers of a teacher the losses look at; they are built for the question, and dropped."""
    with torch.random.fork_rng(devices=[]):
        losses = [LOSSES[name](dims, **section.options) for name, section in distill.losses.items()]
    return max((loss.teacher_layers for loss in losses), default=0)
