"""Outputs of frozen teachers for training snippets, on the student's grid, computed before training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock, nearest_snippets
from augrgb.core.weights import fingerprint
from augrgb.features.video_features import VideoFeatures
from augrgb.streams.predict import filter_sequence
from augrgb.streams.stream import Stream

Floats = NDArray[np.float32]


class SnippetTeacher:
    """A teacher's outputs for all snippets.

    Args:
        features: (N, Ct).
        logits: (N, K), if a loss needs them.
        available: (N,) bool; default everywhere.
        fingerprint: Hash of the network and what it saw; default: of the outputs.
    """

    def __init__(
        self,
        features: Floats,
        logits: Floats | None = None,
        available: NDArray[np.bool_] | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self._fingerprint = fingerprint
        self._features = torch.from_numpy(np.asarray(features, np.float32))
        self._logits = torch.from_numpy(np.asarray(logits, np.float32)) if logits is not None else None
        self._there = (
            torch.from_numpy(available) if available is not None else torch.ones(len(features), dtype=torch.bool)
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the network and what it saw, or of the outputs."""
        if self._fingerprint is not None:
            return self._fingerprint
        outputs = {"features": self._features, "available": self._there}
        return fingerprint(outputs if self._logits is None else {**outputs, "logits": self._logits})

    @property
    def width(self) -> int:
        """Feature width Ct."""
        return self._features.shape[1]

    @property
    def scores(self) -> bool:
        """Whether it scores the student's classes."""
        return self._logits is not None

    @property
    def known(self) -> int:
        """Number of snippets for which it has outputs."""
        return int(self._there.sum())

    def outputs(self, batch: Batch) -> tuple[StreamOutput, Tensor]:
        """The teacher's output for a batch of snippets, each a video of one snippet, and where it exists (N, 1)."""
        device, rows = batch.mask.device, batch.indices.cpu()
        features = self._features[rows, None].to(device)
        logits = self._logits[rows, None].to(device) if self._logits is not None else features[..., :0]
        return StreamOutput(features, logits), self._there[rows, None].to(device)


def snippet_teacher(
    features: Floats,
    logits: Floats | None,
    counts: Sequence[int],
    clock: Clock,
    grid: Clock,
    grid_counts: Sequence[int],
    fingerprint: str | None = None,
) -> SnippetTeacher:
    """A teacher's own snippets, video after video, taken at the times of the student's.

    Features are standardized per channel: otherwise the few that vary most would dominate the direction of a vector.

    Args:
        features: (M, Ct), of all the teacher's snippets.
        logits: (M, K), or None.
        counts: The teacher's snippets of each video; 0 where it lacks the video.
        clock: The teacher's.
        grid: The student's clock.
        grid_counts: The student's snippets of each video, N in all.
        fingerprint: See `SnippetTeacher`.
    """
    values = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-4)
    rows: list[NDArray[np.int64]] = []
    there: list[NDArray[np.bool_]] = []
    first = 0
    for count, grid_count in zip(counts, grid_counts, strict=True):
        nearest, near = nearest_snippets(clock, count, grid, grid_count)
        rows.append(first + nearest if count else nearest)
        there.append(near)
        first += count
    index = np.concatenate(rows)
    chosen = logits[index] if logits is not None else None
    return SnippetTeacher(values[index], chosen, np.concatenate(there), fingerprint)


def stream_as_snippet_teacher(
    stream: Stream,
    tracks: Sequence[VideoFeatures | None],
    grid: Clock,
    grid_counts: Sequence[int],
    *,
    scores: bool = True,
    fingerprint: str | None = None,
) -> SnippetTeacher:
    """A stream's filtered features and logits at the time of each of the student's snippets.

    The stream sees the whole video; the student sees one snippet, and learns from its context.

    Args:
        stream: The teacher.
        tracks: Its input features of each video, all on one clock; None where a video has none.
        grid: The student's clock.
        grid_counts: The student's snippets of each video.
        scores: Whether its logits are of the student's classes; without them only its features teach.
        fingerprint: See `SnippetTeacher`.

    Raises:
        InputRefused: E-ENC-006, no video has its features; E-FEA-004, videos on different clocks; E-MOD-005, features
            of another width.
    """
    clocks = {track.clock for track in tracks if track is not None}
    if not clocks:
        raise InputRefused("E-ENC-006", "teacher stream", "none of the training videos has what it sees")
    if len(clocks) > 1:
        raise InputRefused(
            "E-FEA-004", "teacher stream", f"its features have several clocks: {sorted(map(str, clocks))}"
        )
    outputs = [filter_sequence(stream, torch.from_numpy(track.values)) for track in tracks if track is not None]
    features, logits = (np.concatenate([pair[part].numpy() for pair in outputs]) for part in (0, 1))
    counts = [len(track.values) if track is not None else 0 for track in tracks]
    known = logits if scores else None
    return snippet_teacher(features, known, counts, clocks.pop(), grid, grid_counts, fingerprint)
