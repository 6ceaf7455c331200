"""Teachers of a snippet encoder, from their folders: encoders, streams, and 3D joints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from augrgb.core.batch import Batch, StreamDims
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.types import Dataset
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.features.encode import encode_record
from augrgb.features.frame_cache import cache_frames, flow_of
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.snippet_bank import SnippetBank
from augrgb.features.store import open_features
from augrgb.features.video_features import FeatureFolder, VideoFeatures
from augrgb.poses.files import pose_frames, read_poses
from augrgb.recipe.build import build_clock, build_terms
from augrgb.recipe.encoder_schema import EncoderDistillSection, EncoderRecipe, JointSection
from augrgb.streams.files import LoadedStream, load_stream
from augrgb.training.encoder_task import SnippetSet, snippet_batches
from augrgb.training.task import DistillTerm
from augrgb.training.teachers.joints import JointRegression, joint_teacher
from augrgb.training.teachers.mixing import TeacherMixing, learn_teacher_mixing
from augrgb.training.teachers.snippet import SnippetTeacher, snippet_teacher, stream_as_snippet_teacher
from augrgb.training.teachers.snippet_classifier import read_classifier
from augrgb.video.flow.settings import FlowSettings
from augrgb.workflows.encoder_init import options_of
from augrgb.workflows.train_stream import ENCODER_FOLDER
from augrgb.workflows.weighted_terms import weighted_terms

JOINTS = "joints"
_CHUNK = 256
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamTeacher:
    """A stream, and where its features come from: its own encoder, or a folder."""

    stream: LoadedStream
    source: LoadedEncoder | FeatureFolder


class EncoderTeachers:
    """Everyone who teaches an encoder, loaded and checked before any video is read.

    Args:
        recipe: The student's.
        dataset: Its videos.

    Raises:
        InputRefused, UsageFault: See `load_encoder` and `load_stream`; E-ENC-005, a stream's features cannot be made.
    """

    def __init__(self, recipe: EncoderRecipe, dataset: Dataset) -> None:
        self.recipe, self.dataset = recipe, dataset
        distill = recipe.distill
        self.encoders = {name: load_encoder(folder) for name, folder in (distill.teachers if distill else {}).items()}
        self.streams = {name: _load_stream(name, distill) for name in (distill.streams if distill else ()) if distill}
        self._joints = distill.joints if distill is not None and distill.joints and distill.joints.weight else None
        name, options = next(iter(recipe.encoder.items()))
        if recipe.init is not None:
            options = {**options_of(recipe.init, name), **options}
        own = options.get("flow") if ENCODERS[name].modality == "flow" else None
        self.flow = FlowSettings.of(own)  # of the frames that they share with the student
        self.missing: dict[str, tuple[str, ...]] = {}
        self.learned: TeacherMixing | None = None

    @property
    def names(self) -> list[str]:
        """Their names, sorted."""
        return sorted([*self.encoders, *self.streams, *([JOINTS] if self._joints is not None else [])])

    @property
    def modalities(self) -> set[str]:
        """What they see that must be made from videos on the student's frame rate and size."""
        return {loaded.encoder.modality for loaded in self._loaded().values() if self._shares_frames(loaded)}

    def has(self, modality: str, video_id: str) -> bool:
        """Whether a video has the file that a modality is made from."""
        record = self.dataset.videos[video_id]
        return (record.poses if modality == "pose" else record.file) is not None

    def check_missing(self, video_ids: Sequence[str]) -> None:
        """Count the videos that a teacher cannot see.

        Raises:
            InputRefused: E-FEA-002, more than the recipe allows.
        """
        for name in self.names:
            self.missing[name] = tuple(video_id for video_id in video_ids if not self._sees(name, video_id))
            count, allowed = len(self.missing[name]), self.recipe.data.allow_missing or 0
            if count > allowed:
                problem = f"cannot see {count} of {len(video_ids)} videos, such as {self.missing[name][0]!r}"
                remedy = f"Give them what it sees, or allow it: data.allow_missing={count}."
                raise InputRefused("E-FEA-002", f"teacher {name}", problem, remedy)
            if count:
                _log.warning(
                    "teacher %s cannot see %d of %d videos; labels alone act there", name, count, len(video_ids)
                )

    def terms(
        self, student: int, bank: SnippetBank, snippets: SnippetSet, frames: Path, own_frames: Path, workers: int
    ) -> list[DistillTerm]:
        """Each teacher through each of its losses, with its outputs for the bank's snippets.

        With learned weights, those of encoders and those of streams are learned apart: what a stream says of a snippet
        includes what its encoder says. They are then in `learned`.

        Args:
            student: Width of the student's features.
            bank: The student's snippets.
            snippets: The same, with what is known of their labels.
            frames: Cached frames of the student's frame rate and size.
            own_frames: Where to cache frames for teachers of another.
            workers: Child processes for that.

        Raises:
            UsageFault: E-TRN-005, weights cannot be shared or learned: a teacher has no class scores, or nothing is
                labelled.
        """
        distill, steps, classes = self.recipe.distill, self.recipe.train.steps, len(self.dataset.classes)
        if distill is None:
            return []
        names = (*self.encoders, *self.streams)
        sources = {name: self._outputs(name, bank, frames, own_frames, workers) for name in names}
        dims = {name: StreamDims(student, sources[name].width, classes, len(bank)) for name in names}
        if isinstance(distill.teacher_mixing, str) and names:
            silent = sorted(name for name, source in sources.items() if not source.scores)
            if silent:
                problem = f"{', '.join(silent)} cannot score these classes, so teachers cannot share weights per class"
                raise UsageFault("E-TRN-005", "distill.teacher_mixing", problem, "Give the weights as numbers.")
            batches = partial(snippet_batches, snippets)
            if distill.teacher_mixing == "learned":
                self.learned = self._learn(sources, batches)
            equal = torch.full((len(names), classes), 1 / len(names))
            values = self.learned.values if self.learned is not None else equal
            terms = weighted_terms(distill, sources, dims, values, batches, steps=steps)
        else:
            terms = [term for name in names for term in build_terms(distill, name, sources[name], dims[name], steps)]
        if self._joints is not None:
            terms.append(self._joint_term(self._joints, student, bank))
        return terms

    def _learn(self, sources: Mapping[str, SnippetTeacher], batches: Callable[[], Iterable[Batch]]) -> TeacherMixing:
        groups = (list(group) for group in (self.encoders, self.streams) if group)
        found = [learn_teacher_mixing({name: sources[name] for name in group}, batches()) for group in groups]
        together = torch.cat([weights.values for weights in found])
        return TeacherMixing(tuple(sources), together, found[0].snippets)

    def _joint_term(self, joints: JointSection, student: int, bank: SnippetBank) -> DistillTerm:
        files = [self.dataset.videos[video_id].poses for video_id in bank.video_ids]
        poses = [read_poses(path) if path is not None else None for path in files]
        skeletons = {found.skeleton: path for found, path in zip(poses, files, strict=True) if found is not None}
        if not skeletons:
            raise InputRefused("E-ENC-006", f"teacher {JOINTS}", "none of the training videos has poses")
        if len(skeletons) > 1:
            problem = f"{' and '.join(str(path) for path in skeletons.values())} have different skeletons"
            raise InputRefused("E-FEA-008", f"teacher {JOINTS}", problem, "Convert poses to one skeleton.")
        frames = [pose_frames(found, bank.clock.fps) if found is not None else None for found in poses]
        source = joint_teacher(
            frames, next(iter(skeletons)), bank.clock, bank.counts.tolist(), axes=joints.axes, frames=joints.frames
        )
        dims = StreamDims(student, source.width, len(self.dataset.classes), len(bank))
        loss = JointRegression(dims, form=joints.form, project=joints.project)
        return DistillTerm(JOINTS, loss, joints.weight, source)

    def _outputs(self, name: str, bank: SnippetBank, frames: Path, own_frames: Path, workers: int) -> SnippetTeacher:
        missing = set(self.missing[name])
        seen = [video_id for video_id in bank.video_ids if video_id not in missing]
        if not seen:
            raise InputRefused("E-ENC-006", f"teacher {name}", "none of the training videos has what it sees")
        loaded = self._loaded().get(name)
        if loaded is not None and not self._shares_frames(loaded):
            frames = self._cache(loaded, seen, own_frames, workers)
        if name in self.encoders:
            return _encoder_outputs(self.encoders[name], self.dataset, frames, seen, bank)
        teacher = self.streams[name]
        inputs = [
            None if video_id in missing else self._track(teacher, video_id, frames) for video_id in bank.video_ids
        ]
        scores = teacher.stream.settings.classes == self.dataset.classes
        return stream_as_snippet_teacher(teacher.stream.stream, inputs, bank.clock, bank.counts.tolist(), scores=scores)

    def _track(self, teacher: StreamTeacher, video_id: str, frames: Path) -> VideoFeatures:
        if not isinstance(teacher.source, LoadedEncoder):
            return teacher.source.read(video_id)
        # The features of `augrgb extract`, to the last bit: what the stream was trained on.
        encoded = encode_record(self.dataset.videos[video_id], teacher.source, frames=FrameFolder(frames))
        return VideoFeatures(encoded.values, encoded.clock)

    def _cache(self, loaded: LoadedEncoder, seen: Sequence[str], own_frames: Path, workers: int) -> Path:
        size, fps = loaded.settings.size or self.recipe.data.size, loaded.settings.clock.fps
        flow, modality = flow_of(loaded), loaded.encoder.modality
        folder = own_frames / f"{size[0]}x{size[1]}-{fps:g}fps-{flow.method}-{flow.bound:g}px"
        cache_frames(self.dataset, seen, [modality], folder, fps=fps, size=size, workers=workers, flow=flow)
        return folder

    def _loaded(self) -> dict[str, LoadedEncoder]:
        """The encoders that must run, by the name of the teacher."""
        behind = {name: t.source for name, t in self.streams.items() if isinstance(t.source, LoadedEncoder)}
        return {**self.encoders, **behind}

    def _shares_frames(self, loaded: LoadedEncoder) -> bool:
        same_size = loaded.settings.size in (None, self.recipe.data.size)
        same_flow = loaded.encoder.modality != "flow" or flow_of(loaded) == self.flow
        return same_size and same_flow and loaded.settings.clock.fps == build_clock(self.recipe.clock).fps

    def _sees(self, name: str, video_id: str) -> bool:
        if name == JOINTS and self._joints is not None:
            return self.has("pose", video_id)
        loaded = self._loaded().get(name)
        if loaded is not None:
            return self.has(loaded.encoder.modality, video_id)
        source = self.streams[name].source
        return not isinstance(source, LoadedEncoder) and source.has(video_id)


