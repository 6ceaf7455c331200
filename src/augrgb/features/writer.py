"""Feature files written and verified piece by piece, in memory that does not grow with the video."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from augrgb.core.arrays import open_tensors
from augrgb.core.errors import InputRefused
from augrgb.core.files import atomic_file, disk_faults, make_folder
from augrgb.core.timeline import Clock
from augrgb.features.store import SCHEMA, describe_features, feature_path, parse_description

_IN_MEMORY_BYTES = 2**25
_PIECE_BYTES = 2**22
_ROWS = 4096


class FeatureWriter:
    """Collects the features of one video and writes them as `write_features` would, to the byte. A context manager.

    Up to 32 MiB stay in memory, more goes to a nameless file in the folder, which vanishes with the process.

    Args:
        folder: A feature folder, made if absent.
        video_id: The video.
        clock: Time base of its features.

    Raises:
        EnvironmentFault: E-ENV-001, the disk.
    """

    def __init__(self, folder: Path, video_id: str, clock: Clock) -> None:
        self.path, self.video_id, self.clock = feature_path(folder, video_id), video_id, clock
        self.count = self.dim = 0
        self._hash = hashlib.sha256()
        make_folder(self.path.parent)
        self._pieces = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(self.path.parent))  # noqa: SIM115

    def __enter__(self) -> FeatureWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pieces.close()

    def append(self, values: NDArray[np.float32]) -> None:
        """Add snippets (n, C).

        Raises:
            InputRefused: E-FEA-005, not finite; E-FEA-017, another width than before.
            EnvironmentFault: E-ENV-001, the disk.
        """
        if self.count and values.shape[1] != self.dim:
            raise InputRefused("E-FEA-017", self.video_id, f"{values.shape[1]} channels after {self.dim}")
        finite = np.isfinite(values)
        if not finite.all():
            row, column = (int(place) for place in np.argwhere(~finite)[0])
            problem = f"not finite: {values[row, column]} at snippet {self.count + row}, channel {column}"
            raise InputRefused("E-FEA-005", self.video_id, problem, "The encoder overflows on it; check its weights.")
        data = np.ascontiguousarray(values, dtype="<f4").tobytes()
        self._hash.update(data)
        with disk_faults(self.path):
            self._pieces.write(data)
        self.count, self.dim = self.count + len(values), values.shape[1]

    def finish(self, metadata: Mapping[str, Any]) -> Path:
        """Write the file, whole or not at all; see `write_features` for the metadata.

        Raises:
            InputRefused: E-FEA-003, no snippets.
            EnvironmentFault: E-ENV-001, the disk.
        """
        if not self.count:
            raise InputRefused("E-FEA-003", self.video_id, "no features, expected (T, C)")
        text = describe_features(self.video_id, self.clock, metadata, self._hash.hexdigest())
        size = 4 * self.count * self.dim
        tensor = {"dtype": "F32", "shape": [self.count, self.dim], "data_offsets": [0, size]}
        header = json.dumps({"__metadata__": {"augrgb": text}, "features": tensor}, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)  # as the library aligns it
        with atomic_file(self.path) as handle:
            handle.write(len(header).to_bytes(8, "little") + header)
            self._pieces.seek(0)
            while piece := self._pieces.read(_PIECE_BYTES):
                handle.write(piece)
        return self.path


def verify_features(path: Path) -> tuple[int, dict[str, Any]]:
    """Number of snippets and metadata of a feature file, after its values were compared with its checksum.

    Raises:
        InputRefused: E-FEA-007 (cut off or damaged), E-FEA-023 (not a feature file), E-FILE-001 (absent).
    """
    count, described = describe_file(path)
    digest = hashlib.sha256()
    try:
        for rows in _rows(path, count):
            digest.update(rows)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputRefused("E-FEA-007", path, f"cut off or damaged ({error})", "Extract it again.") from error
    if digest.hexdigest() != described.get("values_sha256"):
        raise InputRefused("E-FEA-007", path, "its values changed since they were written", "Extract it again.")
    return count, described


def describe_file(path: Path) -> tuple[int, dict[str, Any]]:
    """Number of snippets and metadata of a feature file; its values are not read.

    Raises:
        InputRefused: E-FEA-007 (cut off), E-FEA-023 (not a feature file), E-FILE-001 (absent).
    """
    try:
        with open_tensors(path, what="feature file") as handle:
            text = (handle.metadata() or {}).get("augrgb")
            shape = handle.get_slice("features").get_shape()
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputRefused("E-FEA-007", path, f"cut off or damaged ({error})", "Extract it again.") from error
    described = parse_description(text, path)
    if len(shape) != 2:
        raise InputRefused("E-FEA-023", path, f"is not an augrgb feature file ({SCHEMA})", "Extract it again.")
    return int(shape[0]), described


def _rows(path: Path, count: int) -> Iterator[bytes]:
    with open_tensors(path, what="feature file") as handle:
        values = handle.get_slice("features")
        for start in range(0, count, _ROWS):
            yield np.ascontiguousarray(values[start : min(start + _ROWS, count)], dtype="<f4").tobytes()
