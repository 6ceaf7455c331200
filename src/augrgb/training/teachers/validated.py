"""Which teacher to trust about which class: the one that knows it best on validation videos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from augrgb.core.batch import Batch
from augrgb.metrics.frame_map import frame_ap
from augrgb.training.teachers.mixing import TeacherMixing, labelled_scores
from augrgb.training.terms import TeacherSource

_OTHERS = 1e-3  # weight of those that were not chosen: they still speak where the chosen one is missing


def choose_teachers(sources: Mapping[str, TeacherSource], batches: Iterable[Batch]) -> TeacherMixing:
    """For each class the teacher with the best average precision over the labelled snippets of validation videos.

    A plain twin among the teachers makes this a choice of no teacher: where it knows a class best, the student keeps
    what it would learn anyway, and a teacher that is worse than its student cannot drag it down. Teachers were not
    trained on these videos, so none is favored for knowing its labels by heart. Classes that validation videos do not
    show are shared equally, and so are ties. A teacher is judged by the snippets that it sees; one that sees nothing of
    a class is not chosen for it.

    Args:
        sources: Teachers that score the classes of the labels, on validation videos.
        batches: Whole validation videos (or snippets), of which the labelled ones count.

    Raises:
        UsageFault: E-TRN-005, no labelled snippet has a teacher.
    """
    logits, there, labels = labelled_scores(list(sources.values()), batches)
    truth = labels.numpy()
    scores = np.zeros((len(sources), truth.shape[1]))
    for number in range(len(sources)):
        seen = there[number].bool().numpy()
        if seen.any():
            scores[number] = np.nan_to_num(frame_ap(logits[number].numpy()[seen], truth[seen]))
    best = scores >= scores.max(axis=0, keepdims=True)
    weights = np.where(best, 1.0, _OTHERS)
    values = torch.from_numpy(weights / weights.sum(axis=0)).float()
    return TeacherMixing(tuple(sources), values, len(labels))
