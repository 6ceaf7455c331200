"""From a plan of events to joints over time: curves blended with idling, a path through the room, feet on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.seeds import rng_at
from augrgb.world.actions import Moment, Prop
from augrgb.world.schedule import Planned, Subject
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import ANGLE, ANGLES, INDEX, PARENTS, Floats, forward_kinematics, local_rotations

_SOLE_M = 0.03  # the toe joint's height above the floor
_ROOM_M = (0.85, 0.7)  # half extent of where the person walks, x and z
_PLANTED = ("squat", "sit", "bend")  # actions in which the feet stay and the hips move


@dataclass(frozen=True, slots=True)
class Held:
    """An object in a hand.

    Args:
        prop: Which object.
        side: Hand, `l` or `r`.
        shown: (n,) bool.
    """

    prop: Prop
    side: str
    shown: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stool:
    """A stool that stands in the room for the whole video.

    Args:
        center: (3,) middle of the seat's top in meters.
        heading: Degrees about y.
    """

    center: Floats
    heading: float


@dataclass(frozen=True, slots=True)
class Performance:
    """The exact motion of one video.

    Args:
        joints: (n, V, 3) meters, world axes.
        names, parents: The V joints.
        held: Objects in hands.
        stools: Where the person sits.
        girth: Factor on the thickness of the body.
    """

    joints: Floats
    names: tuple[str, ...]
    parents: tuple[int, ...]
    held: tuple[Held, ...] = ()
    stools: tuple[Stool, ...] = ()
    girth: float = 1.0


def smooth_step(x: Floats) -> Floats:
    """0 below 0, 1 above 1, with continuous first and second derivatives in between."""
    x = np.clip(x, 0, 1)
    return x * x * x * (x * (6 * x - 15) + 10)


def smooth_noise(rng: np.random.Generator, time_s: Floats, channels: int, period_s: float) -> Floats:
    """Slow random curves of unit variance: five sines around `period_s`, (n, channels)."""
    periods = period_s * np.exp(rng.uniform(-0.7, 0.7, (5, channels)))
    phases = rng.uniform(0, 2 * np.pi, (5, channels))
    waves = np.sin(2 * np.pi * time_s[:, None, None] / periods + phases)
    return np.asarray(waves.sum(axis=1) * np.sqrt(2 / 5))


def envelope(event: Planned, time_s: Floats) -> Floats:
    """How far the body is in the action's pose at each time, 0 to 1; 0 outside the event."""
    ease_s = min(event.action.ease_s, 0.45 * (event.end_s - event.start_s))
    return smooth_step((time_s - event.start_s) / ease_s) * smooth_step((event.end_s - time_s) / ease_s)


def perform(settings: WorldSettings, subject: Subject, planned: Sequence[Planned], video_id: str) -> Performance:
    """The joints of a person who does what was planned; a pure function of its arguments."""
    rng = rng_at(settings.seed, "video", video_id, "motion")
    time_s = np.arange(settings.num_frames) / settings.fps
    envelopes = [envelope(event, time_s) for event in planned]
    angles = _idle(subject, time_s, rng)
    for event, weight in sorted(zip(planned, envelopes, strict=True), key=lambda pair: pair[0].action.body):
        _blend(angles, event, weight, subject, settings.style_spread, time_s, rng)
    position, heading = _path(subject, planned, envelopes, time_s, settings.fps, rng)

    root = np.stack([position[:, 0], np.zeros(len(time_s)), position[:, 1]], axis=1)
    offsets = subject.proportions.offsets()
    joints = forward_kinematics(offsets, PARENTS, local_rotations(angles, heading), root)
    planted = np.zeros(len(time_s))
    for event, weight in zip(planned, envelopes, strict=True):
        if event.action.name in _PLANTED:
            planted += weight
    ankles = joints[:, [INDEX["l_ankle"], INDEX["r_ankle"]]].mean(axis=1) - root
    ankles[:, 1] = 0
    soles = joints[:, [INDEX["l_toe"], INDEX["r_toe"]], 1]
    heels = joints[:, [INDEX["l_ankle"], INDEX["r_ankle"]], 1] - 0.06 * subject.proportions.height
    floor = np.concatenate([soles, heels], axis=1).min(axis=1) - _SOLE_M
    shift = -planted[:, None] * ankles
    shift[:, 1] -= floor
    joints += shift[:, None]

    held = [
        Held(event.action.prop, event.side, weight > 0.35)
        for event, weight in zip(planned, envelopes, strict=True)
        if event.action.prop
    ]
    stools = []
    for event in planned:
        if event.action.name == "sit":
            middle = min(round(0.5 * (event.start_s + event.end_s) * settings.fps), len(time_s) - 1)
            seat = joints[middle, INDEX["hips"]] - [0, 0.11 * subject.proportions.girth, 0]
            stools.append(Stool(seat, float(heading[middle])))
    names = tuple(INDEX)
    return Performance(joints, names, PARENTS, tuple(held), tuple(stools), subject.proportions.girth)


