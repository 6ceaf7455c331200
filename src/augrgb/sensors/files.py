"""Sensor files -> tracks on a clock's frame rate.

A sensor file is an `.npz` with `values` (real numbers, one row per sample), `fps` (rows per second) and, optionally,
`start` (when row 0 was measured, in seconds of the video; default 0). Rows are (C,) for the modality `signal` (an IMU,
a pressure mat, radar), and (H, W) or (H, W, C) for `grid` (thermal, depth, radar maps).
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import ARRAY_DAMAGE
from augrgb.core.opening import open_regular

MODALITIES = ("signal", "grid")
_MAX_BYTES = 2**31
_MAX_FPS = 100_000.0
_LEAST_COVERED = 0.9
_NOTED_S = 1.0
_AXES = {"signal": (2,), "grid": (3, 4)}
_ROWS = {"signal": "(rows, channels)", "grid": "(rows, height, width) or (rows, height, width, channels)"}


@dataclass(frozen=True, slots=True)
class SensorFile:
    """A checked sensor file.

    Args:
        values: (n, C) for `signal`, (n, H, W, C) for `grid`; float32, finite.
        fps: Rows per second.
        start_s: When row 0 was measured, in seconds of the video.
    """

    values: NDArray[np.float32]
    fps: float
    start_s: float = 0.0

    @property
    def end_s(self) -> float:
        """Where the last row ends, in seconds of the video."""
        return self.start_s + len(self.values) / self.fps


def read_sensor(path: Path, modality: str) -> SensorFile:
    """Read and check a sensor file.

    Raises:
        UsageFault: E-CFG-023, the modality is not that of a sensor.
        InputRefused: E-FILE-001 (absent), E-SEN-001 (not a readable `.npz`), E-FILE-013 (pickled objects), E-SEN-003
            (too large), E-SEN-002 (arrays that cannot be those of a sensor), E-SEN-004 (NaN or infinite values).
    """
    return checked_sensor(Path(path), _read_arrays(Path(path)), modality)


def checked_sensor(path: Path, arrays: Mapping[str, NDArray[Any]], modality: str) -> SensorFile:
    """The arrays of a sensor file, checked.

    Raises:
        UsageFault: E-CFG-023.
        InputRefused: E-SEN-002, E-SEN-004; see `read_sensor`.
    """
    if modality not in MODALITIES:
        raise UsageFault("E-CFG-023", "modality", f"{modality!r} is not that of a sensor file", "Use signal or grid.")
    values = arrays["values"]
    if values.dtype.kind not in "fiub" or values.ndim not in _AXES[modality] or 0 in values.shape:
        found = f"{values.dtype} {values.shape}"
        raise _wrong(path, f"values are {found}; modality {modality!r} expects numbers {_ROWS[modality]}")
    fps, start_s = _number(path, "fps", arrays["fps"]), _number(path, "start", arrays.get("start", np.zeros(())))
    if not 0 < fps <= _MAX_FPS:
        raise _wrong(path, f"fps is {fps:g}; expected rows per second, above 0 and at most {_MAX_FPS:g}")
    with np.errstate(over="ignore"):
        floats = values.astype(np.float32)
    finite = np.isfinite(floats)
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        problem = f"{int((~finite).sum())} values are NaN, infinite or too large, first in row {row}"
        remedy = "Fill short gaps (`augrgb data sensor` does, from CSV), or leave the file out."
        raise InputRefused("E-SEN-004", path, problem, remedy)
    if modality == "grid" and floats.ndim == 3:
        floats = floats[..., None]
    return SensorFile(floats, fps, start_s)


def sensor_frames(
    path: Path, sensor: SensorFile, fps: float, duration_s: float | None = None
) -> tuple[NDArray[np.float32], list[str]]:
    """Resample a sensor by time, to the length of its video.

    Frame k is what the sensor measured at k / fps of the video. Where the clock is slower than the sensor, rows are
    averaged over a frame's time, so that no fast movement is lost between frames; else they are interpolated. What is
    missing before the first and after the last row repeats that row.

    Args:
        path: For messages.
        sensor: What was read.
        fps: Frames per second of the track.
        duration_s: Of the video; None = until the sensor ends.

    Returns:
        Frames (n, ...) with n = ceil(duration * fps), and warnings.

    Raises:
        InputRefused: E-SEN-005, the sensor covers less than 90 % of the video.
    """
    duration_s = duration_s if duration_s is not None else sensor.end_s
    covered_s = min(sensor.end_s, duration_s) - max(sensor.start_s, 0.0)
    if covered_s < _LEAST_COVERED * duration_s or covered_s <= 0:
        problem = (
            f"covers {max(covered_s, 0.0):.1f} s of a video of {duration_s:.1f} s: {len(sensor.values)} rows at fps "
            f"{sensor.fps:g} from second {sensor.start_s:g}"
        )
        raise InputRefused("E-SEN-005", path, problem, "Correct fps or start, or leave the file out.")
    warnings = []
    if duration_s - covered_s > _NOTED_S:
        warnings.append(f"covers {covered_s:.1f} s of {duration_s:.1f} s; the nearest row stands for the rest")
    if sensor.end_s > duration_s + max(_NOTED_S, (1 - _LEAST_COVERED) * duration_s):
        warnings.append(f"goes on for {sensor.end_s - duration_s:.1f} s after the video; is fps {sensor.fps:g} right?")
    count = max(1, math.ceil(duration_s * fps - 1e-6))
    rows = (np.arange(count) / fps - sensor.start_s) * sensor.fps
    return _at_rows(sensor.values, rows, sensor.fps / fps), [f"{path.name}: {text}" for text in warnings]


def _at_rows(values: NDArray[np.float32], rows: NDArray[np.float64], width: float) -> NDArray[np.float32]:
    """Values at fractions of rows: means over `width` rows around them if that is more than one, else interpolated."""
    last = len(values) - 1
    if width > 1:
        low = np.clip(np.rint(rows - width / 2), 0, last).astype(np.int64)
        high = np.clip(np.rint(rows + width / 2), low + 1, last + 1).astype(np.int64)
        return np.stack([values[a:b].mean(axis=0, dtype=np.float64) for a, b in zip(low, high, strict=True)]).astype(
            np.float32
        )
    rows = np.clip(rows, 0, last)
    before = np.floor(rows).astype(np.int64)
    weight = (rows - before).astype(np.float32).reshape(-1, *(1,) * (values.ndim - 1))
    found: NDArray[np.float32] = values[before] * (1 - weight) + values[np.minimum(before + 1, last)] * weight
    return found


def _number(path: Path, name: str, value: NDArray[Any]) -> float:
    if value.size != 1 or value.dtype.kind not in "fiu" or not math.isfinite(value.item()):
        raise _wrong(path, f"{name} is {value.tolist()!r:.80}, expected one number")
    return float(value.item())


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with open_regular(path, "sensor file") as handle, zipfile.ZipFile(handle) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > _MAX_BYTES:
            raise InputRefused("E-SEN-003", path, f"unpacks to {size} bytes; at most {_MAX_BYTES} are allowed")
        with open_arrays(path, "sensor file") as arrays:
            missing = [name for name in ("values", "fps") if name not in arrays]
            if missing:
                raise _wrong(path, f"without {', '.join(missing)}; found {', '.join(sorted(arrays)) or 'nothing'}")
            return {name: np.asarray(arrays[name]) for name in ("values", "fps", "start") if name in arrays}
    except ARRAY_DAMAGE as error:
        if "pickle" in str(error).lower():
            remedy = "Save plain arrays; objects could run code when read, so they never are."
            raise InputRefused("E-FILE-013", path, "holds pickled Python objects", remedy) from error
        raise InputRefused(
            "E-SEN-001", path, f"not a readable .npz sensor file ({error})", "Write it again."
        ) from error


def _wrong(path: Path, problem: str) -> InputRefused:
    return InputRefused("E-SEN-002", path, problem, "See docs/modalities.md for the sensor format.")
