"""Where the joints lie in the image, as a teacher of a snippet encoder's map: the pose-aware auxiliary task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.losses.parts.distillation_loss import DistillationLoss
from augrgb.poses.files import PoseFile, PoseFrames, pose_frames
from augrgb.training.teachers.snippet import SnippetTeacher

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class JointCellTarget:
    """How the places of joints teach.

    Args:
        weight: Relative to the detection loss.
        hidden: Width between the two layers of the head.
    """

    weight: float = 1.6
    hidden: int = 64


class JointCells(DistillationLoss):
    """Tell from each cell of the student's map which joints lie in it; the head is dropped after training.

    Reilly et al., "Seeing the Pose in the Pixels: Learning Pose-Aware Representations in Vision Transformers", 2023:
    the pose-aware auxiliary task (PAAT), two linear layers on each token of an early layer, binary cross-entropy over
    tokens and joints, weight 1.6. It is also the 2D skeleton induction module of pi-ViT (Reilly and Das, CVPR 2024).
    Deviation: the tokens are the cells of a convolutional map that is a mean over the window, so a target is the share
    of the window's frames in which the joint lies in the cell. Images are shifted and zoomed at random in training (by
    less than a cell), targets are not.

    Args:
        dims: The map's channels are the student's width; the teacher's is joints times cells.
        cells: Rows times columns of the map.
        hidden: Width between the two layers of the head.

    Shape: student hidden[0] (B, 1, C, rows, columns), teacher features (B, 1, joints * cells) with NaN where a joint
    is never seen in the window, mask (B, 1) -> scalar.
    """

    name = "joint_cells"

    def __init__(self, dims: StreamDims, *, cells: int, hidden: int = 64) -> None:
        super().__init__(dims)
        self.cells, self.joints = cells, dims.teacher // cells
        self.head = nn.Sequential(nn.Linear(dims.student, hidden), nn.Linear(hidden, self.joints))

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        seen = student.hidden[0][batch.mask].flatten(2).transpose(1, 2)  # (N, cells, C)
        logits = self.head(seen).transpose(1, 2)  # (N, joints, cells)
        target = teacher.features[batch.mask].view(-1, self.joints, self.cells)
        known = ~target.isnan()
        errors = F.binary_cross_entropy_with_logits(logits, target.nan_to_num(), reduction="none")
        return (errors * known).sum() / known.sum().clamp(min=1)


def image_frames(poses: PoseFile, fps: float, path: Path) -> PoseFrames:
    """Places of joints in the image on a clock's frame rate, (n, V, 3) with z = 0.

    Raises:
        InputRefused: E-POS-017, the file does not say where joints lie in the image.
    """
    if poses.image is None:
        problem = "does not say where joints lie in the image (`image`)"
        raise InputRefused("E-POS-017", path, problem, "Make it with `augrgb data poses` from the video.")
    flat = np.concatenate([poses.image, np.where(np.isnan(poses.image[..., :1]), np.nan, 0)], axis=2)
    return pose_frames(replace(poses, joints=flat.astype(np.float32)), fps)


def joint_cell_teacher(
    tracks: Sequence[PoseFrames | None], grid: Clock, grid_counts: Sequence[int], rows: int, columns: int
) -> SnippetTeacher:
    """For each snippet, joint and cell the share of the window's frames in which the joint lies in the cell.

    Of the frames in which the joint was seen; NaN where it never was. A joint outside the image is in no cell.

    Args:
        tracks: Of `image_frames`, for each video; None where there are none.
        grid: The student's clock.
        grid_counts: Its snippets of each video.
        rows, columns: Of the student's map.

    Raises:
        InputRefused: E-ENC-006, no joint is seen in any video.
    """
    joints = next((track.joints.shape[1] for track in tracks if track is not None), 0)
    parts: list[Floats] = []
    for track, count in zip(tracks, grid_counts, strict=True):
        if track is None:
            parts.append(np.full((count, joints, rows * columns), np.nan, np.float32))
        else:
            parts.append(_shares(track, grid, count, rows, columns))
    values = np.concatenate(parts) if parts else np.zeros((0, joints, rows * columns), np.float32)
    there = np.asarray(~np.isnan(values).all(axis=(1, 2)))
    if not there.any():
        raise InputRefused("E-ENC-006", "joint_cells", "no joint is seen in any training video")
    return SnippetTeacher(values.reshape(len(values), -1), available=there)


def _shares(track: PoseFrames, grid: Clock, count: int, rows: int, columns: int) -> Floats:
    frames = grid.offset + np.arange(count)[:, None] * grid.stride + np.arange(grid.window)  # (count, window)
    last = np.minimum(frames, len(track.joints) - 1)
    seen = track.seen[last] & (frames < len(track.joints))[..., None]  # (count, window, V)
    places = track.joints[last][..., :2]
    column, row = (np.floor(places[..., axis] * size).astype(np.int64) for axis, size in ((0, columns), (1, rows)))
    inside = seen & (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    cell = np.where(inside, row * columns + column, rows * columns)  # one more cell, for what lies nowhere
    counts = np.zeros((count, seen.shape[2], rows * columns + 1), np.float32)
    snippet, _, joint = np.indices(cell.shape)
    np.add.at(counts, (snippet, joint, cell), inside.astype(np.float32))
    number = seen.sum(axis=1)[..., None].astype(np.float32)  # (count, V, 1)
    return np.where(number > 0, counts[..., :-1] / np.maximum(number, 1), np.float32(np.nan)).astype(np.float32)
