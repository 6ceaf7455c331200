"""Tiny motion libraries for tests: our own figure in the packed format, and a stick person as BVH text."""

from typing import Any

import numpy as np

from augrgb.world.actions import ACTIONS
from augrgb.world.motion import perform
from augrgb.world.schedule import Planned, make_subject
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import PARENTS

CAPTURE_NAMES = (
    *("Hips", "Spine", "Chest", "Neck", "Head"),
    *(f"{part}_{side}" for side in "LR" for part in ("Shoulder", "UpperArm", "LowerArm", "Hand")),
    *(f"{part}_{side}" for side in "LR" for part in ("UpperLeg", "LowerLeg", "Foot", "Toes")),
)


def packed(path: Any, takes: Any = 12, **changes: Any) -> Any:
    """A tiny packed library made of our own figure: two contents, two styles."""
    settings = WorldSettings(duration_s=5.0, fps=30.0)
    joints, clips, content, style = [], [], [], []
    for c, name in enumerate(("walk", "wave_left")):
        for s, manner in enumerate(("calm", "wild")):
            for take in range(takes):
                action = next(a for a in ACTIONS if a.name == name)
                event = Planned(action, 0.2, 4.5, "l", "r", 1.0, 0.8 + 0.3 * s)
                performance = perform(settings, make_subject(settings, "A"), [event], f"{name}{manner}{take}")
                joints.append(performance.joints[: 70 + take])
                clips.append(f"{name}_{manner}_{take:03d}")
                content.append(c)
                style.append(s)
    world = np.concatenate(joints)
    data = {
        "rel": (world - world[:, :1]).astype(np.float16),
        "root": world[:, 0].astype(np.float32),
        "start": np.cumsum([0, *map(len, joints)]),
        "fps": 30,
        "joint_names": np.array(CAPTURE_NAMES),
        "parents": np.array(PARENTS),
        "clip": np.array(clips),
        "content": np.array(content),
        "style": np.array(style),
        "content_names": np.array(["walk", "wave_left"]),
        "style_names": np.array(["calm", "wild"]),
    }
    data.update(changes)
    np.savez(path, **{key: value for key, value in data.items() if value is not None})
    return path


def bvh_text(frames: Any) -> Any:
    """A stick person in BVH whose toes are end sites."""
    lines = ["HIERARCHY", "ROOT Hips", "{", "OFFSET 0 0 0", "CHANNELS 3 Xposition Yposition Zposition"]

    def chain(*joints: Any) -> None:
        for name, offset in joints:
            lines.extend([f"JOINT {name}", "{", f"OFFSET {offset}", "CHANNELS 3 Zrotation Xrotation Yrotation"])
        lines.extend(["End Site", "{", "OFFSET 0 0 12", "}", *("}" for _ in joints)])

    chain(("Spine", "0 25 0"), ("Neck", "0 25 0"), ("Head", "0 10 0"))
    for side, x in (("Left", 1), ("Right", -1)):
        chain((f"{side}Arm", f"{18 * x} 45 0"), (f"{side}ForeArm", "0 -28 0"), (f"{side}Hand", "0 -25 0"))
        chain((f"{side}UpLeg", f"{9 * x} -4 0"), (f"{side}Leg", "0 -42 0"), (f"{side}Foot", "0 -41 0"))
    channels = sum(line.startswith("CHANNELS") for line in lines) * 3
    rows = [" ".join(["0", "90", "0", *["0"] * (channels - 3)]) for _ in range(frames)]
    return "\n".join([*lines, "}", "MOTION", f"Frames: {frames}", "Frame Time: 0.05", *rows])
