"""Folders of cached frames: `<modality>/<video>.npy`, each with a small `.json` beside it, and `frames.json`.

The `.json` of a track is written after its `.npy`; a track counts only with both. Arrays stay in their files and
are read row by row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.file_rows import FileRows, npy_rows
from augrgb.core.files import ARRAY_DAMAGE, atomic_file, file_name_of, identifier_of, write_json
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json
from augrgb.core.sealed import read_note, write_sealed
from augrgb.core.searching import files_in
from augrgb.poses.files import Skeleton
from augrgb.video.flow import flow_recipe
from augrgb.video.flow.settings import FlowSettings

SCHEMA = "augrgb.frames/1"
NOTE = "augrgb.track/1"


@dataclass(frozen=True, slots=True)
class FrameSettings:
    """What a folder of frames was made with: frames per second, (width, height) of images, how flow is made."""

    fps: float = 15.0
    size: tuple[int, int] = (64, 48)
    flow: FlowSettings = field(default_factory=FlowSettings)

    def to_json(self) -> dict[str, Any]:
        """Plain values, with everything that changes a track's bytes."""
        made = {"schema": SCHEMA, "fps": self.fps, "size": list(self.size), "flow": flow_recipe(self.flow)}
        return {**made, "flow_settings": self.flow.options()} if self.flow.options() else made


class FrameFolder:
    """Cached frames of many videos.

    Args:
        folder: The folder; its `frames.json` must exist (see `create`).

    Raises:
        InputRefused: E-FILE-001 (nothing cached there), E-FEA-025 (made by another version).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        found = read_json(self.folder / "frames.json", "track folder (frames.json)")
        try:
            size, flow = (int(found["size"][0]), int(found["size"][1])), FlowSettings.of(found.get("flow_settings"))
            self.settings = FrameSettings(float(found["fps"]), size, flow)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise InputRefused(
                "E-FEA-025", self.folder / "frames.json", f"does not describe cached frames ({error})"
            ) from error
        if found != self.settings.to_json():
            problem = f"made by another version ({found.get('schema')}, flow {found.get('flow')})"
            raise InputRefused("E-FEA-025", self.folder, problem, "Remove the folder and cache the frames again.")

    @classmethod
    def create(cls, folder: Path, settings: FrameSettings) -> FrameFolder:
        """Make a folder, or reopen one with the same settings.

        Raises:
            InputRefused: E-FEA-025, it holds frames with other settings.
        """
        if not (Path(folder) / "frames.json").exists():
            write_json(Path(folder) / "frames.json", settings.to_json())
        opened = cls(folder)
        if opened.settings != settings:
            problem = f"holds frames with {opened.settings}, wanted {settings}"
            raise InputRefused("E-FEA-025", folder, problem, "Use another folder, or remove this one.")
        return opened

    def path(self, modality: str, video_id: str) -> Path:
        """Where a track lies."""
        return self.folder / modality / f"{file_name_of(video_id)}.npy"

    def ids(self, modality: str) -> tuple[str, ...]:
        """Ids of the videos cached in a modality, sorted by file name."""
        return tuple(identifier_of(path.stem) for path in files_in(self.folder / modality, ".npy"))

    def note(self, modality: str, video_id: str) -> dict[str, Any] | None:
        """What is known about a track, None if it is absent or unfinished.

        `frames`, `source` (file identity), `duration_s`, `complete` (not only the part before a fault), `warnings`,
        and for poses `skeleton`.
        """
        path = self.path(modality, video_id).with_suffix(".json")
        if not is_file(self.path(modality, video_id)):
            return None
        return read_note(path, NOTE, "track note")

    def write_note(self, modality: str, video_id: str, note: dict[str, Any]) -> None:
        """Declare a track finished."""
        write_sealed(self.path(modality, video_id).with_suffix(".json"), NOTE, note)

    def read(self, modality: str, video_id: str) -> FileRows:
        """A track (n, ...), which stays in its file.

        Raises:
            InputRefused: E-FEA-016 (not cached), E-FEA-024 (damaged); later, E-FILE-017 (changed while in use).
        """
        note = self.note(modality, video_id)
        if note is None:
            hint = did_you_mean(video_id, self.ids(modality))
            raise InputRefused("E-FEA-016", self.folder, f"no {modality} track of video {video_id!r}", hint)
        path = self.path(modality, video_id)
        try:
            track = npy_rows(path, "track")
        except ARRAY_DAMAGE as error:
            raise InputRefused(
                "E-FEA-024", path, f"damaged track ({error})", "Remove it and cache it again."
            ) from error
        if track is None:
            raise InputRefused("E-FEA-024", path, "not written by augrgb", "Remove it and cache it again.")
        if len(track) != note["frames"]:
            raise InputRefused("E-FEA-024", path, f"{len(track)} frames, its note says {note['frames']}", "Remove it.")
        return track

    def skeleton(self, video_id: str) -> Skeleton:
        """The skeleton of a cached pose track."""
        note = self.note("pose", video_id)
        if note is None:
            raise InputRefused("E-FEA-016", self.folder, f"no pose track of video {video_id!r}")
        return Skeleton(tuple(note["skeleton"]["names"]), tuple(note["skeleton"]["parents"]))


class FrameWriter:
    """Appends frames to an `.npy` file whose length is not known yet."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self.frames = handle, 0
        self._kind: tuple[np.dtype[Any], tuple[int, ...]] | None = None

    def append(self, frame: NDArray[Any]) -> None:
        """Add one frame; all must have one shape and type."""
        if self._kind is None:
            self._kind = (frame.dtype, frame.shape)
            self._write_header()
        self._handle.write(np.ascontiguousarray(frame).tobytes())
        self.frames += 1

    def finish(self) -> None:
        """Put the true length into the header."""
        self._handle.seek(0)
        self._write_header()
        self._handle.flush()

    def _write_header(self) -> None:
        if self._kind is None:
            raise ValueError("a track needs at least one frame")
        dtype, shape = self._kind
        # NumPy pads the header so that the first axis may grow in place.
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (self.frames, *shape)}
        np.lib.format.write_array_header_1_0(self._handle, header)


@contextlib.contextmanager
def write_frames(path: Path) -> Iterator[FrameWriter]:
    """A writer whose file appears under its name only when everything was written."""
    with atomic_file(path) as handle:
        writer = FrameWriter(handle)
        yield writer
        writer.finish()
