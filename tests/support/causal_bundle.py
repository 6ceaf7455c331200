"""A tiny causal bundle with random weights."""

from __future__ import annotations

from pathlib import Path

import torch

from augrgb.core.timeline import Clock
from augrgb.encoders import SmallRGB
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.streams.files import StreamSettings, build_stream, save_stream

CLOCK = Clock(fps=15.0, window=8, stride=4)
CLASSES = ("walk", "sit", "drink")


def make_causal_bundle(folder: Path, look_ahead: int | None = 0, *, clock: Clock = CLOCK, layers: int = 3) -> Path:
    """Write it; its scores vary over a moving video."""
    torch.manual_seed(0)
    save_encoder(folder / ENCODER_FOLDER, SmallRGB(dim=8, width=4), EncoderSettings(clock, (64, 48)))
    options = {"layers": layers, "width": 8, "look_ahead_snippets": look_ahead}
    settings = StreamSettings("rgb", "sd_tcn", 8, CLASSES, clock, options)
    stream = build_stream(settings)
    with torch.no_grad():
        stream.classifier.weight *= 20
    save_stream(folder, stream, settings)
    return folder
