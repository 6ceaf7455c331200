"""Results of single videos, kept while a command works on many, so that it can go on where it was interrupted."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import AugrgbError
from augrgb.core.files import ARRAY_DAMAGE, write_bytes
from augrgb.core.opening import is_file
from augrgb.core.plain_data import parse_json
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.inference.video_detections import VideoDetections
from augrgb.video.video_info import VideoInfo

SCHEMA = "augrgb.detected/1"
_DAMAGE: tuple[type[Exception], ...] = (*ARRAY_DAMAGE, TypeError, AttributeError, AugrgbError)


def store_detections(path: Path, found: VideoDetections, key: str) -> None:
    """Write a result; `key` stands for all that decided it."""
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "key": key,
        "name": found.name,
        "duration_s": found.duration_s,
        "classes": found.classes,
        "clock": found.clock.to_json(),
        "detections": [asdict(one) for one in found.detections],
        "min_scores": found.min_scores,
        "info": None if found.info is None else {**asdict(found.info), "path": None},
        "warnings": found.warnings,
    }
    text = np.frombuffer(json.dumps(values).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, text=text, scores=found.scores, raw_scores=found.raw_scores)
    write_bytes(path, buffer.getvalue())


def stored_detections(path: Path, key: str, video: Path) -> VideoDetections | None:
    """The result of `video`, or None: absent, damaged, or decided by something else."""
    if not is_file(path):
        return None
    try:
        with open_arrays(path, "kept result") as arrays:
            values = parse_json(arrays["text"].tobytes().decode(), path)
            if values.pop("schema") != SCHEMA or values.pop("key") != key:
                return None
            info = values["info"]
            values["info"] = None if info is None else replace(VideoInfo(**info), path=video)
            values["clock"] = Clock(**values["clock"])
            values["detections"] = tuple(Detection(**one) for one in values["detections"])
            values |= {name: tuple(values[name]) for name in ("classes", "min_scores", "warnings")}
            return VideoDetections(scores=arrays["scores"], raw_scores=arrays["raw_scores"], **values)
    except _DAMAGE:
        return None
