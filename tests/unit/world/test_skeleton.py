from typing import Any

import numpy as np
import pytest

from augrgb.poses.rotation import rotation
from augrgb.world.skeleton import (
    ANGLE,
    ANGLES,
    INDEX,
    JOINT_NAMES,
    PARENTS,
    REST_OFFSETS,
    Proportions,
    forward_kinematics,
    local_rotations,
)


def pose(**degrees: float) -> np.ndarray:
    angles = np.zeros((1, len(ANGLES)))
    for name, value in degrees.items():
        angles[0, ANGLE[name]] = value
    heading = np.zeros(1)
    return forward_kinematics(REST_OFFSETS, PARENTS, local_rotations(angles, heading), np.zeros((1, 3)))[0]


def test_chain_of_two_bones_by_hand() -> None:
    # a root, a bone of 1 m up, a bone of 2 m up; the first joint turned by 90 degrees about z: up becomes -x
    offsets = np.array([[0.0, 0, 0], [0, 1, 0], [0, 2, 0]])
    turns = np.stack([rotation(2, np.array([90.0])), np.eye(3)[None], np.eye(3)[None]], axis=1)
    joints = forward_kinematics(offsets, (-1, 0, 1), turns, np.array([[5.0, 0, 0]]))
    np.testing.assert_allclose(joints[0], [[5, 0, 0], [4, 0, 0], [2, 0, 0]], atol=1e-12)


def test_rest_is_an_upright_person_of_ordinary_height() -> None:
    joints = pose()
    height = joints[INDEX["head"], 1] - joints[INDEX["l_toe"], 1] + 0.2  # the head joint is at the skull's base
    assert 1.65 < height < 1.85
    assert joints[INDEX["l_wrist"], 0] > 0 > joints[INDEX["r_wrist"], 0]
    assert len(JOINT_NAMES) == 21 and all(parent < i for i, parent in enumerate(PARENTS))


@pytest.mark.parametrize("side, sign", [("l", 1), ("r", -1)])
def test_angles_mean_what_their_names_say(side: Any, sign: Any) -> None:
    shoulder, wrist = INDEX[f"{side}_shoulder"], INDEX[f"{side}_wrist"]
    forward = pose(**{f"{side}_shoulder_flex": 90})
    assert forward[wrist, 2] - forward[shoulder, 2] == pytest.approx(0.55)
    sideways = pose(**{f"{side}_shoulder_abduct": 90})
    assert sign * (sideways[wrist, 0] - sideways[shoulder, 0]) == pytest.approx(0.55)
    inwards = pose(**{f"{side}_elbow_flex": 90, f"{side}_shoulder_twist": 90})
    assert sign * (inwards[wrist, 0] - inwards[shoulder, 0]) == pytest.approx(-0.26)
    knee = pose(**{f"{side}_knee_flex": 90})
    assert knee[INDEX[f"{side}_ankle"], 2] - knee[INDEX[f"{side}_knee"], 2] == pytest.approx(-0.41)
    assert pose(spine_bend=60)[INDEX["head"], 2] > 0.3


def test_proportions_change_only_their_bones() -> None:
    offsets = Proportions(arms=1.2).offsets()
    changed = {JOINT_NAMES[i] for i in np.flatnonzero((offsets != REST_OFFSETS).any(axis=1))}
    assert changed == {"l_elbow", "l_wrist", "r_elbow", "r_wrist"}
    np.testing.assert_allclose(Proportions(height=0.9).offsets(), 0.9 * REST_OFFSETS)