def _idle(subject: Subject, time_s: Floats, rng: np.random.Generator) -> Floats:
    """Standing: a relaxed pose, breathing, swaying and looking around, (n, angles)."""
    wander = smooth_noise(rng, time_s, len(ANGLES), 3.0)
    angles = 1.6 * subject.fidget * wander
    for name, size in (("neck_turn", 14.0), ("neck_bend", 4.0), ("spine_twist", 5.0)):
        angles[:, ANGLE[name]] = size * subject.fidget * wander[:, ANGLE[name]]
    for side in "lr":
        angles[:, ANGLE[f"{side}_shoulder_abduct"]] += 8
        angles[:, ANGLE[f"{side}_elbow_flex"]] += 14 + 3 * wander[:, ANGLE[f"{side}_elbow_flex"]]
        angles[:, ANGLE[f"{side}_hip_abduct"]] += 3
        for name in ("hip_flex", "knee_flex", "ankle_flex"):
            angles[:, ANGLE[f"{side}_{name}"]] *= 0.3
    return angles


def _blend(
    angles: Floats,
    event: Planned,
    weight: Floats,
    subject: Subject,
    spread: float,
    time_s: Floats,
    rng: np.random.Generator,
) -> None:
    """Move `angles` in place towards the event's curves by its envelope."""
    own = np.flatnonzero(weight)
    if not len(own):
        return
    since_s = time_s[own] - event.start_s
    wobble = 0.25 * smooth_noise(rng, time_s[own], 1, 2.5)[:, 0]
    moment = Moment(
        phase=2 * np.pi * since_s / event.period_s + wobble,
        side=event.side,
        other=event.other,
    )
    habits = rng_at(subject.posture_seed, "habit", event.action.name)
    for name, curve in event.action.curves(moment).items():
        column = ANGLE[name]
        offset = spread * float(np.clip(habits.normal(), -2, 2) * 3.5 + np.clip(rng.normal(), -2, 2) * 2.5)
        if "hip" in name or "knee" in name or "ankle" in name:
            offset *= 0.4  # legs carry the body: large offsets would lift a foot
        jitter = spread * smooth_noise(rng, time_s[own], 1, 1.0)[:, 0]
        target = np.asarray(curve) * event.amplitude + offset + jitter
        angles[own, column] += weight[own] * (target - angles[own, column])


def _path(
    subject: Subject,
    planned: Sequence[Planned],
    envelopes: Sequence[Floats],
    time_s: Floats,
    fps: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Position on the floor (n, 2: x, z) and heading (n,) in degrees.

    While walking, the person steers to way points within the room; otherwise it turns back towards where it looked.
    """
    count = len(time_s)
    speed, spin = np.zeros(count), np.zeros(count)
    leg_m = 0.84 * subject.proportions.height * subject.proportions.legs
    for event, weight in zip(planned, envelopes, strict=True):
        if event.action.name == "walk":
            stride_m = 4 * leg_m * np.sin(np.radians(19 * event.amplitude))
            speed += weight * stride_m / event.period_s
        elif event.action.name == "turn":
            way = 360.0 if event.side == "l" else -360.0
            spin += way * smooth_step((time_s - event.start_s) / (event.end_s - event.start_s))
    position, heading = np.empty((count, 2)), np.empty(count)
    here = rng.uniform(-0.4, 0.4, 2)
    home = float(np.clip(rng.normal() * 28, -60, 60))
    turned, rate = home, 0.0
    way_point = rng.uniform(-1, 1, 2) * _ROOM_M
    was_walking = False
    for i in range(count):
        position[i], heading[i] = here, turned
        walking = speed[i] > 0
        if was_walking and not walking:
            home = float(np.clip(rng.normal() * 28, -60, 60))
        was_walking = walking
        if walking:
            ahead = way_point - here
            while np.hypot(*ahead) < 0.3:
                way_point = rng.uniform(-1, 1, 2) * _ROOM_M
                ahead = way_point - here
            wanted = float(np.degrees(np.arctan2(ahead[0], ahead[1])))
        else:
            wanted = home
        error = (wanted - turned + 180) % 360 - 180
        rate += (np.clip(2.5 * error, -130, 130) - rate) * min(1.0, 5.0 / fps)
        turned += rate / fps
        step_m = speed[i] / fps
        here = here + step_m * np.array([np.sin(np.radians(turned)), np.cos(np.radians(turned))])
        here = np.clip(here, -1.1 * np.array(_ROOM_M), 1.1 * np.array(_ROOM_M))
    return position, heading + spin
