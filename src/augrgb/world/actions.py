"""The actions of daily living: each class is a set of joint-angle curves. A new action is one more entry of `ACTIONS`.

Classes come in near-miss groups: side (`wave_left`/`wave_right`, `kick_left`/`kick_right`), amplitude
(`raise_half`/`raise_full`), tempo (`stir`/`whisk`), and the object in the hand (`drink`/`phone_call`/`brush_teeth`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from augrgb.world.skeleton import Floats

Body = Literal["lower", "upper"]
Prop = Literal["cup", "phone", "brush", "whisk"]
Curves = dict[str, "Floats | float"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an event stands at each of n frames.

    Args:
        phase: (n,) radians of the action's cycle, 0 at the event's start.
        side: The acting side, `l` or `r`.
        other: The other one.
    """

    phase: Floats
    side: str
    other: str


@dataclass(frozen=True, slots=True)
class Action:
    """One class.

    Args:
        name: Class name.
        body: The half of the body that it occupies; lower and upper actions run independently.
        duration_s: Shortest and longest event in seconds.
        period_s: Shortest and longest cycle in seconds.
        curves: Joint angles in degrees (names of `skeleton.ANGLES`) over the moments of an event.
        side: `l` or `r` where the class fixes it, else the person's habit decides.
        prop: The object held in the acting hand: seen by the camera, not by the pose sensor.
        ease_s: Time to go from idle into the action and back.
    """

    name: str
    body: Body
    duration_s: tuple[float, float]
    period_s: tuple[float, float]
    curves: Callable[[Moment], Curves]
    side: Literal["l", "r"] | None = None
    prop: Prop | None = None
    ease_s: float = 0.5


def _walk(m: Moment, swing: float = 19.0) -> Curves:
    curves: Curves = {"spine_bend": 3 + 1.5 * np.cos(2 * m.phase)}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        curves[f"{side}_hip_flex"] = 4 + sign * swing * np.sin(m.phase)
        curves[f"{side}_knee_flex"] = 8 + 2.4 * swing * np.clip(sign * np.cos(m.phase), 0, None) ** 2
        curves[f"{side}_shoulder_flex"] = -sign * 1.1 * swing * np.sin(m.phase)
        curves[f"{side}_elbow_flex"] = 22.0
    return curves


def _turn(m: Moment) -> Curves:
    return _walk(m, swing=9.0)


def _squat(m: Moment) -> Curves:
    depth = 0.5 - 0.5 * np.cos(m.phase)
    curves: Curves = {"spine_bend": 30 * depth}
    for side in "lr":
        curves[f"{side}_hip_flex"], curves[f"{side}_knee_flex"] = 95 * depth, 112 * depth
        curves[f"{side}_ankle_flex"], curves[f"{side}_hip_abduct"] = -17 * depth, 5 + 5 * depth
        curves[f"{side}_shoulder_flex"] = 55 * depth
    return curves


def _sit(m: Moment) -> Curves:
    curves: Curves = {"spine_bend": 6 + 2 * np.sin(m.phase)}
    for side in "lr":
        curves[f"{side}_hip_flex"], curves[f"{side}_knee_flex"], curves[f"{side}_hip_abduct"] = 86.0, 86.0, 7.0
        curves[f"{side}_shoulder_flex"], curves[f"{side}_elbow_flex"] = 22.0, 45.0
        curves[f"{side}_shoulder_twist"] = 20.0
    return curves


def _bend(m: Moment) -> Curves:
    curves: Curves = {"spine_bend": 84 + 7 * np.sin(m.phase), "neck_bend": -15.0}
    for side in "lr":
        curves[f"{side}_hip_flex"], curves[f"{side}_knee_flex"] = 12.0, 24.0
        curves[f"{side}_ankle_flex"], curves[f"{side}_shoulder_flex"] = -12.0, 70 + 10 * np.sin(m.phase)
    return curves


def _kick(m: Moment) -> Curves:
    strike = np.sin(m.phase - 0.9)
    return {
        f"{m.side}_hip_flex": 28 + 42 * strike,
        f"{m.side}_knee_flex": 34 - 28 * strike,
        f"{m.other}_knee_flex": 12.0,
        f"{m.other}_hip_flex": 6.0,
        "spine_bend": -5 - 5 * strike,
        f"{m.other}_shoulder_flex": 15 + 15 * strike,
        f"{m.side}_shoulder_flex": -15 * strike,
    }


