"""3D joints as a teacher of a snippet encoder: what the sensor measured at the snippet's own frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.encoders.parts.body_frame import Marks, body_frame, body_marks, place_of
from augrgb.losses.parts.distillation_loss import DistillationLoss, mean_or_nothing
from augrgb.losses.parts.projection import Projection
from augrgb.poses.files import PoseFrames, Skeleton
from augrgb.training.teachers.snippet import SnippetTeacher

Axes = Literal["body", "camera"]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class JointTarget:
    """How 3D joints teach.

    Args:
        weight: Relative to the detection loss.
        axes, frames: See `joint_teacher`.
        form, project: See `JointRegression`.
    """

    weight: float = 1.0
    axes: Axes = "body"
    frames: int | None = None
    form: Literal["mse", "l1"] = "mse"
    project: Literal["linear", "mlp"] = "mlp"

    def width(self, skeleton: Skeleton, window: int) -> int:
        """Coordinates of a snippet: those of all joints but the root, in the frames that are used."""
        return min(self.frames or window, window) * len(_others(skeleton, _marks(skeleton, self.axes))) * 3


class JointRegression(DistillationLoss):
    """Regress joint coordinates from the student's features through a head; coordinates that are NaN are ignored.

    Not in the catalog of losses: its teacher is a sensor, not a network.

    Args:
        dims: Student's width Cs; `teacher` is the number of coordinates.
        form: Mean over seen coordinates of the squared (`mse`) or absolute (`l1`) difference.
        project: The head.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct) with NaN, mask (B, T) -> scalar.
    """

    name = "joint_regression"

    def __init__(
        self, dims: StreamDims, *, form: Literal["mse", "l1"] = "mse", project: Literal["linear", "mlp"] = "mlp"
    ) -> None:
        super().__init__(dims)
        self.form = form
        self.project = Projection(dims.student, dims.teacher, project)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        target = teacher.features[batch.mask]  # (N, Ct)
        difference = (self.project(student.features[batch.mask]) - target)[~torch.isnan(target)]
        return mean_or_nothing(difference.square() if self.form == "mse" else difference.abs(), student)


def joint_teacher(
    tracks: Sequence[PoseFrames | None],
    skeleton: Skeleton,
    grid: Clock,
    grid_counts: Sequence[int],
    *,
    axes: Axes = "body",
    frames: int | None = None,
) -> SnippetTeacher:
    """Root-relative positions at each snippet's frames, standardized per joint and axis; NaN where not seen.

    Needs N x frames x (V - 1) x 3 numbers of memory (V where the root is not a joint but the middle of the hips). A
    frame whose root was not seen is ignored; so is, in the `body`'s axes, a window in which the hips, or root and neck,
    were never seen together.

    Args:
        tracks: Poses of each video at the frame rate of `grid`; None where there are none.
        skeleton: Of all of them.
        grid: The student's clock.
        grid_counts: Its snippets of each video.
        axes: `body`: each window turned so that its mean hip line is along x, scaled to a torso of length 1;
            `camera`: meters.
        frames: How many frames of a window, evenly spaced; None = all.

    Raises:
        UsageFault: E-POS-005, the skeleton has no hips or neck (for `body`).
        InputRefused: E-ENC-006, no video has poses.
    """
    marks = _marks(skeleton, axes)
    used = frames if frames is not None and frames < grid.window else grid.window
    picked = ((np.arange(used) + 0.5) * grid.window / used).astype(np.int64)
    others = _others(skeleton, marks)
    parts: list[Floats] = []
    for track, count in zip(tracks, grid_counts, strict=True):
        if track is None:
            parts.append(np.full((count, used, len(others), 3), np.nan, np.float32))
        else:
            parts.append(_positions(track, grid, count, marks, axes)[:, picked][:, :, others])
    values = np.concatenate(parts)
    known = ~np.isnan(values)
    if not known.any():
        raise InputRefused("E-ENC-006", "joints", "no joint is seen in any training video")
    number = np.maximum(known.sum(axis=(0, 1)), 1)
    mean = np.where(known, values, 0).sum(axis=(0, 1), dtype=np.float64) / number
    std = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(axis=(0, 1)) / number)
    values = ((values - mean) / np.maximum(std, 1e-4)).astype(np.float32).reshape(len(values), -1)
    return SnippetTeacher(values, available=np.asarray(~np.isnan(values).all(axis=1)))


def _marks(skeleton: Skeleton, axes: Axes) -> Marks:
    return body_marks(skeleton.names) if axes == "body" else {"root": (skeleton.parents.index(-1),)}


def _others(skeleton: Skeleton, marks: Marks) -> NDArray[np.int64]:
    """All joints but the root, which is always at the origin."""
    return np.array([joint for joint in range(len(skeleton.names)) if (joint,) != marks["root"]], np.int64)


def _positions(track: PoseFrames, grid: Clock, count: int, marks: Marks, axes: Axes) -> Floats:
    """(count, window, V, 3) relative to the root, NaN where not seen or after the track's end."""
    frames = grid.offset + np.arange(count)[:, None] * grid.stride + np.arange(grid.window)
    rows = np.minimum(frames, len(track.joints) - 1)
    windows = track.joints[rows]
    seen = track.seen[rows] & (frames < len(track.joints))[..., None]  # (count, window, V)
    there = {part: seen[:, :, list(mark)].all(axis=2) for part, mark in marks.items()}
    usable = there["root"]
    if axes == "body":
        positions = body_frame(windows, marks)[..., :3]
        hips = (there["left"] & there["right"]).any(axis=1)
        torso = (there["root"] & there["neck"]).any(axis=1)
        usable = usable & (hips & torso)[:, None]
    else:
        positions = windows - place_of(windows, marks["root"])[:, :, None]
    return np.where((seen & usable[..., None])[..., None], positions, np.float32(np.nan))
