"""Folders of third-party `.npy` or `.npz` features, one file per video, read as they are with a declared clock."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.arrays import open_arrays, read_array
from augrgb.core.errors import InputRefused
from augrgb.core.file_rows import FileRows, npy_rows
from augrgb.core.files import ARRAY_DAMAGE
from augrgb.core.searching import files_in
from augrgb.core.timeline import Clock
from augrgb.features.video_features import VideoFeatures, as_float32, kept_in_file, missing_features

_LOOKED_AT = 9
_NAMES = ("features", "feats", "feature", "feat", "x", "arr_0")
"""Names of features among the arrays of an `.npz`."""
_log = logging.getLogger(__name__)


class NpyFolder:
    """A folder of `<video id>.npy` or `.npz` files of shape (T, C) or (T, 1, 1, C).

    Of an `.npz` the only array is read, or the one called `features`, `feats` or the like. Files stored as (C, T), as
    those of MS-TCN and ASFormer, are turned: where the width is declared; where their first axis has one length in
    all files looked at and the second has several; where the lengths of the videos prove it (`orientation.oriented`).

    Args:
        folder: Where they lie.
        clock: The time base they were made with; the files do not state it.
        dim: Their width C; without it, the commonest width of a few files spread over the folder.
        turned: Whether they are stored as (C, T); None = see above.

    Raises:
        InputRefused: E-FEA-002, no file there; E-ID-001, an `.npy` and an `.npz` of one video.
    """

    def __init__(self, folder: Path, clock: Clock, dim: int | None = None, turned: bool | None = None) -> None:
        self.folder, self.clock, self._declared, self._turned = Path(folder), clock, dim, turned
        self._paths: dict[str, Path] = {}
        for path in files_in(self.folder, ".npy", ".npz"):
            if path.stem in self._paths:
                raise InputRefused("E-ID-001", path, f"a second file of {path.stem!r}, beside the .npy", "Keep one.")
            self._paths[path.stem] = path
        if not self._paths:
            raise InputRefused("E-FEA-002", folder, "no .npy or .npz features in this folder")

    @cached_property
    def turned(self) -> bool | None:
        """Whether files are stored as (C, T); None where their shapes do not say it."""
        if self._turned is not None or self._declared:
            return self._turned or False
        shapes = []
        for video_id in self._looked_at():
            try:
                shapes.append(self.stored_shape(video_id))
            except InputRefused:
                continue
        rows, columns = ({shape[axis] for shape in shapes} for axis in (0, 1))
        if len(columns) == 1 and len(rows) > 1:
            return False
        if len(rows) == 1 and len(columns) > 1:
            _log.warning("%s: arrays are stored as (C, T), C = %d; turned to (T, C)", self.folder, *rows)
            return True
        return None

    def as_turned(self) -> NpyFolder:
        """The same files, read as (C, T)."""
        return NpyFolder(self.folder, self.clock, self._declared, turned=True)

    def stored_shape(self, video_id: str) -> tuple[int, int]:
        """Shape of one video's array as it is stored, without axes of length 1.

        Raises:
            InputRefused: As `read`.
        """
        path = self._paths[video_id]
        rows = None
        if path.suffix == ".npy":
            with contextlib.suppress(*ARRAY_DAMAGE):
                rows = npy_rows(path, "feature file")
        if rows is not None and len(rows.shape) == 2 and 0 not in rows.shape:
            return rows.shape[0], rows.shape[1]
        values, _ = self._stored(video_id)
        return values.shape[0], values.shape[1]

    def _looked_at(self) -> list[str]:
        ids = list(self._paths)
        return [ids[at] for at in sorted({round(i * (len(ids) - 1) / (_LOOKED_AT - 1)) for i in range(_LOOKED_AT)})]

    @cached_property
    def dim(self) -> int:
        """Feature width C; one file that is damaged or of another width does not decide it.

        Raises:
            InputRefused: None of the files looked at can be used: what the first one lacks.
        """
        if self._declared:
            return self._declared
        widths: Counter[int] = Counter()
        faults: list[InputRefused] = []
        for video_id in self._looked_at():
            try:
                widths[self.stored_shape(video_id)[0 if self.turned else 1]] += 1
            except InputRefused as fault:
                faults.append(fault)
        if not widths:
            raise faults[0]
        return widths.most_common(1)[0][0]

    def ids(self) -> tuple[str, ...]:
        """Ids of the videos, sorted."""
        return tuple(self._paths)

    def has(self, video_id: str) -> bool:
        """Whether there is a file for this video."""
        return video_id in self._paths

    def read(self, video_id: str) -> VideoFeatures:
        """Features of one video as (T, C) float32.

        Raises:
            InputRefused: E-FEA-002 (absent), E-FEA-003 (shape), E-FEA-005 (not finite), E-FEA-007 (damaged),
                E-FEA-017 (width), E-FEA-018 (not numbers), E-FILE-013 (pickled objects).
        """
        if video_id not in self._paths:
            raise missing_features(self.folder, video_id, self._paths)
        values, rows = self._array(video_id)
        if values.shape[1] != self.dim:
            problem = f"is (T, C) = {values.shape}, but features here have {self.dim} channels"
            raise InputRefused("E-FEA-017", self._paths[video_id], problem, "Declare the width if it is stored (C, T).")
        return VideoFeatures(as_float32(self._paths[video_id], values), self.clock, rows)

    def _array(self, video_id: str) -> tuple[NDArray[Any], FileRows | None]:
        """Values (T, C), and their place in the file if they can be read from it as they are."""
        values, rows = self._stored(video_id)
        if self._declared and values.shape[1] != self._declared == values.shape[0]:
            _log.warning("%s: stored as (C, T) = %s; turned to (T, C)", self._paths[video_id], values.shape)
            return values.T, None
        return (values.T, None) if self.turned else (values, kept_in_file(rows))

    def _stored(self, video_id: str) -> tuple[NDArray[Any], FileRows | None]:
        """Values as they lie in the file, with two axes, and their place in it."""
        path = self._paths[video_id]
        rows: FileRows | None = None
        try:
            if path.suffix == ".npz":
                values = _of_archive(path)
            else:
                rows = npy_rows(path, "feature file")
                values = rows.load() if rows is not None else read_array(path, "feature file")
        except ARRAY_DAMAGE as error:
            if "pickle" in str(error).lower() or "Python objects" in str(error):
                remedy = "Save a plain array; objects could run code when read, so they never are."
                raise InputRefused("E-FILE-013", path, "holds pickled Python objects", remedy) from error
            kind = "an .npz" if path.suffix == ".npz" else "an .npy"
            raise InputRefused("E-FEA-007", path, f"damaged or not {kind} file ({error})", "Copy it again.") from error
        shape = values.shape
        if values.ndim == 4 and shape[1:3] == (1, 1):
            values = values[:, 0, 0, :]
        elif values.ndim == 3 and shape[0] == 1:
            values = values[0]
        if values.ndim != 2 or 0 in values.shape:
            problem = f"has shape {values.shape}, expected (T, C) or (T, 1, 1, C)"
            raise InputRefused("E-FEA-003", path, problem, "Crops and other extra axes must be averaged first.")
        if rows is not None and values.shape != shape:
            rows = FileRows(path, values.dtype, values.shape, rows.offset, "feature file")
        return values, rows


def _of_archive(path: Path) -> NDArray[Any]:
    """The features of an `.npz`: its only array, or the one whose name says so.

    Raises:
        InputRefused: E-FEA-003: several arrays, and none of these names.
    """
    with open_arrays(path, "feature file") as found:
        if isinstance(found, np.ndarray):
            return found
        names = list(found.keys())
        chosen = names if len(names) == 1 else [name for name in _NAMES if name in names][:1]
        if not chosen:
            problem = f"holds {len(names)} arrays ({', '.join(map(str, names[:6]))}), and none is called features"
            raise InputRefused("E-FEA-003", path, problem, "Save the features alone, or call them `features`.")
        return np.asarray(found[chosen[0]])