def _wave(m: Moment) -> Curves:
    s = m.side
    return {
        f"{s}_shoulder_abduct": 72 + 5 * np.sin(m.phase),
        f"{s}_shoulder_flex": 12.0,
        f"{s}_shoulder_twist": -78.0,
        f"{s}_elbow_flex": 78 + 32 * np.sin(m.phase),
        "spine_side": 2.5 if s == "r" else -2.5,
    }


def _raise(m: Moment, height: float) -> Curves:
    curves: Curves = {}
    for side in "lr":
        curves[f"{side}_shoulder_abduct"] = height + 4 * np.sin(m.phase)
        curves[f"{side}_shoulder_flex"], curves[f"{side}_elbow_flex"] = 14.0, 10.0
    return curves


def _hand_at_face(m: Moment, shake: float = 0.0, sip: float = 0.0) -> Curves:
    s = m.side
    swing = np.sin(m.phase)
    return {
        f"{s}_shoulder_flex": 42 + sip * swing,
        f"{s}_shoulder_abduct": 22 + 0.3 * shake * swing,
        f"{s}_shoulder_twist": 42 + shake * swing,
        f"{s}_elbow_flex": 133 + 0.5 * shake * np.cos(m.phase) - sip * swing,
        "neck_bend": 3 - 0.5 * sip * swing,
    }


def _stir(m: Moment) -> Curves:
    s, o = m.side, m.other
    return {
        f"{s}_shoulder_flex": 28 + 11 * np.sin(m.phase),
        f"{s}_shoulder_abduct": 14.0,
        f"{s}_shoulder_twist": 38 + 17 * np.cos(m.phase),
        f"{s}_elbow_flex": 78 - 9 * np.sin(m.phase),
        f"{o}_shoulder_flex": 22.0,
        f"{o}_shoulder_twist": 42.0,
        f"{o}_elbow_flex": 70.0,
        "neck_bend": 14.0,
    }


ACTIONS: tuple[Action, ...] = (
    Action("walk", "lower", (2.5, 5.5), (1.1, 1.35), _walk),
    Action("turn", "lower", (2.2, 3.4), (0.9, 1.1), _turn),
    Action("squat", "lower", (2.5, 5.5), (1.7, 2.4), _squat, ease_s=0.4),
    Action("sit", "lower", (4.0, 8.0), (3.5, 5.0), _sit, ease_s=0.9),
    Action("bend", "lower", (1.8, 3.6), (1.6, 2.6), _bend, ease_s=0.7),
    Action("kick_left", "lower", (1.6, 4.0), (1.0, 1.4), _kick, side="l", ease_s=0.35),
    Action("kick_right", "lower", (1.6, 4.0), (1.0, 1.4), _kick, side="r", ease_s=0.35),
    Action("wave_left", "upper", (1.8, 4.5), (0.6, 0.95), _wave, side="l"),
    Action("wave_right", "upper", (1.8, 4.5), (0.6, 0.95), _wave, side="r"),
    Action("raise_half", "upper", (1.8, 4.0), (1.5, 2.5), lambda m: _raise(m, 74.0), ease_s=0.6),
    Action("raise_full", "upper", (1.8, 4.0), (1.5, 2.5), lambda m: _raise(m, 160.0), ease_s=0.7),
    Action("drink", "upper", (2.5, 6.0), (1.6, 2.6), lambda m: _hand_at_face(m, sip=5.0), prop="cup"),
    Action("phone_call", "upper", (3.0, 7.5), (2.0, 3.5), lambda m: _hand_at_face(m, sip=3.0), prop="phone"),
    Action("brush_teeth", "upper", (3.0, 7.0), (0.4, 0.6), lambda m: _hand_at_face(m, shake=7.0), prop="brush"),
    Action("stir", "upper", (2.5, 6.0), (1.15, 1.5), _stir, prop="whisk"),
    Action("whisk", "upper", (2.5, 6.0), (0.45, 0.6), _stir, prop="whisk"),
)
"""All classes, in the order of the dataset's class list."""

CLASS_NAMES: tuple[str, ...] = tuple(action.name for action in ACTIONS)
