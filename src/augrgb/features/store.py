"""Feature folders: one `.safetensors` per video, which says what it was made from, by what, on which clock."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from augrgb.core.arrays import open_tensors
from augrgb.core.errors import InputRefused
from augrgb.core.file_rows import FileRows
from augrgb.core.files import file_name_of, identifier_of, sha256_json, write_bytes
from augrgb.core.fit import Unfit, fit
from augrgb.core.nested import leaves
from augrgb.core.opening import open_regular
from augrgb.core.plain_data import parse_json
from augrgb.core.sealed import sealed, unsealed
from augrgb.core.searching import files_in, has_files
from augrgb.core.timeline import Clock
from augrgb.features.npy_folder import NpyFolder
from augrgb.features.video_features import (
    FeatureFolder,
    VideoFeatures,
    as_float32,
    kept_in_file,
    missing_features,
)

SCHEMA = "augrgb.features/1"
ENCODER_COPY = "_encoder"
"""Folder inside a feature folder that holds a copy of the encoder."""


def feature_path(folder: Path, video_id: str) -> Path:
    """Where the features of a video lie."""
    return Path(folder) / f"{file_name_of(video_id)}.safetensors"


def write_features(
    folder: Path, video_id: str, values: NDArray[Any], clock: Clock, metadata: Mapping[str, Any]
) -> Path:
    """Write the features of one video, whole or not at all. Equal arguments give equal bytes.

    Args:
        folder: A feature folder, made if absent.
        video_id: The video.
        values: (T, C) numbers, finite.
        clock: Their time base.
        metadata: Plain JSON. `recipe` (what made them: a folder holds one recipe only) and `source` are used by augrgb.

    Raises:
        InputRefused: E-FEA-003 (shape), E-FEA-005 (not finite).
        EnvironmentFault: E-ENV-001, the disk.
    """
    path = feature_path(folder, video_id)
    if values.ndim != 2 or 0 in values.shape:
        raise InputRefused("E-FEA-003", video_id, f"features have shape {values.shape}, expected (T, C)")
    checked = as_float32(video_id, values)
    text = describe_features(video_id, clock, metadata, hashlib.sha256(checked.tobytes()).hexdigest())
    write_bytes(path, safetensors.numpy.save({"features": checked}, {"augrgb": text}))
    return path


def describe_features(video_id: str, clock: Clock, metadata: Mapping[str, Any], values_sha256: str) -> str:
    """All metadata of a feature file as one JSON text: several entries would be written in random order."""
    described = {
        **metadata,
        "video_id": video_id,
        "clock": clock.to_json(),
        "recipe_hash": sha256_json(metadata.get("recipe")),
        "values_sha256": values_sha256,
    }
    return json.dumps(sealed(SCHEMA, described), sort_keys=True, ensure_ascii=True, allow_nan=False)


def parse_description(text: str | None, path: Path) -> dict[str, Any]:
    """The metadata of a feature file.

    Raises:
        InputRefused: E-FEA-023 (not a feature file), E-FEA-007 (damaged or changed).
    """
    remedy = "Remove it and extract again."
    try:
        found: dict[str, Any] = unsealed(
            parse_json(text, path) if text else None, path, SCHEMA, dict, code="E-FEA-023", remedy=remedy
        )
        fit(found.get("clock"), Clock, "clock")
    except (InputRefused, Unfit) as fault:
        if isinstance(fault, InputRefused) and fault.code == "E-FEA-023":
            problem = f"is not an augrgb feature file ({SCHEMA})"
            raise InputRefused("E-FEA-023", path, problem, remedy) from fault
        problem = fault.problem if isinstance(fault, InputRefused) else str(fault)
        raise InputRefused("E-FEA-007", path, f"its description is damaged: {problem}", remedy) from fault
    return found


def read_feature_file(path: Path) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Values (T, C) and metadata of one file, verified against its own checksum.

    Raises:
        InputRefused: E-FILE-001 (absent), E-FEA-003 (shape), E-FEA-005 (not finite), E-FEA-007 (cut off or
            damaged), E-FEA-023 (not a feature file).
    """
    values, described, _ = _read(path)
    return values, described


def _read(path: Path) -> tuple[NDArray[np.float32], dict[str, Any], FileRows | None]:
    """As `read_feature_file`, and where the numbers lie, if they lie there as they are."""
    remedy = "Remove it and extract again."
    try:
        with open_tensors(path, what="feature file") as handle:
            text = (handle.metadata() or {}).get("augrgb")
            there = "features" in handle.keys()  # noqa: SIM118
            rows = _rows(path, handle) if there else None
            values = (rows.load() if rows is not None else handle.get_tensor("features")) if there else None
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputRefused("E-FEA-007", path, f"cut off or damaged ({error})", remedy) from error
    described = parse_description(text, path)
    if values is None:
        raise InputRefused("E-FEA-023", path, f"is not an augrgb feature file ({SCHEMA})", remedy)
    if values.ndim != 2 or 0 in values.shape:
        raise InputRefused("E-FEA-003", path, f"features have shape {values.shape}, expected (T, C)", remedy)
    found = rows.sha256 if rows is not None else hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()
    if found != described.get("values_sha256"):
        raise InputRefused("E-FEA-007", path, "its values changed since they were written", remedy)
    return as_float32(path, values), described, kept_in_file(rows)


