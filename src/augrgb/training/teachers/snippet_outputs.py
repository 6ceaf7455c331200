"""The outputs of an encoder's teachers for its training snippets: of one encoder, of one stream, or of 3D joints."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import sha256_json
from augrgb.core.types import Dataset
from augrgb.core.weights import fingerprint
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.features.encode import encode_record
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.snippet_bank import SnippetBank
from augrgb.features.video_features import FeatureFolder, VideoFeatures
from augrgb.inference.bundle import ENCODER_FOLDER, has_encoder
from augrgb.poses.files import PoseFile, Skeleton, pose_frames, read_poses
from augrgb.streams.files import LoadedStream, load_stream
from augrgb.training.teachers.joint_cells import image_frames, joint_cell_teacher
from augrgb.training.teachers.joints import JointTarget, joint_teacher
from augrgb.training.teachers.snippet import SnippetTeacher, snippet_teacher, stream_as_snippet_teacher
from augrgb.training.teachers.snippet_classifier import read_classifier

JOINTS, JOINT_CELLS = "joints", "joint_cells"
_CHUNK = 256


@dataclass(frozen=True)
class StreamTeacher:
    """A stream, and where its features come from: the encoder in its folder, or a feature folder."""

    stream: LoadedStream
    source: LoadedEncoder | FeatureFolder


def load_stream_teacher(name: str, folder: Path, features: FeatureFolder | None = None) -> StreamTeacher:
    """Read a stream and, unless its features are given, the encoder in its folder.

    Raises:
        InputRefused: See `load_stream` and `load_encoder`.
        UsageFault: E-ENC-005, its features cannot be made: it has no encoder.
    """
    stream = load_stream(folder)
    if features is not None:
        return StreamTeacher(stream, features)
    if not has_encoder(folder):
        problem = f"{folder} has no encoder, so its features cannot be made"
        raise UsageFault("E-ENC-005", f"distill.streams.{name}", problem, f"Give them: distill.features.{name}.")
    return StreamTeacher(stream, load_encoder(folder / ENCODER_FOLDER))


def classifies(teacher: LoadedEncoder, classes: Sequence[str]) -> bool:
    """Whether an encoder comes with a classifier of just these classes."""
    return read_classifier(teacher.folder) is not None and teacher.settings.classes == tuple(classes)


def encoder_outputs(
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
    made_by = sha256_json([teacher.checksum, own.fingerprint()])
    return snippet_teacher(values, logits, counts, clock, bank.clock, bank.counts.tolist(), made_by)


def stream_outputs(
    teacher: StreamTeacher, dataset: Dataset, frames: Path, seen: set[str], bank: SnippetBank
) -> SnippetTeacher:
    """A teacher stream's filtered features, and its logits if it classifies the same classes."""

    def features(video_id: str) -> VideoFeatures:
        if not isinstance(teacher.source, LoadedEncoder):
            return teacher.source.read(video_id)
        # The features of `augrgb extract`, to the last bit: what the stream was trained on.
        encoded = encode_record(dataset.videos[video_id], teacher.source, frames=FrameFolder(frames))
        return VideoFeatures(encoded.values, encoded.clock)

    inputs = [features(video_id) if video_id in seen else None for video_id in bank.video_ids]
    scores = teacher.stream.settings.classes == dataset.classes
    saw: list[str | None]
    if isinstance(teacher.source, LoadedEncoder):  # what it saw follows from these, whatever computed it
        own = SnippetBank(frames, sorted(seen), teacher.source.encoder.modality, teacher.source.settings.clock)
        saw = [teacher.source.checksum, own.fingerprint()]
    else:
        saw = [hashlib.sha256(found.values.tobytes()).hexdigest() if found is not None else None for found in inputs]
    made_by = sha256_json([fingerprint(teacher.stream.stream.state_dict()), saw])
    return stream_as_snippet_teacher(
        teacher.stream.stream, inputs, bank.clock, bank.counts.tolist(), scores=scores, fingerprint=made_by
    )


def joint_outputs(target: JointTarget, dataset: Dataset, bank: SnippetBank) -> SnippetTeacher:
    """The 3D joints of a bank's snippets.

    Raises:
        InputRefused: E-ENC-006, no video has poses; E-POS-006, skeletons differ.
    """
    poses, skeleton = _poses_of(dataset, bank, JOINTS)
    frames = [pose_frames(found[0], bank.clock.fps) if found is not None else None for found in poses]
    return joint_teacher(frames, skeleton, bank.clock, bank.counts.tolist(), axes=target.axes, frames=target.frames)


def joint_cell_outputs(dataset: Dataset, bank: SnippetBank, rows: int, columns: int) -> SnippetTeacher:
    """In which cells of the student's map the joints of a bank's snippets lie.

    Raises:
        InputRefused: E-ENC-006, no video has poses; E-POS-006, skeletons differ; E-POS-017, no places in the image.
    """
    poses, _ = _poses_of(dataset, bank, JOINT_CELLS)
    frames = [image_frames(found[0], bank.clock.fps, found[1]) if found is not None else None for found in poses]
    return joint_cell_teacher(frames, bank.clock, bank.counts.tolist(), rows, columns)


def _poses_of(dataset: Dataset, bank: SnippetBank, teacher: str) -> tuple[list[tuple[PoseFile, Path] | None], Skeleton]:
    """The pose files of a bank's videos, which have one skeleton."""
    files = [dataset.videos[video_id].poses for video_id in bank.video_ids]
    poses = [(read_poses(path), path) if path is not None else None for path in files]
    skeletons = {found[0].skeleton: found[1] for found in poses if found is not None}
    if not skeletons:
        raise InputRefused("E-ENC-006", f"teacher {teacher}", "none of the training videos has poses")
    if len(skeletons) > 1:
        problem = f"{' and '.join(str(path) for path in skeletons.values())} have different skeletons"
        raise InputRefused("E-POS-006", f"teacher {teacher}", problem, "Convert poses to one skeleton.")
    return poses, next(iter(skeletons))
