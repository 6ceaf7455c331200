"""Skeleton layouts by name: joints in the order of a pose array, and the tree that joins them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkeletonLayout:
    """Joint names in the order of a pose array, and each joint's parent (-1 = root)."""

    names: tuple[str, ...]
    parents: tuple[int, ...]


def _layout(*joints: str) -> SkeletonLayout:
    """From `"name parent"` per joint, a lone name being the root."""
    pairs = [joint.split() for joint in joints]
    number = {pair[0]: position for position, pair in enumerate(pairs)}
    return SkeletonLayout(tuple(number), tuple(number[pair[1]] if len(pair) > 1 else -1 for pair in pairs))


_FACE = ("nose", "left_eye nose", "right_eye nose", "left_ear left_eye", "right_ear right_eye")
_COCO = _layout(
    *_FACE,
    *("left_shoulder nose", "right_shoulder nose", "left_elbow left_shoulder", "right_elbow right_shoulder"),
    *("left_wrist left_elbow", "right_wrist right_elbow", "left_hip left_shoulder", "right_hip right_shoulder"),
    *("left_knee left_hip", "right_knee right_hip", "left_ankle left_knee", "right_ankle right_knee"),
)


def _whole_body() -> SkeletonLayout:
    coco = [
        f"{name} {_COCO.names[parent]}" if parent >= 0 else name
        for name, parent in zip(_COCO.names, _COCO.parents, strict=True)
    ]
    feet = [f"{side}_{part} {side}_ankle" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")]
    face = [f"face_{number} nose" for number in range(68)]
    hands = []
    for side in ("left", "right"):
        hands.append(f"{side}_hand_root {side}_wrist")
        for finger in ("thumb", "index", "middle", "ring", "little"):
            joints = [f"{side}_{finger}_{number}" for number in range(1, 5)]
            hands += [f"{joint} {up}" for joint, up in zip(joints, [f"{side}_hand_root", *joints[:3]], strict=True)]
    return _layout(*coco, *feet, *face, *hands)


LAYOUTS: dict[str, SkeletonLayout] = {
    # Kinect v2 (NTU RGB+D, PKU-MMD), edges towards the chest as in the published 2s-AGCN.
    "kinect25": _layout(
        *("spine_base spine_mid", "spine_mid spine_shoulder", "neck spine_shoulder", "head neck"),
        *("left_shoulder spine_shoulder", "left_elbow left_shoulder", "left_wrist left_elbow", "left_hand left_wrist"),
        *("right_shoulder spine_shoulder", "right_elbow right_shoulder", "right_wrist right_elbow"),
        *("right_hand right_wrist", "left_hip spine_base", "left_knee left_hip", "left_ankle left_knee"),
        *("left_foot left_ankle", "right_hip spine_base", "right_knee right_hip", "right_ankle right_knee"),
        *("right_foot right_ankle", "spine_shoulder", "left_hand_tip left_thumb", "left_thumb left_hand"),
        *("right_hand_tip right_thumb", "right_thumb right_hand"),
    ),
    # Kinect, first version (UTKinect-Action3D, MSR Action3D): joints of kinect25 where they are the same.
    "kinect20": _layout(
        *("spine_base spine_mid", "spine_mid spine_shoulder", "spine_shoulder", "head spine_shoulder"),
        *("left_shoulder spine_shoulder", "left_elbow left_shoulder", "left_wrist left_elbow", "left_hand left_wrist"),
        *("right_shoulder spine_shoulder", "right_elbow right_shoulder", "right_wrist right_elbow"),
        *("right_hand right_wrist", "left_hip spine_base", "left_knee left_hip", "left_ankle left_knee"),
        *("left_foot left_ankle", "right_hip spine_base", "right_knee right_hip", "right_ankle right_knee"),
        "right_foot right_ankle",
    ),
    # OpenPose (Kinetics-Skeleton).
    "openpose18": _layout(
        *("nose neck", "neck", "right_shoulder neck", "right_elbow right_shoulder", "right_wrist right_elbow"),
        *("left_shoulder neck", "left_elbow left_shoulder", "left_wrist left_elbow", "right_hip right_shoulder"),
        *("right_knee right_hip", "right_ankle right_knee", "left_hip left_shoulder", "left_knee left_hip"),
        *("left_ankle left_knee", "right_eye nose", "left_eye nose", "right_ear right_eye", "left_ear left_eye"),
    ),
    # OpenPose's default, BODY_25.
    "openpose25": _layout(
        *("nose neck", "neck mid_hip", "right_shoulder neck", "right_elbow right_shoulder", "right_wrist right_elbow"),
        *("left_shoulder neck", "left_elbow left_shoulder", "left_wrist left_elbow", "mid_hip", "right_hip mid_hip"),
        *("right_knee right_hip", "right_ankle right_knee", "left_hip mid_hip", "left_knee left_hip"),
        *("left_ankle left_knee", "right_eye nose", "left_eye nose", "right_ear right_eye", "left_ear left_eye"),
        *("left_big_toe left_ankle", "left_small_toe left_big_toe", "left_heel left_ankle"),
        *("right_big_toe right_ankle", "right_small_toe right_big_toe", "right_heel right_ankle"),
    ),
    "coco17": _COCO,
    # LCR-Net poses as TSU ships them: the order of COCO, the five joints of the face all at the head.
    "lcrnet17": _COCO,
    # LCR-Net poses of the Toyota Smarthome JSON files.
    "lcrnet13": _layout(
        *("right_ankle right_knee", "left_ankle left_knee", "right_knee right_hip", "left_knee left_hip"),
        *("right_hip right_shoulder", "left_hip left_shoulder", "right_wrist right_elbow", "left_wrist left_elbow"),
        *(
            "right_elbow right_shoulder",
            "left_elbow left_shoulder",
            "right_shoulder head",
            "left_shoulder head",
            "head",
        ),
    ),
    # Whole-body poses of 133 joints: COCO, feet, outline and parts of the face, hands.
    "coco133": _whole_body(),
    # BlazePose: 33 joints, in its order.
    "blazepose33": _layout(
        *("nose", "left_eye_inner nose", "left_eye left_eye_inner", "left_eye_outer left_eye"),
        *("right_eye_inner nose", "right_eye right_eye_inner", "right_eye_outer right_eye"),
        *("left_ear left_eye_outer", "right_ear right_eye_outer", "mouth_left nose", "mouth_right nose"),
        *("left_shoulder nose", "right_shoulder nose", "left_elbow left_shoulder", "right_elbow right_shoulder"),
        *("left_wrist left_elbow", "right_wrist right_elbow", "left_pinky left_wrist", "right_pinky right_wrist"),
        *("left_index left_wrist", "right_index right_wrist", "left_thumb left_wrist", "right_thumb right_wrist"),
        *("left_hip left_shoulder", "right_hip right_shoulder", "left_knee left_hip", "right_knee right_hip"),
        *("left_ankle left_knee", "right_ankle right_knee", "left_heel left_ankle", "right_heel right_ankle"),
        *("left_foot_index left_heel", "right_foot_index right_heel"),
    ),
    # The embedded world's figure.
    "world21": _layout(
        *("hips", "spine hips", "chest spine", "neck chest", "head neck"),
        *(
            f"{side}_{joint}"
            for part in (
                ("collar chest", "shoulder {}_collar", "elbow {}_shoulder", "wrist {}_elbow"),
                ("hip hips", "knee {}_hip", "ankle {}_knee", "toe {}_ankle"),
            )
            for side in "lr"
            for joint in (text.format(side) for text in part)
        ),
    ),
}
