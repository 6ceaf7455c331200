"""Bones of one length, in the directions that were seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from augrgb.poses.fixed_limbs import with_fixed_limbs
from augrgb.poses.people import PersonTrack
from augrgb.poses.view_check import limb_lengths, limb_variation

HIPS, SHOULDERS, LIMBS = (23, 24), (11, 12), ((11, 13), (13, 15), (24, 26), (26, 28))


def person(seed: int, frames: int) -> PersonTrack:
    rng = np.random.default_rng(seed)
    joints = rng.uniform(-1, 1, (33, 3)) + 0.2 * rng.standard_normal((frames, 33, 3)) + rng.uniform(-3, 3, 3)
    return PersonTrack(np.arange(frames), joints.astype(np.float32), rng.uniform(0, 1, (frames, 33)).astype(np.float32))


def directions(joints: NDArray[np.float32], bone: tuple[int, int]) -> NDArray[np.float32]:
    along = joints[:, bone[1]] - joints[:, bone[0]]
    return np.asarray(along / np.linalg.norm(along, axis=1, keepdims=True), np.float32)


@given(seed=st.integers(0, 10_000), frames=st.integers(1, 12))
def test_lengths_are_constant_and_equal_on_both_sides_and_directions_stay(seed: int, frames: int) -> None:
    seen = person(seed, frames)
    fixed = with_fixed_limbs(seen)
    assert limb_variation(fixed.joints) < 1e-4 and np.isfinite(fixed.joints).all()
    lengths = limb_lengths(fixed.joints)
    np.testing.assert_allclose(lengths[:, :4], lengths[:, 4:], rtol=1e-3)
    for bone in LIMBS:
        np.testing.assert_allclose(directions(fixed.joints, bone), directions(seen.joints, bone), atol=1e-3)
    middle = seen.joints[:, HIPS].mean(axis=1)
    np.testing.assert_allclose(fixed.joints[:, HIPS].mean(axis=1), middle, atol=1e-4)


def test_a_true_body_stays_as_it_is() -> None:
    one = person(0, 1)
    for inner, outer in ((11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (23, 25), (25, 27), (27, 29), (27, 31)):
        one.joints[:, outer + 1] = one.joints[:, inner + 1] + (one.joints[:, outer] - one.joints[:, inner])
    np.testing.assert_allclose(with_fixed_limbs(one).joints, one.joints, atol=1e-5)


def test_an_uncertain_frame_does_not_decide_the_length() -> None:
    seen = person(1, 3)
    seen.joints[:] = seen.joints[0]
    seen.joints[1:, 13] = seen.joints[1:, 11] + 3 * (seen.joints[1:, 13] - seen.joints[1:, 11])
    seen.joints[1:, 14] = seen.joints[1:, 12] + 3 * (seen.joints[1:, 14] - seen.joints[1:, 12])
    seen.scores[0], seen.scores[1:] = 1.0, 0.1
    short = limb_lengths(seen.joints)[0, [0, 4]].mean()
    assert limb_lengths(with_fixed_limbs(seen).joints)[:, 0] == pytest.approx(short, rel=1e-3)


def test_nobody_stays_nobody() -> None:
    nobody = PersonTrack(np.zeros(0, np.int64), np.zeros((0, 33, 3), np.float32), np.zeros((0, 33), np.float32))
    assert len(with_fixed_limbs(nobody).joints) == 0
