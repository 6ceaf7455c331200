"""Teachers of a snippet encoder: encoders, streams, 3D joints, and where joints lie in the image."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from augrgb.core.batch import StreamDims
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.types import Dataset
from augrgb.encoders.files import LoadedEncoder
from augrgb.features.frame_cache import cache_frames, flow_of
from augrgb.features.frame_folder import FrameSettings
from augrgb.features.snippet_bank import SnippetBank
from augrgb.training.encoder_task import SnippetSet, snippet_batches
from augrgb.training.teachers.joint_cells import JointCells, JointCellTarget
from augrgb.training.teachers.joints import JointRegression, JointTarget
from augrgb.training.teachers.mixing import TeacherMixing
from augrgb.training.teachers.pose_attention import PoseAttention
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.teachers.snippet_outputs import (
    JOINT_CELLS,
    JOINTS,
    StreamTeacher,
    encoder_outputs,
    joint_cell_outputs,
    joint_outputs,
    stream_outputs,
)
from augrgb.training.teachers.terms import LossSpec, Mixing, Taught, distillation_terms
from augrgb.training.teachers.validated import choose_teachers
from augrgb.training.terms import DistillationTerm

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncoderTeachers:
    """All teachers of an encoder, loaded.

    Args:
        frames: The student's: frame rate, size and kind of flow.
        encoders: Encoders by name.
        streams: Streams by name.
        joints: The joints teacher, if any.
        allow_missing: Videos that each teacher may lack.
        joint_cells: How the places of joints in the image teach, if they do.
        attention: Weight of the attention that some teachers drive, and these.
    """

    frames: FrameSettings
    encoders: Mapping[str, LoadedEncoder] = field(default_factory=dict)
    streams: Mapping[str, StreamTeacher] = field(default_factory=dict)
    joints: JointTarget | None = None
    allow_missing: int = 0
    joint_cells: JointCellTarget | None = None
    attention: tuple[float, tuple[str, ...]] = (0.0, ())

    @property
    def names(self) -> list[str]:
        """Their names, sorted."""
        return sorted([*self.encoders, *self.streams, *self._joint_names])

    @property
    def _joint_names(self) -> list[str]:
        given = {JOINTS: self.joints, JOINT_CELLS: self.joint_cells}
        return [name for name, target in given.items() if target is not None]

    @property
    def look_at_map(self) -> bool:
        """Whether anything looks at the student's map of the image."""
        return self.joint_cells is not None or bool(self.attention[0])

    @property
    def running(self) -> dict[str, LoadedEncoder]:
        """The encoders that must run, by the name of the teacher."""
        behind = {name: t.source for name, t in self.streams.items() if isinstance(t.source, LoadedEncoder)}
        return {**self.encoders, **behind}

    @property
    def modalities(self) -> set[str]:
        """What must be made from videos on the student's frame rate and size."""
        return {loaded.encoder.modality for loaded in self.running.values() if self._shares_frames(loaded)}

    @property
    def all_modalities(self) -> set[str]:
        """What must be made from videos or pose files at all."""
        return {loaded.encoder.modality for loaded in self.running.values()} | (
            {"pose"} if self._joint_names else set()
        )

    def missing(self, dataset: Dataset, video_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The videos that each teacher cannot see.

        Raises:
            InputRefused: E-FEA-002, more than are allowed.
        """
        missing: dict[str, tuple[str, ...]] = {}
        for name in self.names:
            missing[name] = tuple(video_id for video_id in video_ids if not self._sees(name, dataset, video_id))
            count, first = len(missing[name]), next(iter(missing[name]), "")
            if count > self.allow_missing:
                problem = f"cannot see {count} of {len(video_ids)} videos, such as {first!r}"
                remedy = f"Give them what it sees, or allow it: data.allow_missing={count}."
                raise InputRefused("E-FEA-002", f"teacher {name}", problem, remedy)
            if count:
                _log.warning(
                    "teacher %s cannot see %d of %d videos; only labels act there", name, count, len(video_ids)
                )
        return missing

    def sources(
        self,
        dataset: Dataset,
        bank: SnippetBank,
        missing: Mapping[str, Sequence[str]],
        frames: Path,
        own_frames: Path,
        *,
        workers: int = 0,
    ) -> dict[str, SnippetTeacher]:
        """The outputs of every teacher but the joints for the bank's snippets: encoders first, then streams.

        Args:
            dataset: The videos.
            bank: The student's snippets.
            missing: See `missing`.
            frames: Cached frames of the student's frame rate and size.
            own_frames: Where to cache frames for teachers that need others.
            workers: Child processes for that.

        Raises:
            InputRefused: E-ENC-006, no training video has what a teacher sees.
        """
        found: dict[str, SnippetTeacher] = {}
        for name in (*self.encoders, *self.streams):
            absent = set(missing[name])
            seen = [video_id for video_id in bank.video_ids if video_id not in absent]
            if not seen:
                raise InputRefused("E-ENC-006", f"teacher {name}", "none of the training videos has what it sees")
            loaded, folder = self.running.get(name), frames
            if loaded is not None and not self._shares_frames(loaded):
                folder = self._cache(loaded, dataset, seen, own_frames, workers)
            if name in self.encoders:
                found[name] = encoder_outputs(self.encoders[name], dataset, folder, seen, bank)
            else:
                found[name] = stream_outputs(self.streams[name], dataset, folder, set(seen), bank)
        return found

    def joint_source(self, dataset: Dataset, bank: SnippetBank) -> SnippetTeacher | None:
        """The joints of the bank's snippets, if they teach.

        Raises:
            InputRefused: E-ENC-006, no video has poses; E-POS-006, skeletons differ.
        """
        return joint_outputs(self.joints, dataset, bank) if self.joints is not None else None

    def joint_cell_source(
        self, dataset: Dataset, bank: SnippetBank, shape: tuple[int, int, int] | None
    ) -> SnippetTeacher | None:
        """The places of joints in the cells of the student's map (channels, rows, columns), if they teach.

        Raises:
            InputRefused: E-ENC-006, no video has poses; E-POS-006, skeletons differ; E-POS-017, no places in the image.
        """
        if self.joint_cells is None or shape is None:
            return None
        return joint_cell_outputs(dataset, bank, *shape[1:])

    def _cache(
        self, loaded: LoadedEncoder, dataset: Dataset, seen: Sequence[str], own_frames: Path, workers: int
    ) -> Path:
        size, fps = loaded.settings.size or self.frames.size, loaded.settings.clock.fps
        flow, modality = flow_of(loaded), loaded.encoder.modality
        folder = own_frames / f"{size[0]}x{size[1]}-{fps:g}fps-{flow.method}-{flow.bound:g}px"
        cache_frames(dataset, seen, [modality], folder, fps=fps, size=size, workers=workers, flow=flow)
        return folder

    def _shares_frames(self, loaded: LoadedEncoder) -> bool:
        same_size = loaded.settings.size in (None, self.frames.size)
        same_flow = loaded.encoder.modality != "flow" or flow_of(loaded) == self.frames.flow
        return same_size and same_flow and loaded.settings.clock.fps == self.frames.fps

    def _sees(self, name: str, dataset: Dataset, video_id: str) -> bool:
        if name in self._joint_names:
            return has_file(dataset, "pose", video_id)
        loaded = self.running.get(name)
        if loaded is not None:
            return has_file(dataset, loaded.encoder.modality, video_id)
        source = self.streams[name].source
        return not isinstance(source, LoadedEncoder) and source.has(video_id)


def has_file(dataset: Dataset, modality: str, video_id: str) -> bool:
    """Whether a video has the file that a modality is made from."""
    return dataset.videos[video_id].source(modality) is not None


def encoder_distillation(
    losses: Sequence[LossSpec],
    teachers: EncoderTeachers,
    sources: Mapping[str, SnippetTeacher],
    joints: SnippetTeacher | None,
    snippets: SnippetSet,
    student_width: int,
    *,
    mixing: Mixing | None = None,
    joint_cells: SnippetTeacher | None = None,
    image_map: tuple[int, int, int] | None = None,
) -> Taught:
    """The terms of an encoder's teachers.

    With learned weights, those of encoders and those of streams are learned apart: what a stream says of a snippet
    includes the opinion of its encoder.

    Args:
        losses: Through which encoders and streams teach.
        teachers: All of them.
        sources: Outputs of encoders and streams for the training snippets.
        joints: Outputs of the joints teacher, if there is one.
        snippets: The training snippets.
        student_width: Of the student's features.
        mixing: See `Mixing`.
        joint_cells: Outputs of the teacher of where joints lie, if there is one.
        image_map: (channels, rows, columns) of the student's map, where something looks at it.

    Raises:
        UsageFault: E-TRN-005, weights cannot be shared or learned: a teacher has no class scores, or nothing is
            labelled.
    """
    count, classes = snippets.labels.shape
    if isinstance(mixing, str):
        _check_scores(sources)
    dims = {name: StreamDims(student_width, source.width, classes, count) for name, source in sources.items()}
    groups = (teachers.encoders, teachers.streams)
    taught = distillation_terms(losses, sources, dims, partial(snippet_batches, snippets), mixing=mixing, groups=groups)
    terms = list(taught.terms)
    if joints is not None and teachers.joints is not None:
        target = teachers.joints
        loss = JointRegression(
            StreamDims(student_width, joints.width, classes, count), form=target.form, project=target.project
        )
        terms.append(DistillationTerm(JOINTS, loss, target.weight, joints))
    if image_map is not None:
        terms += _terms_on_map(teachers, sources, joint_cells, classes, image_map)
    return Taught(tuple(terms), taught.mixing)


def chosen_encoder_teachers(
    teachers: EncoderTeachers, sources: Mapping[str, SnippetTeacher], snippets: SnippetSet
) -> TeacherMixing:
    """For each class the encoder, and the stream, that knows it best on validation snippets.

    Args:
        teachers: All of them.
        sources: Outputs of encoders and streams for the validation snippets.
        snippets: These snippets.

    Raises:
        UsageFault: E-TRN-005, a teacher has no class scores, or nothing is labelled.
    """
    _check_scores(sources)
    groups = [[name for name in group if name in sources] for group in (teachers.encoders, teachers.streams)]
    found = [
        choose_teachers({name: sources[name] for name in group}, snippet_batches(snippets)) for group in groups if group
    ]
    names = tuple(name for one in found for name in one.teachers)
    return TeacherMixing(names, torch.cat([one.values for one in found]), found[0].snippets)


def _check_scores(sources: Mapping[str, SnippetTeacher]) -> None:
    silent = sorted(name for name, source in sources.items() if not source.scores)
    if silent:
        problem = f"{', '.join(silent)} cannot score these classes, so teachers cannot share weights per class"
        raise UsageFault("E-TRN-005", "distill.teacher_mixing", problem, "Give the weights as numbers.")


def _terms_on_map(
    teachers: EncoderTeachers,
    sources: Mapping[str, SnippetTeacher],
    joint_cells: SnippetTeacher | None,
    classes: int,
    image_map: tuple[int, int, int],
) -> list[DistillationTerm]:
    channels, rows, columns = image_map
    terms: list[DistillationTerm] = []
    if joint_cells is not None and teachers.joint_cells is not None:
        target = teachers.joint_cells
        dims = StreamDims(channels, joint_cells.width, classes)
        loss = JointCells(dims, cells=rows * columns, hidden=target.hidden)
        terms.append(DistillationTerm(JOINT_CELLS, loss, target.weight, joint_cells))
    weight, names = teachers.attention
    for name in names if weight else ():
        attention = PoseAttention(StreamDims(channels, sources[name].width, classes), cells=rows * columns)
        terms.append(DistillationTerm(name, attention, weight, sources[name]))
    return terms
