from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.poses.files import PoseFrames, Skeleton
from augrgb.training.teachers.joints import JointRegression, joint_teacher

SKELETON = Skeleton(("hips", "neck", "l_hip", "r_hip", "hand"), (-1, 0, 0, 0, 1))
CLOCK = Clock(15.0, 4, 3)
OTHERS = [1, 2, 3, 4]


def batch_of(count: int) -> Batch:
    ones = torch.ones(count, 1, dtype=torch.bool)
    labelled = torch.zeros(count, dtype=torch.bool)
    names = tuple(map(str, range(count)))
    return Batch(ones, torch.zeros(count, 1, 2), labelled, video_ids=names)


def a_track(frames: int, seed: int, unseen: float = 0.2) -> PoseFrames:
    rng = np.random.default_rng(seed)
    joints = rng.normal(size=(frames, 5, 3)).astype(np.float32)
    joints[:, 1, 1] += 2.0
    return PoseFrames(joints, rng.random((frames, 5)) >= unseen)


def naive(track: PoseFrames | None, count: int, axes: str) -> np.ndarray:
    """(count, window, V, 3) by loops; NaN where nothing may be said."""
    result = np.full((count, CLOCK.window, 5, 3), np.nan)
    if track is None:
        return result
    last = len(track.joints) - 1
    for t in range(count):
        frames = [t * CLOCK.stride + k for k in range(CLOCK.window)]
        shown = [track.joints[min(f, last)].astype(float) for f in frames]
        seen = [track.seen[f] if f <= last else np.zeros(5, bool) for f in frames]
        across = np.mean([p[2] - p[3] for p in shown], axis=0)
        angle = math.atan2(across[2], across[0])
        length = np.mean([np.linalg.norm(p[1] - p[0]) for p in shown])
        oriented = any(s[2] and s[3] for s in seen) and any(s[0] and s[1] for s in seen)
        for k in range(CLOCK.window):
            for v in range(5):
                if not (seen[k][v] and seen[k][0]) or (axes == "body" and not oriented):
                    continue
                x, y, z = shown[k][v] - shown[k][0]
                if axes == "body":
                    turned = (x * math.cos(angle) + z * math.sin(angle), y, z * math.cos(angle) - x * math.sin(angle))
                    result[t, k, v] = np.array(turned) / length
                else:
                    result[t, k, v] = (x, y, z)
    return result


@pytest.mark.parametrize("axes", ["body", "camera"])
@pytest.mark.parametrize("frames", [None, 1, 2])
def test_targets_are_those_of_loops(axes: Any, frames: Any) -> None:
    tracks, counts = [a_track(20, 0), None, a_track(13, 1, unseen=0.5)], [6, 2, 5]  # the last runs over its end
    teacher = joint_teacher(tracks, SKELETON, CLOCK, counts, axes=axes, frames=frames)
    output, there = teacher.outputs(batch_of(13))
    expected = np.concatenate([naive(track, count, axes) for track, count in zip(tracks, counts, strict=True)])
    picked = {None: [0, 1, 2, 3], 1: [2], 2: [1, 3]}[frames]
    expected = expected[:, picked][:, :, OTHERS]
    mean, std = np.nanmean(expected, axis=(0, 1)), np.nanstd(expected, axis=(0, 1))
    expected = ((expected - mean) / std).reshape(13, -1)
    np.testing.assert_allclose(output.features[:, 0].numpy(), expected, atol=2e-4)
    np.testing.assert_array_equal(there[:, 0].numpy(), ~np.isnan(expected).all(axis=1))
    assert not there[6:8].any(), "a video without poses"


def test_a_turned_camera_changes_camera_axes_only() -> None:
    track = a_track(20, 3, unseen=0.0)
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]], np.float32)
    turned = PoseFrames(track.joints @ turn.T, track.seen)
    for axes, same in (("body", True), ("camera", False)):
        before, after = (
            joint_teacher([t], SKELETON, CLOCK, [6], axes=axes).outputs(batch_of(6))[0].features
            for t in (track, turned)
        )
        assert torch.allclose(before, after, atol=1e-3) == same


@pytest.mark.parametrize("form", ["mse", "l1"])
def test_the_loss_is_the_mean_over_seen_coordinates(form: Any) -> None:
    torch.manual_seed(0)
    loss = JointRegression(StreamDims(3, 4, 2), form=form, project="linear")
    features = torch.randn(3, 1, 3, requires_grad=True)
    target = torch.randn(3, 1, 4)
    target[0, 0, 1] = target[2, 0] = float("nan")
    batch = batch_of(3)
    value = loss(StreamOutput(features, torch.zeros(3, 1, 2)), StreamOutput(target, target[..., :0]), batch)
    said = loss.project(features).detach()
    errors = [float(said[n, 0, c] - target[n, 0, c]) for n in range(3) for c in range(4) if not target[n, 0, c].isnan()]
    expected = np.mean([error**2 if form == "mse" else abs(error) for error in errors])
    assert value.item() == pytest.approx(expected, rel=1e-5)
    value.backward()
    assert torch.isfinite(features.grad).all() and features.grad[2].abs().sum() == 0 < features.grad[0].abs().sum()
    assert all(torch.isfinite(parameter.grad).all() for parameter in loss.parameters())


def test_nothing_seen_in_a_batch_is_zero_with_a_graph() -> None:
    loss = JointRegression(StreamDims(3, 4, 2))
    features = torch.randn(2, 1, 3, requires_grad=True)
    nan = torch.full((2, 1, 4), float("nan"))
    value = loss(StreamOutput(features, torch.zeros(2, 1, 2)), StreamOutput(nan, nan[..., :0]), batch_of(2))
    assert value.item() == 0
    value.backward()


def test_what_cannot_teach() -> None:
    with pytest.raises(AugrgbError, match="E-ENC-006"):
        joint_teacher([None], SKELETON, CLOCK, [3])
    coco = Skeleton(("nose", "left_eye", "right_eye", "left_wrist", "right_wrist"), (-1, 0, 0, 0, 0))
    with pytest.raises(AugrgbError, match="E-POS-005"):
        joint_teacher([a_track(9, 0)], coco, CLOCK, [3])
    assert joint_teacher([a_track(9, 0)], coco, CLOCK, [3], axes="camera").width == 4 * 4 * 3
