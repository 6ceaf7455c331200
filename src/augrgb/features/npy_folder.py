"""Folders of third-party `.npy` features, one file per video, read as they are with a declared clock."""

from __future__ import annotations

import logging
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from augrgb.core.arrays import map_array
from augrgb.core.errors import InputRefused
from augrgb.core.file_rows import FileRows, npy_rows
from augrgb.core.files import ARRAY_DAMAGE
from augrgb.core.timeline import Clock
from augrgb.features.video_features import VideoFeatures, as_float32, kept_in_file, missing_features

_LOOKED_AT = 9
_log = logging.getLogger(__name__)


class NpyFolder:
    """A folder of `<video id>.npy` files of shape (T, C) or (T, 1, 1, C).

    Args:
        folder: Where they lie.
        clock: The time base they were made with; the files do not state it.
        dim: Their width C. With it, files stored as (C, T) are recognised and turned; without it, the commonest width
            of a few files spread over the folder.

    Raises:
        InputRefused: E-FEA-002, no file there.
    """

    def __init__(self, folder: Path, clock: Clock, dim: int | None = None) -> None:
        self.folder, self.clock, self._declared = Path(folder), clock, dim
        self._paths = {path.stem: path for path in sorted(self.folder.glob("*.npy")) if path.is_file()}
        if not self._paths:
            raise InputRefused("E-FEA-002", folder, "no .npy features in this folder")

    @cached_property
    def dim(self) -> int:
        """Feature width C; one file that is damaged or of another width does not decide it.

        Raises:
            InputRefused: None of the files looked at can be used: what the first one lacks.
        """
        if self._declared:
            return self._declared
        ids = list(self._paths)
        widths: Counter[int] = Counter()
        faults: list[InputRefused] = []
        for position in sorted({round(i * (len(ids) - 1) / (_LOOKED_AT - 1)) for i in range(_LOOKED_AT)}):
            try:
                widths[self._array(ids[position])[0].shape[1]] += 1
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
        """Values (T, C) as they lie there, and their place in the file if they can be read from it as they are."""
        path = self._paths[video_id]
        try:
            rows = npy_rows(path, "feature file")
            values = rows.load() if rows is not None else map_array(path, "feature file", None)
        except ARRAY_DAMAGE as error:
            if "pickle" in str(error).lower() or "Python objects" in str(error):
                remedy = "Save a plain array; objects could run code when read, so they never are."
                raise InputRefused("E-FILE-013", path, "holds pickled Python objects", remedy) from error
            raise InputRefused("E-FEA-007", path, f"damaged or not an .npy file ({error})", "Copy it again.") from error
        if values.ndim == 4 and values.shape[1:3] == (1, 1):
            values = values[:, 0, 0, :]
            rows = FileRows(path, values.dtype, values.shape, rows.offset, "feature file") if rows is not None else None
        if values.ndim != 2 or 0 in values.shape:
            problem = f"has shape {values.shape}, expected (T, C) or (T, 1, 1, C)"
            raise InputRefused("E-FEA-003", path, problem, "Crops and other extra axes must be averaged first.")
        if self._declared and values.shape[1] != self._declared == values.shape[0]:
            _log.warning("%s: stored as (C, T) = %s; turned to (T, C)", path, values.shape)
            return values.T, None
        return values, kept_in_file(rows)
