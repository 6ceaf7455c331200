"""A bundle: one folder with all that detecting in a video takes.

    model.json, model.safetensors   the stream: temporal filter, classifier, classes, clock
    encoder/                        the snippet encoder whose features it was trained on
    thresholds.json                 optional: calibration and event rule of each class
    training.json                   optional: what it was trained on, to warn of videos that are unlike that
    per_class.csv, CARD.md          optional: how well it detects each class, and what it is in words

A run folder of `augrgb train` or `augrgb distill` is a bundle if its features were made with an encoder of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.opening import sha256_file
from augrgb.core.timeline import Clock
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.features.encode import iter_features, iter_frame_features
from augrgb.inference.thresholds import Thresholds, read_thresholds
from augrgb.inference.training_facts import TrainingFacts, read_training_facts, with_mean
from augrgb.parallel.devices import chosen_devices
from augrgb.streams.files import LoadedStream, load_stream
from augrgb.streams.predict import predict_pieces
from augrgb.video.decode import DecodeReport, Partial
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo

ENCODER_FOLDER = "encoder"


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle, ready to run.

    Args:
        folder: Where it was read from.
        encoder: The snippet encoder.
        stream: Temporal filter and classifier.
        thresholds: Calibration and event rule of each class; None where the bundle does not say.
        training: What it was trained on; None where the bundle does not say.
    """

    folder: Path
    encoder: LoadedEncoder
    stream: LoadedStream
    thresholds: Thresholds | None = None
    training: TrainingFacts | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the scores."""
        return self.stream.settings.classes

    @property
    def clock(self) -> Clock:
        """Time base of the scores."""
        return self.stream.settings.clock

    @property
    def parameters(self) -> int:
        """Number of weights of encoder and stream."""
        models = (self.encoder.encoder, self.stream.stream)
        return sum(parameter.numel() for model in models for parameter in model.parameters())

    @property
    def checksum(self) -> str:
        """Hash of the weights of encoder and stream."""
        parts = (self.encoder.checksum, sha256_file(self.folder / "model.safetensors"))
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    def facts(self) -> tuple[tuple[str, str], ...]:
        """The model in words, for pages."""
        return (
            ("model", self.folder.name),
            ("input", self.encoder.encoder.modality),
            ("encoder", f"{self.encoder.encoder.name}, {self.encoder.checksum[:8]}"),
            ("temporal filter", self.stream.settings.filter),
            ("parameters", f"{self.parameters / 1e6:.2f} million"),
            ("classes", str(len(self.classes))),
        )

    def file_scores(
        self,
        path: Path,
        *,
        partial: Partial = "refuse",
        report: DecodeReport,
        thumbnails: Thumbnails | None = None,
        opened: Callable[[VideoInfo], object] | None = None,
    ) -> NDArray[np.float64]:
        """Raw scores (T, K) of a file, decoded once; see `sample_frames` for the arguments."""
        pieces = iter_features(path, self.encoder, partial=partial, report=report, thumbnails=thumbnails, opened=opened)
        return predict_pieces(self.stream.stream, with_mean(pieces, report))

    def frame_scores(
        self, frames: Iterable[NDArray[np.uint8]], fps: float, *, report: DecodeReport
    ) -> NDArray[np.float64]:
        """Raw scores (T, K) of decoded frames."""
        pieces = iter_frame_features(frames, fps, self.encoder, report=report)
        return predict_pieces(self.stream.stream, with_mean(pieces, report))


def has_encoder(folder: Path) -> bool:
    """Whether a stream's folder holds its encoder, so that it can score videos and not only features."""
    return (folder / ENCODER_FOLDER / "model.json").is_file()


def load_bundle(folder: Path | str, device: str = "auto") -> Bundle:
    """Read a bundle and check that its parts fit together.

    Args:
        folder: See the module's description.
        device: Where networks run: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`; of several the first.

    Raises:
        EnvironmentFault: E-ENV-002, no such device here.
        InputRefused: E-MOD-018 (no encoder), E-MOD-020 (stream and encoder do not fit), E-MOD-019 (thresholds); and as
            `load_stream` and `load_encoder`.
        UsageFault: E-MOD-009, a pose stream.
    """
    folder, device = Path(folder), chosen_devices(device)[0]
    stream = load_stream(folder)
    settings = stream.settings
    stream.stream.to(device)
    if not has_encoder(folder):
        raise InputRefused(
            "E-MOD-018",
            folder,
            "this stream was trained on third-party features and has no snippet encoder",
            "Extract features with `augrgb extract` and train on these, or score the features with `augrgb evaluate`.",
        )
    encoder = load_encoder(folder / ENCODER_FOLDER, device)
    if encoder.encoder.modality == "pose":
        raise UsageFault(
            "E-MOD-009", folder, "this is a pose stream; videos have no poses", "Choose an RGB or flow stream."
        )
    if encoder.encoder.dim != settings.dim_in or encoder.settings.clock != settings.clock:
        problem = f"the encoder makes {encoder.encoder.dim} channels on {encoder.settings.clock}, but the stream takes "
        problem += f"{settings.dim_in} on {settings.clock}"
        raise InputRefused("E-MOD-020", folder, problem, "Copy the whole run folder again.")
    return Bundle(folder, encoder, stream, read_thresholds(folder, settings.classes), read_training_facts(folder))
