"""People over time, and the main one among them."""

from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS
from augrgb.poses.centers import with_centers
from augrgb.poses.files import Skeleton
from augrgb.poses.metric import metric_poses
from augrgb.poses.people import link_people, main_people

BODY = np.random.default_rng(0).uniform(-0.5, 0.5, (10, 2)).astype(np.float32)


def person(x: Any, size: Any = 1.0) -> Any:
    return (BODY * size + np.float32([x, 0])).astype(np.float32), np.ones(10, np.float32)


def test_people_who_pass_are_kept_apart_whatever_their_order() -> None:
    rng = np.random.default_rng(1)
    frames = []
    for number in range(40):
        people = [person(number * 0.1), person(10 - number * 0.1)]
        frames.append([people[i] for i in rng.permutation(2)])
    tracks = link_people(frames)
    assert [len(track.frames) for track in tracks] == [40, 40]
    assert sorted(
        round(float(track.joints[-1, :, 0].mean() - track.joints[0, :, 0].mean()), 2) for track in tracks
    ) == [
        -3.9,
        3.9,
    ]


def test_a_jump_is_another_person_and_a_short_gap_is_not() -> None:
    frames = [[person(0)]] * 5 + [[]] * 3 + [[person(0.2)]] * 5 + [[person(8)]] * 5
    assert [track.frames.tolist() for track in link_people(frames)] == [
        [0, 1, 2, 3, 4, 8, 9, 10, 11, 12],
        [13, 14, 15, 16, 17],
    ]
    assert len(link_people(frames, max_gap=2)) == 3


def test_people_without_joints_are_nobody() -> None:
    empty = (np.full((10, 2), np.nan, np.float32), np.zeros(10, np.float32))
    assert link_people([[empty], [], [empty]]) == []
    assert main_people([], "energy") == []


def test_a_new_track_gets_its_own_pose_beside_a_linked_one() -> None:
    tracks = link_people([[person(0)], [person(5), person(0.1)], [person(5.1), person(0.2)]])
    assert [float(track.joints[0, 0, 0] - BODY[0, 0]) for track in tracks] == pytest.approx([0, 5], abs=1e-5)
    assert [len(track.frames) for track in tracks] == [3, 2]


def test_rules_choose_different_people() -> None:
    frames = [[person(number * 0.3), person(20, 6.0)] for number in range(20)] + [[person(20, 6.0)]] * 10
    tracks = link_people(frames)
    assert main_people(tracks, "energy")[0].joints[0, 0, 0] == pytest.approx(BODY[0, 0])
    assert main_people(tracks, "largest")[0].joints[0, 0, 0] > 15
    assert len(main_people(tracks, "longest")[0].frames) == 30
    assert len(main_people(tracks, "energy", 2)) == 2 and len(main_people(tracks, "energy", 5)) == 2


def test_pieces_of_a_lost_person_are_joined_but_flicker_is_not() -> None:
    frames = [[person(i * 0.1)] for i in range(10)] + [[person(50)]] + [[person(9 + i * 0.1)] for i in range(10)]
    (main, *rest) = main_people(link_people(frames, max_gap=1), "energy", 2)
    assert main.frames.tolist() == [*range(10), *range(11, 21)]
    assert [track.frames.tolist() for track in rest] == [[10]]


def test_centers() -> None:
    layout = LAYOUTS["coco17"]
    joints = np.random.default_rng(0).normal(size=(4, 17, 3)).astype(np.float32)
    joints[1, 11] = np.nan  # a hip
    scores = np.random.default_rng(1).random((4, 17)).astype(np.float32)
    more, sure, skeleton = with_centers(joints, scores, Skeleton(layout.names, layout.parents))
    np.testing.assert_allclose(more[0, 17], joints[0, 11:13].mean(0), rtol=1e-5)
    np.testing.assert_allclose(more[:, 18], joints[:, 5:7].mean(1), rtol=1e-5)
    assert np.isnan(more[1, 17]).all() and sure[2, 17] == scores[2, 11:13].min()
    assert skeleton.names[17:] == ("mid_hip", "neck") and skeleton.parents.count(-1) == 1
    up = {
        name: skeleton.names[parent]
        for name, parent in zip(skeleton.names, skeleton.parents, strict=True)
        if parent >= 0
    }
    assert up["neck"] == up["left_hip"] == "mid_hip" and up["nose"] == up["right_shoulder"] == "neck"
    assert up["left_knee"] == "left_hip"
    kinect = LAYOUTS["kinect25"]
    with pytest.raises(UsageFault, match="E-POS-014 centers"):
        with_centers(
            np.zeros((2, 25, 3), np.float32), np.zeros((2, 25), np.float32), Skeleton(kinect.names, kinect.parents)
        )


def standing(height_m: Any) -> Any:
    """COCO joints of an upright person (17, 3) in meters, y up, hips at the origin, limbs of the usual proportions."""
    names, pose = LAYOUTS["coco17"].names, np.zeros((17, 3))
    for sign, side in ((1, "left"), (-1, "right")):
        at = {name: names.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")}
        pose[at["hip"]] = [0.1 * sign, 0, 0]
        pose[at["knee"]] = pose[at["hip"]] - [0, 0.245 * height_m, 0]
        pose[at["ankle"]] = pose[at["knee"]] - [0, 0.246 * height_m, 0]
        pose[at["shoulder"]] = [0.2 * sign, 0.5, 0]
        lean = 0.6  # the arm points away from the camera by this angle
        pose[at["elbow"]] = pose[at["shoulder"]] + 0.186 * height_m * np.array([0, -np.cos(lean), np.sin(lean)])
        pose[at["wrist"]] = pose[at["elbow"]] + 0.146 * height_m * np.array([0, -np.cos(lean), np.sin(lean)])
    pose[:5] = [0, 0.75, 0]
    return pose


@pytest.mark.parametrize("pixels_per_meter", [40.0, 180.0])
def test_limbs_give_the_scale(pixels_per_meter: Any) -> None:
    true = np.repeat(standing(1.70)[None], 6, 0)
    seen = true.copy()
    seen[..., 0] = 320 + true[..., 0] * pixels_per_meter
    seen[..., 1] = 240 - true[..., 1] * pixels_per_meter
    seen[2, 7:] = np.nan  # arms and legs hidden: its scale is its neighbours'
    seen[4, 9] = np.nan
    found = metric_poses(seen.astype(np.float32), LAYOUTS["coco17"].names, (640, 480), 15)
    known = ~np.isnan(seen)
    np.testing.assert_allclose(found[known], true[known], atol=1e-3)
    assert np.isnan(found[4, 9]).all()


def test_without_limbs_there_is_no_scale() -> None:
    seen = np.full((3, 17, 3), np.nan, np.float32)
    seen[:, :5] = 1
    assert np.isnan(metric_poses(seen, LAYOUTS["coco17"].names, (640, 480), 15)).all()