def _rows(path: Path, handle: Any) -> FileRows | None:
    """The place of the numbers of an intact file; None if they are not float32, as ours are."""
    part = handle.get_slice("features")
    if part.get_dtype() != "F32" or 0 in part.get_shape():
        return None
    with open_regular(path, "feature file") as file:
        size = int.from_bytes(file.read(8), "little")
        begin = 8 + size + parse_json(file.read(size).decode(), path)["features"]["data_offsets"][0]
    return FileRows(path, "<f4", tuple(part.get_shape()), begin, "feature file")


class FeatureStore:
    """A folder written by `write_features`; listed once when opened, every file verified when read.

    Args:
        folder: The feature folder.

    Raises:
        InputRefused: E-FEA-002, nothing there; E-FEA-007, its first file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._paths = {identifier_of(path.stem): path for path in files_in(self.folder, ".safetensors")}
        if not self._paths:
            raise _no_features(self.folder)

    @cached_property
    def _first(self) -> tuple[int, dict[str, Any]]:
        values, described = read_feature_file(next(iter(self._paths.values())))
        return values.shape[1], described

    @property
    def clock(self) -> Clock:
        """Time base of every video here."""
        return Clock(**self._first[1]["clock"])

    @property
    def dim(self) -> int:
        """Feature width C."""
        return self._first[0]

    @property
    def recipe(self) -> Any:
        """What made these features (encoder, decoding, clock), as written."""
        return self._first[1].get("recipe")

    @property
    def encoder_folder(self) -> Path | None:
        """The copy of the encoder that made them, if there is one."""
        path = self.folder / ENCODER_COPY
        return path if (path / "model.json").is_file() else None

    def ids(self) -> tuple[str, ...]:
        """Ids of the videos, sorted by file name."""
        return tuple(self._paths)

    def has(self, video_id: str) -> bool:
        """Whether a video is here."""
        return video_id in self._paths

    def read(self, video_id: str) -> VideoFeatures:
        """Features of one video.

        Raises:
            InputRefused: E-FEA-002 (absent), E-FEA-010 (made by another recipe than the first file), and see
                `read_feature_file`.
        """
        if video_id not in self._paths:
            raise missing_features(self.folder, video_id, self._paths)
        path = self._paths[video_id]
        values, described, rows = _read(path)
        if (described["recipe_hash"], described["clock"]) != (self._first[1]["recipe_hash"], self._first[1]["clock"]):
            raise mixed_recipes(path, self.recipe, described.get("recipe"))
        if values.shape[1] != self.dim:
            raise InputRefused("E-FEA-017", path, f"{values.shape[1]} channels, but features here have {self.dim}")
        return VideoFeatures(values, Clock(**described["clock"]), rows)


def open_features(folder: Path | str, clock: Clock | None = None, dim: int | None = None) -> FeatureFolder:
    """Open a feature folder: of `augrgb extract`, or of third-party `.npy` or `.npz` files with a declared clock.

    Args:
        folder: The folder.
        clock: Time base of `.npy` files; that of `augrgb extract` is in its files, and must agree.
        dim: Width of `.npy` features, to recognize transposed files.

    Raises:
        InputRefused: E-FEA-002 (no such folder, or empty), E-FEA-020 (clock not declared), E-FEA-004 (another
            clock), E-FEA-026 (both kinds in one folder).

    Examples:
        >>> features = open_features("toy/features/rgb")
        >>> features.clock.stride_s, features.read("v00").values.shape
        (0.5, (16, 6))
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputRefused("E-FEA-002", folder, "no such feature folder", "Run `augrgb extract` first.")
    ours, third_party = has_files(folder, [".safetensors"]), has_files(folder, [".npy", ".npz"])
    if ours and third_party:
        raise InputRefused("E-FEA-026", folder, "holds both .safetensors and .npy or .npz features", "Keep them apart.")
    if third_party:
        if clock is None:
            remedy = "Declare fps, window and stride with which they were made."
            raise InputRefused("E-FEA-020", folder, ".npy and .npz features do not state their time base", remedy)
        return NpyFolder(folder, clock, dim)
    store = FeatureStore(folder)
    if clock is not None and clock != store.clock:
        raise InputRefused("E-FEA-004", folder, f"declared {clock}, but the files say {store.clock}")
    return store


def _no_features(folder: Path) -> InputRefused:
    """The refusal of a folder without features that can be read, with what lies there instead."""
    others = Counter(path.suffix.lower() or "without an ending" for path in files_in(folder))
    if not others:
        return InputRefused("E-FEA-002", folder, "no features in this folder", "Run `augrgb extract` first.")
    kinds = ", ".join(f"{count} {kind}" for kind, count in others.most_common(4))
    problem = f"no features in this folder that are read (.safetensors, .npy, .npz): it holds {kinds}"
    return InputRefused("E-FEA-002", folder, problem, "Save each video's array (T, C) as .npy.")


def mixed_recipes(path: Path, expected: Any, found: Any) -> InputRefused:
    """The refusal of features made in different ways, with what differs."""
    before, after = leaves(expected), leaves(found)
    keys = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    differing = "; ".join(f"{key}: {before.get(key)} here, {after.get(key)} there" for key in keys[:4])
    problem = f"made by another recipe than the rest of the folder ({differing or 'the clock differs'})"
    return InputRefused("E-FEA-010", path, problem, "Use another folder, or remove the old features.")
