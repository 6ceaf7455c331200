"""Snippets of many videos by one flat number, for training encoders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.file_rows import FileRows
from augrgb.core.files import sha256_json
from augrgb.core.timeline import Clock
from augrgb.features.frame_folder import FrameFolder
from augrgb.poses.files import Skeleton
from augrgb.sensors.files import MODALITIES as SENSORS
from augrgb.video.windows import window_frames


class SnippetBank:
    """All windows of cached frames; snippets are numbered through, video after video.

    Frames stay in their files, so memory holds only what is asked for; one that changes meanwhile is noticed.

    Args:
        frames_folder: A folder of cached frames.
        video_ids: The videos, in this order.
        modality: `rgb`, `flow`, `pose`, `signal` or `grid`.
        clock: Windows; its fps must be that of the frames.

    Attributes:
        video_ids: As given.
        counts: (videos,) snippets of each video.

    Raises:
        InputRefused: E-FEA-016 (frames are not cached), E-FEA-021 (another frame rate), E-FEA-024 (damaged),
            E-POS-006 (poses of different skeletons), E-SEN-008 (sensors with different channels or sizes).
    """

    def __init__(self, frames_folder: Path, video_ids: Iterable[str], modality: str, clock: Clock) -> None:
        self.folder, self.modality, self.clock = FrameFolder(frames_folder), modality, clock
        self.video_ids = tuple(video_ids)
        if clock.fps != self.folder.settings.fps:
            problem = f"frames have {self.folder.settings.fps} fps, the clock {clock.fps}"
            raise InputRefused("E-FEA-021", frames_folder, problem, "Cache the frames again with the clock's fps.")
        self._tracks: list[FileRows] = [self.folder.read(modality, video_id) for video_id in self.video_ids]
        self.counts = np.array([clock.num_snippets(len(track)) for track in self._tracks], np.int64)
        self._ends = np.cumsum(self.counts)
        self.skeleton = self._common_skeleton() if modality == "pose" and self.video_ids else None
        if modality in SENSORS:
            self._check_shapes()

    def fingerprint(self) -> str:
        """Hex SHA-256 of what the frames were made of: settings, and the content of each video's file, in order."""
        notes = [self.folder.note(self.modality, video_id) or {} for video_id in self.video_ids]
        made = [
            [video_id, len(track), note.get("source")]
            for video_id, track, note in zip(self.video_ids, self._tracks, notes, strict=True)
        ]
        return sha256_json([self.modality, self.folder.settings.to_json(), made])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def video_of(self, index: int) -> str:
        """Id of the video that holds a snippet."""
        return self.video_ids[int(self.places(np.array([index]))[0][0])]

    def snippet_of(self, index: int) -> int:
        """Number of a snippet inside its video."""
        return int(self.places(np.array([index]))[1][0])

    def places(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of videos in `video_ids`, and numbers of snippets inside them, each (N,)."""
        indices = np.asarray(indices, np.int64)
        if len(indices) and not (indices.min() >= 0 and indices.max() < len(self)):
            raise IndexError(f"snippets are numbered 0 to {len(self) - 1}, got {indices.min()} to {indices.max()}")
        videos = np.searchsorted(self._ends, indices, side="right").astype(np.int64)
        return videos, indices - (self._ends - self.counts)[videos]

    def windows(self, indices: NDArray[np.int64], shifts: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Windows of snippets, each moved by a number of frames if `shifts` (N,) are given (not beyond the video).

        Shape: (N,) -> (N, window, ...).
        """
        videos, snippets = self.places(indices)
        first = self._tracks[0]
        result = np.empty((len(videos), self.clock.window, *first.shape[1:]), first.dtype)
        for row, (video, snippet) in enumerate(zip(videos, snippets, strict=True)):
            track = self._tracks[video]
            frames = window_frames(self.clock, snippet[None], len(track))[0]
            if shifts is not None:
                frames = np.clip(frames + shifts[row], 0, len(track) - 1)
            # Away from the end a window is one slice.
            result[row] = (
                track[frames[0] : frames[-1] + 1] if frames[-1] - frames[0] == len(frames) - 1 else track[frames]
            )
        return result

    def _common_skeleton(self) -> Skeleton:
        first = self.folder.skeleton(self.video_ids[0])
        for video_id in self.video_ids[1:]:
            if self.folder.skeleton(video_id) != first:
                problem = f"{video_id!r} has another skeleton than {self.video_ids[0]!r}"
                raise InputRefused("E-POS-006", self.folder.folder, problem, "Convert poses to one skeleton.")
        return first

    def sensor_options(self) -> dict[str, Any]:
        """What an encoder of sensors takes from the data: the shape of a row, and statistics of its channels.

        {} for other modalities. At most about 2,000 frames of each video are looked at.
        """
        if self.modality not in SENSORS or not self._tracks:
            return {}
        few = [np.asarray(track[:: max(1, len(track) // 2000)], np.float64) for track in self._tracks]
        shape = few[0].shape[1:]
        if self.modality == "grid":
            middles = [np.median(rows, axis=(0, 1, 2), keepdims=True) for rows in few]
            rows = np.concatenate([(r - m).reshape(-1, shape[2]) for r, m in zip(few, middles, strict=True)])
            return {"shape": list(shape), "std": _spread(rows)}
        rows = np.concatenate(few)
        return {"channels": shape[0], "mean": rows.mean(axis=0).tolist(), "std": _spread(rows)}

    def _check_shapes(self) -> None:
        for video_id, track in zip(self.video_ids, self._tracks, strict=True):
            if track.shape[1:] != self._tracks[0].shape[1:]:
                problem = f"{self.modality} of {video_id!r} has rows of {track.shape[1:]}, "
                problem += f"{self.video_ids[0]!r} has {self._tracks[0].shape[1:]}"
                raise InputRefused("E-SEN-008", self.folder.folder, problem, "Give every video the same sensor.")


def _spread(rows: NDArray[np.float64]) -> list[float]:
    """Standard deviation of each channel; 1 for one that never changes."""
    std = rows.std(axis=0)
    return [float(value) if value > 1e-12 else 1.0 for value in std]
