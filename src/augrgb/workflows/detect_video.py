"""One video file -> detections, in this process: decode, encode, filter, decode scores. See `detect` for many."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.detection.pipeline import final_detections
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.features.encode import EncodedVideo, encode_video
from augrgb.parallel.devices import chosen_devices
from augrgb.report import film_strip, strip_times_s
from augrgb.report.data import DetectedVideo, Fact, Note, ScoreCurves
from augrgb.streams.files import LoadedStream, load_stream
from augrgb.streams.predict import predict
from augrgb.training.teachers.snippet_outputs import ENCODER_FOLDER
from augrgb.video.decode import DecodeReport, Partial, frames_by_time
from augrgb.video.probe import VideoInfo, probe

STRIP_FRAMES = 40


@dataclass(frozen=True)
class Detector:
    """An RGB stream with its snippet encoder: all that is needed at test time."""

    encoder: LoadedEncoder
    stream: LoadedStream
    folder: Path


def load_detector(run: Path, device: str = "cpu") -> Detector:
    """The stream of a run folder and its encoder, on a device (see `chosen_devices`; of several the first).

    Raises:
        EnvironmentFault: E-ENV-002, the device is not there.
        InputRefused: Not such a folder, the encoder is missing or not the one that made the stream's features.
    """
    device = chosen_devices(device)[0]
    stream = load_stream(run)
    stream.stream.to(device)
    if not (run / ENCODER_FOLDER / "model.json").is_file():
        raise InputRefused(
            "E-MOD-008",
            run,
            "this stream was trained on foreign features and carries no snippet encoder",
            "Extract features with `augrgb extract` and train on these, or score the features with `augrgb evaluate`.",
        )
    encoder = load_encoder(run / ENCODER_FOLDER, device)
    if encoder.encoder.dim != stream.settings.dim_in or encoder.settings.clock != stream.settings.clock:
        problem = f"the encoder gives {encoder.encoder.dim} channels on {encoder.settings.clock}, the stream takes "
        problem += f"{stream.settings.dim_in} on {stream.settings.clock}"
        raise InputRefused("E-MOD-005", run, problem, "Copy the whole run folder again.")
    if encoder.encoder.modality == "pose":
        raise UsageFault(
            "E-MOD-009", run, "this is a pose stream; videos have no poses", "Choose an RGB or flow stream."
        )
    return Detector(encoder, stream, run)


def detect_video(
    path: Path, name: str, detector: Detector, *, min_score: float = 0.3, partial: Partial = "refuse"
) -> DetectedVideo:
    """Detect in one file, in memory that does not grow with its length (but for the scores).

    Raises:
        InputRefused: The video cannot be decoded.
    """
    started = time.monotonic()
    info = probe(path)
    report = DecodeReport()
    encoded = encode_video(path, detector.encoder, partial=partial, report=report)
    scores = predict(detector.stream.stream, encoded.values)
    settings = detector.stream.settings
    found = final_detections(scores, settings.clock, settings.classes, name, encoded.duration_s, min_score=min_score)
    seconds = time.monotonic() - started
    times = settings.clock.centres_s(len(scores))
    return DetectedVideo(
        name=name,
        duration_s=encoded.duration_s,
        frames=tuple(film_strip(_strip(path, encoded.duration_s, info, partial))),
        detections=tuple(found),
        curves=ScoreCurves(settings.classes, times, scores),
        video_facts=_video_facts(path, info, encoded, seconds),
        model_facts=_model_facts(detector),
        notes=tuple(Note("Read with care", text) for text in dict.fromkeys(report.warnings)),
        classes=settings.classes,
    )


def _strip(path: Path, duration_s: float, info: VideoInfo, partial: Partial) -> list[NDArray[np.uint8]]:
    """Small frames, evenly spaced over the video."""
    times = strip_times_s(duration_s, STRIP_FRAMES)
    height = 96
    width = max(16, round(info.width / info.height * height / 2) * 2)
    fps = len(times) / max(duration_s, 1e-3)
    return list(frames_by_time(path, fps, size=(width, height), partial=partial))[: len(times)]


def _video_facts(path: Path, info: VideoInfo, encoded: EncodedVideo, seconds: float) -> tuple[Fact, ...]:
    return (
        Fact("file", path.name),
        Fact("picture", f"{info.width} x {info.height}, {info.fps:.2f} frames/s"),
        Fact("duration", f"{encoded.duration_s:.1f} s"),
        Fact("snippets", f"{len(encoded.values)}, one every {encoded.clock.stride_s:.2f} s"),
        Fact("time taken", f"{seconds:.1f} s ({encoded.duration_s / max(seconds, 1e-9):.0f} times real time)"),
    )


def _model_facts(detector: Detector) -> tuple[Fact, ...]:
    stream = detector.stream.stream
    parameters = sum(p.numel() for p in stream.parameters()) + sum(
        p.numel() for p in detector.encoder.encoder.parameters()
    )
    return (
        Fact("model", detector.folder.name),
        Fact("sees", detector.encoder.encoder.modality),
        Fact("encoder", f"{detector.encoder.encoder.name}, {detector.encoder.checksum[:8]}"),
        Fact("temporal filter", detector.stream.settings.filter),
        Fact("parameters", f"{parameters / 1e6:.2f} million"),
        Fact("classes", str(len(detector.stream.settings.classes))),
    )