def _load_stream(name: str, distill: EncoderDistillSection) -> StreamTeacher:
    folder = distill.streams[name]
    stream = load_stream(folder)
    given = distill.features.get(name)
    if given is not None:
        return StreamTeacher(stream, open_features(given.folder, build_clock(given.clock) if given.clock else None))
    if not (folder / ENCODER_FOLDER / "model.json").is_file():
        problem = f"{folder} has no encoder, so its features cannot be made"
        raise UsageFault("E-ENC-005", f"distill.streams.{name}", problem, f"Give them: distill.features.{name}.")
    return StreamTeacher(stream, load_encoder(folder / ENCODER_FOLDER))


def _encoder_outputs(
    teacher: LoadedEncoder, dataset: Dataset, frames: Path, seen: Sequence[str], bank: SnippetBank
) -> SnippetTeacher:
    """A teacher encoder's features, and its snippet logits if it classifies the same classes."""
    clock = teacher.settings.clock
    own = SnippetBank(frames, seen, teacher.encoder.modality, clock)
    values = np.concatenate(
        [
            encode_windows(teacher.encoder, own.windows(np.arange(start, min(start + _CHUNK, len(own)))))
            for start in range(0, len(own), _CHUNK)
        ]
    )
    classifier = read_classifier(teacher.folder)
    logits = None
    if classifier is not None and teacher.settings.classes == dataset.classes:
        logits = values @ classifier.weight.T + classifier.bias
    known = dict(zip(own.video_ids, own.counts.tolist(), strict=True))
    counts = [known.get(video_id, 0) for video_id in bank.video_ids]
    return snippet_teacher(values, logits, counts, clock, bank.clock, bank.counts.tolist())
