"""Terms of teachers that share the weight of each loss, equally or as learned per class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from torch import Tensor

from augrgb.core.batch import Batch, StreamDims
from augrgb.losses import LOSSES
from augrgb.recipe.encoder_schema import EncoderDistillSection
from augrgb.recipe.schema import DistillSection
from augrgb.training.task import DistillTerm, TeacherSource
from augrgb.training.teachers.mixing import SharedSnippets, WeightedTeachers, mean_shares

_DIGITS = 4  # of weights that are compared on resuming


def weighted_terms(
    distill: DistillSection | EncoderDistillSection,
    sources: Mapping[str, TeacherSource],
    dims: Mapping[str, StreamDims],
    weights: Tensor,
    batches: Callable[[], Iterable[Batch]],
    *,
    steps: int,
) -> list[DistillTerm]:
    """A term for each loss on class scores, its teachers as one; for other losses one for each teacher.

    The latter have the teacher's mean share as weight. With learned weights those that are means over snippets see a
    teacher's snippet as often as its share says.

    Args:
        distill: Losses and weights.
        sources: Outputs of M teachers.
        dims: Widths and counts of each, for losses with parameters.
        weights: (M, K), in the order of `sources`.
        batches: All training samples, whole; asked again for every loss.
        steps: Of the training, for weights that decay.
    """
    terms: list[DistillTerm] = []
    for name, section in distill.losses.items():
        kind, decay = LOSSES[name], section.decay_steps(steps)
        users = [teacher for teacher in sources if section.teachers is None or teacher in section.teachers]
        rows = [list(sources).index(teacher) for teacher in users]
        weighted = WeightedTeachers([sources[teacher] for teacher in users], weights[rows])
        if kind.compares == "scores":
            loss = kind(dims[users[0]], **section.options)
            terms.append(DistillTerm("+".join(users), loss, section.weight, weighted, decay))
            continue
        for number, (teacher, share) in enumerate(zip(users, mean_shares(weighted, batches()).tolist(), strict=True)):
            source = sources[teacher]
            if kind.compares == "snippets" and distill.teacher_mixing == "learned":
                source = SharedSnippets(source, number, weighted)
            loss = kind(dims[teacher], **section.options)
            terms.append(DistillTerm(teacher, loss, round(section.weight * share, _DIGITS), source, decay))
    return terms
