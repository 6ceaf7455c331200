"""How fast this machine does what a fit consists of, measured in a few seconds on one video of the project."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import write_json
from augrgb.core.fit import Unfit, fit
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.filters import SdTcn
from augrgb.pipelines.fitting.held_memory import most_held
from augrgb.pipelines.fitting.project import Project
from augrgb.pipelines.fitting.recipe import BATCH, RGB_ENCODERS, STREAM_BATCH
from augrgb.training.encoder_start import freeze
from augrgb.video.decode import DecodeReport, FrameTarget, sample_frames
from augrgb.video.flow import flow_target, iter_flow
from augrgb.video.probe import probe
from augrgb.weights.tuning import TUNED_BATCH, TUNED_FROZEN

_log = logging.getLogger(__name__)
FILE = "speed.json"
STREAM_LENGTH = 100
"""Snippets of the videos on which a stream's step is measured."""
_DECODED_S = 4.0
_USUAL_DECODE_S = 0.06  # where no video can be decoded; then the fit itself will say so


@dataclass(frozen=True)
class Speed:
    """Seconds on one core of this machine, now.

    Args:
        decode: Of decoding, scaling and flow, for a second of video.
        plain_step: Of a step of a small encoder.
        large_step: Of a step of the encoder of RGB, if that is another one; else as `plain_step`.
        encode: Of features of a snippet by the encoder of RGB.
        stream_step: Of a step of a stream.
        plain_bytes: What a step of a small encoder holds at once.
        large_bytes: What a step of the encoder of RGB does.
        frame_pixels: Of the largest of the decoded videos.
    """

    decode: float
    plain_step: float
    large_step: float
    encode: float
    stream_step: float
    plain_bytes: float = 0.0
    large_bytes: float = 0.0
    frame_pixels: int = 0


def measure_speed(project: Project, dataset: Dataset, videos: Sequence[str]) -> Speed:
    """Decode a few seconds, and train two steps of everything; about four seconds in all.

    Other work on the machine is part of the measurement, since it slows the fit as well.
    """
    records = sorted((dataset.videos[name] for name in videos), key=lambda one: (one.known_duration_s, one.video_id))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as workers have
    try:
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            plain, encode, plain_bytes = _encoder(project, RGB_ENCODERS["small"], project.frames_size, BATCH)
            large, large_bytes = plain, plain_bytes
            if project.encoder != "small":
                batch = TUNED_BATCH if project.encoder == "efficientnet_lite" else BATCH
                large, encode, large_bytes = _encoder(project, RGB_ENCODERS[project.encoder], project.size, batch)
            stream = _stream(project)
    finally:
        torch.set_num_threads(threads)
    decode, pixels = _decode(project, records)
    return Speed(decode, plain, large, encode, stream, plain_bytes, large_bytes, pixels)


def read_speed(path: Path) -> Speed | None:
    """The measurement in a file; None if it is absent, or damaged, which is logged."""
    if not is_file(path):
        return None
    try:
        found: Speed = fit(read_json(path, "speed"), Speed, "speed")
    except (InputRefused, Unfit) as fault:
        _log.warning("%s; it is measured again", fault)
        return None
    return found


def kept_speed(path: Path, measure: Callable[[], Speed]) -> Speed:
    """The measurement in a file; measured, and written there, if there is none yet.

    A fit that is continued must plan with the numbers that it was begun with.
    """
    speed = read_speed(path)
    if speed is None:
        speed = measure()
        write_json(path, asdict(speed))
    return speed


def _decode(project: Project, records: Sequence[VideoRecord]) -> tuple[float, int]:
    """Median of three videos, and their most pixels; several, because files differ in size and codec."""
    found: list[float] = []
    pixels = 0
    for place in (0.5, 0.25, 0.75):
        record = records[int(place * (len(records) - 1))]
        if record.file is None:
            continue
        targets = (flow_target(project.frames_size), FrameTarget(project.size))
        began, wanted = time.perf_counter(), int(min(_DECODED_S, record.known_duration_s) * project.clock.fps)
        try:
            info = probe(record.file)
            frames = (f for f, _ in sample_frames(record.file, project.clock.fps, targets, report=DecodeReport()))
            count = sum(1 for _, _ in zip(range(wanted), iter_flow(frames), strict=False))
        except AugrgbError:
            continue
        if count:
            found.append((time.perf_counter() - began) / (count / project.clock.fps))
            pixels = max(pixels, info.width * info.height)
    return (statistics.median(found) if found else _USUAL_DECODE_S), pixels


def _encoder(
    project: Project, options: Mapping[str, Mapping[str, Any]], size: tuple[int, int], batch: int
) -> tuple[float, float, float]:
    """Seconds for a training step, and for the features of one snippet; bytes that a step holds at once."""
    ((name, given),) = options.items()
    encoder: Any = ENCODERS[name](**given)
    if name == "efficientnet_lite":
        freeze(encoder, TUNED_FROZEN)
    optimizer = torch.optim.AdamW([p for p in encoder.parameters() if p.requires_grad])
    rng = np.random.default_rng(0)
    windows = rng.integers(0, 255, (batch, project.clock.window, size[1], size[0], 3), dtype=np.uint8)

    def step() -> None:
        optimizer.zero_grad()
        encoder(encoder.prepare(windows)).square().mean().backward()
        optimizer.step()

    @torch.no_grad()
    def encode() -> None:
        encoder.eval()(encoder.prepare(windows))

    held = most_held(step)
    return _timed(step, 2), _timed(encode, 1) / batch, held


def _stream(project: Project) -> float:
    model: Any = SdTcn(128, layers=project.layers, width=128)
    optimizer = torch.optim.AdamW(model.parameters())
    x, mask = torch.randn(STREAM_BATCH, STREAM_LENGTH, 128), torch.ones(STREAM_BATCH, STREAM_LENGTH, dtype=torch.bool)

    def step() -> None:
        optimizer.zero_grad()
        output = model(x, mask)
        (output[0] if isinstance(output, tuple) else output).square().mean().backward()
        optimizer.step()

    return _timed(step, 3)


def _timed(work: Callable[[], None], count: int) -> float:
    work()  # the first time allocates
    began = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - began) / count
