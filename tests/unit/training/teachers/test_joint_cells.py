"""Where joints lie in the image as a teacher: targets by loops, the loss by hand, what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.poses.files import PoseFile, PoseFrames, Skeleton
from augrgb.training.teachers.joint_cells import JointCells, image_frames, joint_cell_teacher

CLOCK = Clock(15.0, 4, 3)
ROWS, COLUMNS = 2, 3


def a_track(frames: int, seed: int) -> PoseFrames:
    rng = np.random.default_rng(seed)
    places = rng.uniform(-0.3, 1.3, (frames, 5, 3)).astype(np.float32)
    return PoseFrames(places, rng.random((frames, 5)) < 0.7)


def naive(track: PoseFrames, count: int) -> np.ndarray:
    result = np.full((count, 5, ROWS * COLUMNS), np.nan)
    for t in range(count):
        for v in range(5):
            frames = [t * CLOCK.stride + k for k in range(CLOCK.window)]
            seen = [f for f in frames if f < len(track.joints) and track.seen[f, v]]
            if not seen:
                continue
            result[t, v] = 0
            for f in seen:
                x, y, _ = track.joints[f, v]
                if 0 <= x < 1 and 0 <= y < 1:
                    result[t, v, math.floor(y * ROWS) * COLUMNS + math.floor(x * COLUMNS)] += 1 / len(seen)
    return result


def batch_of(count: int) -> Batch:
    return Batch(torch.ones(count, 1, dtype=torch.bool), torch.zeros(count, 1, 2))


def test_targets_are_those_of_loops_and_missing_videos_are_left_out() -> None:
    tracks = [a_track(14, 0), None, a_track(5, 1)]
    teacher = joint_cell_teacher(tracks, CLOCK, [4, 2, 3], ROWS, COLUMNS)
    output, there = teacher.outputs(batch_of(9))
    found = output.features[:, 0].view(9, 5, ROWS * COLUMNS).numpy()
    expected = np.concatenate([naive(a_track(14, 0), 4), np.full((2, 5, 6), np.nan), naive(a_track(5, 1), 3)])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert there[:, 0].tolist() == (~np.isnan(expected).all((1, 2))).tolist() and not there[4:6].any()


def test_no_joint_anywhere_is_refused() -> None:
    blind = PoseFrames(np.zeros((6, 5, 3), np.float32), np.zeros((6, 5), bool))
    with pytest.raises(AugrgbError, match="E-ENC-006 joint_cells: no joint is seen"):
        joint_cell_teacher([blind, None], CLOCK, [2, 1], ROWS, COLUMNS)


def test_the_loss_by_hand() -> None:
    """One joint, two cells; the head is x -> 2 x: logits 2 and -2, target 1 and 0; a second snippet is not seen."""
    loss = JointCells(StreamDims(1, 2, 2), cells=2, hidden=1)
    with torch.no_grad():
        for layer, weight in zip(loss.head, (2.0, 1.0), strict=True):
            layer.weight.fill_(weight)  # type: ignore[union-attr,operator]
            layer.bias.zero_()  # type: ignore[union-attr,operator]
    seen = torch.tensor([[1.0, -1.0], [5.0, 5.0]]).view(2, 1, 1, 1, 2).requires_grad_()
    target = torch.tensor([[[1.0, 0.0]], [[math.nan, math.nan]]])
    student = StreamOutput(torch.zeros(2, 1, 3), torch.zeros(2, 1, 2), (seen,))
    value = loss(student, StreamOutput(target), batch_of(2))
    assert value.item() == pytest.approx(math.log(1 + math.exp(-2.0)), rel=1e-6)
    value.backward()
    assert seen.grad is not None and seen.grad[1].abs().max() == 0 and torch.isfinite(seen.grad).all()


def test_nothing_seen_is_zero_and_finite() -> None:
    loss = JointCells(StreamDims(4, 5 * 6, 2), cells=6)
    seen = torch.randn(3, 1, 4, 2, 3, requires_grad=True)
    nothing = batch_of(3).restricted_to(torch.zeros(3, 1, dtype=torch.bool))
    student = StreamOutput(torch.zeros(3, 1, 3), torch.zeros(3, 1, 2), (seen,))
    value = loss(student, StreamOutput(torch.full((3, 1, 30), math.nan)), nothing)
    value.backward()
    assert value == 0 and all(p.grad is not None and torch.isfinite(p.grad).all() for p in loss.parameters())


def test_files_without_places_in_the_image_are_refused() -> None:
    joints = np.zeros((3, 2, 3), np.float32)
    poses = PoseFile(joints, 15.0, Skeleton(("a", "b"), (-1, 0)))
    with pytest.raises(AugrgbError, match=r"E-POS-017 p\.npz: does not say where joints lie"):
        image_frames(poses, 15.0, Path("p.npz"))
    image = np.array([[[0.5, 0.25], [np.nan, np.nan]]] * 3, np.float32)
    found = image_frames(PoseFile(joints, 15.0, poses.skeleton, image=image), 15.0, Path("p.npz"))
    assert found.seen.tolist() == [[True, False]] * 3 and found.joints[1, 0].tolist() == [0.5, 0.25, 0.0]
