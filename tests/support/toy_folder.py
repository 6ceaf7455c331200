"""A folder for examples in docstrings: `toy` with data, features, recipes, two short clips, an encoder and a bundle."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.streams import StreamSettings, build_stream, save_stream
from augrgb.video.mp4 import write_mp4
from support.toy_comparison import make_features, toy_values


def make_toy_folder(root: Path) -> Path:
    """Fill a folder that will be called `toy` beside the working folder."""
    make_features(root)
    shutil.move(root / "data" / "dataset.json", root / "dataset.json")
    values = toy_values(Path("toy"))
    stream = values["stream"]
    stream["data"]["dataset"] = "toy"
    _write(root / "rgb.yaml", {**stream, "student": {**stream["student"], "modality": "rgb"}})
    methods = {key: values["methods"][key] for key in ("rgb",)}
    _write(root / "compare.yaml", {"stream": stream, "methods": methods, "baseline": "rgb", "seeds": 1})
    rng = np.random.default_rng(0)
    videos = {}
    for name in ("a", "b"):
        frames = rng.integers(0, 255, (12, 32, 32, 3), dtype=np.uint8)
        write_mp4(root / "clips" / f"{name}.mp4", frames, fps=12)
        videos[name] = VideoRecord(name, 1.0, file=root / "clips" / f"{name}.mp4", events=(Event("walk", 0.0, 1.0),))
    save_dataset(Dataset("clips", ("walk",), videos), root / "clips")
    torch.manual_seed(0)
    encoder = ENCODERS["small_rgb"](dim=8)
    save_encoder(root / "encoder", encoder, EncoderSettings(Clock(12, 4, 4), (32, 32)))
    shutil.copytree(root / "encoder", root / "model" / "encoder")
    settings = StreamSettings("rgb", "sd_tcn", 8, ("walk", "sit"), Clock(12, 4, 4), {"width": 8, "layers": 2})
    save_stream(root / "model", build_stream(settings), settings)
    return root


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(values))
