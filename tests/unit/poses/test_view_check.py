"""Poses that cannot be believed."""

import numpy as np
from numpy.typing import NDArray

from augrgb.poses.people import PersonTrack
from augrgb.poses.view_check import doubtful_view, limb_variation, upright_share

BODY = np.random.default_rng(0).uniform(-0.3, 0.3, (33, 3)).astype(np.float32)
BODY[11:13], BODY[23:25] = [0, 0.5, 0], [0, 0, 0]


def person(joints: NDArray[np.float32]) -> PersonTrack:
    return PersonTrack(np.arange(len(joints)), joints, np.ones(joints.shape[:2], np.float32))


def test_a_rigid_body_does_not_vary() -> None:
    joints = np.stack([BODY] * 5)
    assert limb_variation(joints) < 1e-6 and upright_share(joints) == 1 and upright_share(-joints) == 0
    assert abs(limb_variation(np.stack([BODY * 0.9, BODY * 1.1])) - 0.1) < 1e-5


def test_upside_down_people_of_changing_size_are_doubtful_only_in_long_videos_with_gaps() -> None:
    sizes = np.linspace(0.5, 1.5, 150, dtype=np.float32)[:, None, None]
    doubtful = person(-BODY * sizes)
    assert "found in 60% of frames, upright in 0% of those" in (doubtful_view(doubtful, 250, 15.0) or "")
    assert doubtful_view(doubtful, 250, 30.0) is None  # a clip of 8 seconds
    assert doubtful_view(doubtful, 160, 15.0) is None  # nearly always found
    assert doubtful_view(person(BODY * sizes), 250, 15.0) is None  # upright
    assert doubtful_view(person(-BODY * np.ones_like(sizes)), 250, 15.0) is None  # a body that is rigid
