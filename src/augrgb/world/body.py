"""Which joint of a skeleton plays which part of the drawn figure, so that any humanoid skeleton can be rendered."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused

_SIDED = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
ROLES: tuple[str, ...] = ("hips", "neck", "head", *(f"{side}_{name}" for side in "lr" for name in _SIDED))
"""The 17 points from which the figure is drawn."""
ROLE: dict[str, int] = {name: i for i, name in enumerate(ROLES)}

# what motion-capture files call them, without side and separators; a joint is named after the bone that starts there
_ALIASES = {
    "hips": ("hips", "pelvis", "hip", "root"),
    "neck": ("neck", "neck1"),
    "head": ("head",),
    "shoulder": ("upperarm", "arm", "shoulder", "shldr"),
    "elbow": ("lowerarm", "forearm", "elbow"),
    "wrist": ("hand", "wrist"),
    "hip": ("upperleg", "upleg", "thigh", "hip"),
    "knee": ("lowerleg", "leg", "shin", "calf", "knee"),
    "ankle": ("foot", "ankle"),
    "toe": ("toes", "toe", "toebase", "ball", "foot_end", "ankle_end"),
}


def role_indices(names: Sequence[str], where: object) -> NDArray[np.int64]:
    """For each of `ROLES` the index of the joint that plays it, (17,).

    Args:
        names: Joint names: ours, or as usual in motion capture (`UpperArm_L`, `LeftForeArm`, `mixamorig:Hips`).
        where: The file, for the message.

    Raises:
        InputRefused: E-WLD-010 when a part of the body cannot be found by name.
    """
    known: dict[tuple[str, str], int] = {}
    for i, name in enumerate(names):
        known.setdefault(side_and_stem(name), i)
    found, missing = [], []
    for role in ROLES:
        side, stem = (role[0], role[2:]) if role[1] == "_" else ("", role)
        hits = [known[side, alias] for alias in _ALIASES[stem] if (side, alias) in known]
        if hits:
            found.append(hits[0])
        else:
            missing.append(role)
    if missing:
        raise InputRefused(
            "E-WLD-010",
            where,
            f"no joint for {', '.join(missing)} among {', '.join(names)}",
            "Rename the joints, for example UpperArm_L, LowerArm_L, Hand_L, UpperLeg_L, LowerLeg_L, Foot_L, Toes_L.",
        )
    return np.array(found, np.int64)


def side_and_stem(name: str) -> tuple[str, str]:
    """`LeftForeArm` -> (`l`, `forearm`); `UpperArm_L` -> (`l`, `upperarm`); `Hips` -> (``, `hips`)."""
    stem = name.rsplit(":", 1)[-1]
    if stem.endswith("_end"):  # end site of a BVH file
        side, stem = side_and_stem(stem.removesuffix("_end"))
        return side, f"{stem}_end"
    for side, word in (("l", "left"), ("r", "right")):
        shorter = re.sub(rf"(?i)^{word}[_ .]?|[_ .]{word}$|^{side}[_ .]|[_ .]{side}$", "", stem)
        if shorter != stem:
            return side, shorter.lower()
    return "", stem.lower()
