"""Teachers of a stream: finished streams, run once over the student's training videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from augrgb.core.batch import Batch, StreamDims
from augrgb.features.stream_data import StreamData
from augrgb.streams.files import LoadedStream
from augrgb.training.teachers.cache import TeacherCache
from augrgb.training.teachers.mixing import TeacherMixing
from augrgb.training.teachers.terms import LossSpec, Mixing, Taught, distillation_terms, hidden_layers
from augrgb.training.teachers.validated import choose_teachers


def chosen_stream_teachers(teachers: Mapping[str, LoadedStream], val: StreamData) -> TeacherMixing:
    """For each class the stream that knows it best on validation videos, which have the modalities of all of them.

    Raises:
        AugrgbError: Features that do not fit, see `TeacherCache`; E-TRN-005, no validation snippet has a teacher.
    """
    caches = {name: TeacherCache(one.stream, val, one.settings.modality) for name, one in teachers.items()}
    return choose_teachers(caches, (val.collate([index], modalities=()) for index in range(len(val))))


def stream_distillation(
    losses: Sequence[LossSpec],
    teachers: Mapping[str, LoadedStream],
    data: StreamData,
    student_width: int,
    *,
    mixing: Mixing | None = None,
) -> Taught:
    """Cache the outputs of teachers for the training videos, and make their terms.

    Args:
        losses: Through which they teach.
        teachers: By name.
        data: The student's training videos, with the modalities of all teachers.
        student_width: Of the student's filtered features.
        mixing: See `Mixing`.

    Raises:
        AugrgbError: Features or teachers that do not fit; see `TeacherCache` and `learn_teacher_mixing`.
    """
    caches: dict[str, TeacherCache] = {}
    dims: dict[str, StreamDims] = {}
    for name, teacher in teachers.items():
        dims[name] = StreamDims(student_width, teacher.stream.filter.width, len(data.dataset.classes), len(data))
        hidden = hidden_layers(losses, dims[name])
        caches[name] = TeacherCache(teacher.stream, data, teacher.settings.modality, hidden=hidden)

    def videos() -> Iterator[Batch]:
        return (data.collate([index], modalities=()) for index in range(len(data)))

    return distillation_terms(losses, caches, dims, videos, mixing=mixing)
