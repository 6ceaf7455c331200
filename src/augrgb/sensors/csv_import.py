"""Time series in CSV files -> sensor files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.files import write_bytes
from augrgb.core.opening import read_bytes
from augrgb.core.shown import shown
from augrgb.sensors.files import SensorFile

_MAX_BYTES = 2**30
_SLOWEST, _FASTEST, _LATEST_S = 1e-3, 1e6, 1e7
_LARGEST = float(np.finfo(np.float32).max)
_TIMES = ("time", "t", "timestamp", "time_s", "seconds", "ts")


def read_csv(
    path: Path,
    *,
    time: str | None = None,
    unit_s: float = 1.0,
    fps: float | None = None,
    start_s: float = 0.0,
    columns: Sequence[str] = (),
    max_gap_s: float = 0.5,
) -> SensorFile:
    """A CSV file with a header, one sample per line, resampled to even steps.

    Cells that are empty or NaN, and samples that are late, are interpolated over gaps of up to `max_gap_s`.

    Args:
        path: The file.
        time: Column of times; default: one called `time`, `t`, `timestamp`, `time_s`, `seconds` or `ts`, if there is
            one. Times count from the first line.
        unit_s: Seconds in a unit of that column, such as 0.001.
        fps: Rows per second; default: as the times say (their median step). Needed without a column of times.
        start_s: When the first line was measured, in seconds of the video.
        columns: Which columns are channels; default: all others.
        max_gap_s: Longest gap that is filled.

    Raises:
        InputRefused: E-FILE-001 (absent), E-SEN-003 (too large), E-SEN-006 (a header, line or cell cannot be read),
            E-SEN-007 (no rate, or an impossible one), E-SEN-004 (a gap that is too long).
    """
    header, cells, lines = _table(path)
    key = time if time is not None else next((name for name in header if name.strip().lower() in _TIMES), None)
    for name in (*([key] if key is not None else []), *columns):
        if name not in header:
            raise _odd(path, f"no column {shown(name)}; {did_you_mean(name, header)}")
    channels = [header.index(name) for name in (columns or [name for name in header if name != key])]
    if not channels:
        raise _odd(path, "no column but the times")
    if key is None:
        if fps is None:
            problem = f"no column of times ({', '.join(_TIMES)}), and no rate"
            raise InputRefused("E-SEN-007", path, problem, "Give --fps or --time-column.")
        at_s = np.arange(len(cells)) / fps
    else:
        at_s = (cells[:, header.index(key)] - cells[0, header.index(key)]) * unit_s
        odd = np.flatnonzero(~np.isfinite(at_s) | (np.diff(at_s, prepend=-1) < 0))
        if len(odd):
            problem = f"line {lines[odd[0]]}: time {cells[odd[0], header.index(key)]:g} is not a later time"
            raise _odd(path, problem)
    if fps is None:
        step = float(np.median(np.diff(at_s))) if len(at_s) > 1 else 0.0
        if not step > 0:
            raise InputRefused("E-SEN-007", path, "its times do not say a rate", "Give --fps.")
        fps = 1 / step
    if not _SLOWEST <= fps <= _FASTEST:
        problem = f"{fps:.3g} rows per second cannot be right"
        raise InputRefused("E-SEN-007", path, problem, "Correct the times, or say what they are: --time-unit, --fps.")
    if not abs(start_s) <= _LATEST_S:
        raise UsageFault("E-CFG-003", "start", f"must be a time in seconds, at most {_LATEST_S:g}, got {start_s}")
    count = max(1, math.floor(at_s[-1] * fps + 0.5) + 1)
    if count * len(channels) * 4 > _MAX_BYTES:
        raise InputRefused("E-SEN-003", path, f"{count} rows of {len(channels)} channels at {fps:g} rows per second")
    grid_s = np.arange(count) / fps
    filled = [_filled(path, header[c], at_s, cells[:, c], grid_s, max(max_gap_s, 1.5 / fps)) for c in channels]
    return SensorFile(np.stack(filled, axis=1).astype(np.float32), float(fps), start_s)


def write_sensor(path: Path, sensor: SensorFile) -> None:
    """Write a sensor file, whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, values=sensor.values, fps=np.float64(sensor.fps), start=np.float64(sensor.start_s))
    write_bytes(path, buffer.getvalue())


def _filled(
    path: Path,
    name: str,
    at_s: NDArray[np.float64],
    values: NDArray[np.float64],
    grid_s: NDArray[np.float64],
    max_gap_s: float,
) -> NDArray[np.float64]:
    known = np.isfinite(values)
    if not known.any():
        raise InputRefused("E-SEN-004", path, f"column {name!r} has no number", "Leave it out with --column.")
    times = at_s[known]
    edges = np.concatenate([[0.0], times, [at_s[-1]]])
    gap = int(np.diff(edges).argmax())
    if edges[gap + 1] - edges[gap] > max_gap_s + 1e-9:
        problem = f"column {name!r}: nothing from {edges[gap]:.2f} to {edges[gap + 1]:.2f} s"
        raise InputRefused(
            "E-SEN-004", path, problem, "Allow longer gaps (--max-gap), or leave the column or file out."
        )
    return np.interp(grid_s, times, values[known])


def _table(path: Path) -> tuple[list[str], NDArray[np.float64], list[int]]:
    """Names of the columns; cells (samples, columns), NaN where one is empty; and the line of each sample."""
    try:
        text = read_bytes(path, "CSV file", _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _odd(path, f"is not text in UTF-8 ({error})") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        numbered = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise _odd(path, f"is not CSV ({error})") from error
    if len(numbered) < 3:
        raise _odd(path, f"{len(numbered)} lines; expected a header and at least two samples")
    header = [name.strip() for name in numbered[0][1]]
    if len(set(header)) < len(header) or all(_is_number(name) for name in header):
        raise _odd(path, "its first line is not a header of different names")
    for line, row in numbered[1:]:  # before memory is taken for all
        if len(row) != len(header):
            raise _odd(path, f"line {line} has {len(row)} cells, the header {len(header)}")
    cells = np.full((len(numbered) - 1, len(header)), np.nan)
    for sample, (line, row) in enumerate(numbered[1:]):
        for column, cell in enumerate(row):
            cell = cell.strip().replace(",", ".") if delimiter == ";" else cell.strip()
            where = f"line {line}, column {header[column]!r}: {cell[:40]!r}"
            try:
                cells[sample, column] = float(cell or "nan")
            except ValueError as error:
                raise _odd(path, f"{where} is not a number") from error
            if abs(cells[sample, column]) > _LARGEST:
                raise _odd(path, f"{where} is more than a sensor file can hold")
    return header, cells, [line for line, _ in numbered[1:]]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _odd(path: Path, problem: str) -> InputRefused:
    return InputRefused("E-SEN-006", path, problem, "Export it as CSV with a header and one sample per line.")
