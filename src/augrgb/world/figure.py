"""The person as a list of shaded shapes: tapered capsules around bones, all frames at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.world.appearance import Light, Look
from augrgb.world.body import ROLE, role_indices
from augrgb.world.camera import Camera
from augrgb.world.motion import Held, Performance
from augrgb.world.skeleton import Floats

_LEG_M = 0.84  # thigh and shin of the person for whom the radii below are meant
_ARC = 7  # points on each end of a capsule

# role at either end, radii there in meters, color
_LIMBS = tuple(
    (f"{side}_{start}", f"{side}_{end}", start_m, end_m, color)
    for side in "lr"
    for start, end, start_m, end_m, color in (
        ("hip", "knee", 0.088, 0.062, "trousers"),
        ("knee", "ankle", 0.06, 0.042, "shin"),
        ("ankle", "toe", 0.046, 0.036, "shoes"),
        ("shoulder", "elbow", 0.054, 0.044, "shirt"),
        ("elbow", "wrist", 0.042, 0.032, "forearm"),
    )
)


@dataclass(frozen=True, slots=True)
class Capsules:
    """Shapes in the order of their definition; n frames, S shapes.

    Args:
        start, end: (n, S, 3) meters in world axes.
        start_m, end_m: (S,) radii in meters.
        colors: (S, 3) RGB 0-255, unlit.
        shown: (n, S) bool.
        nearer_m: (S,) added to the depth order: positive = drawn as if nearer by that much.
    """

    start: Floats
    end: Floats
    start_m: Floats
    end_m: Floats
    colors: Floats
    shown: NDArray[np.bool_]
    nearer_m: Floats


def figure_points(performance: Performance) -> Floats:
    """The points that play `body.ROLES`, (n, 17, 3) meters."""
    return performance.joints[:, role_indices(performance.names, "motion")]


def body_scale(points: Floats) -> float:
    """Length of the legs against the person for whom radii are given."""
    thigh = np.linalg.norm(points[0, ROLE["l_hip"]] - points[0, ROLE["l_knee"]])
    shin = np.linalg.norm(points[0, ROLE["l_knee"]] - points[0, ROLE["l_ankle"]])
    return float((thigh + shin) / _LEG_M)


def make_capsules(performance: Performance, look: Look, object_size: float) -> Capsules:
    """Limbs, head, hands and held objects of every frame."""
    points = figure_points(performance)
    count, scale = len(points), body_scale(points)
    thick = scale * performance.girth
    colors = {
        "skin": look.skin,
        "hair": look.hair,
        "shirt": look.shirt,
        "trousers": look.trousers,
        "shoes": look.shoes,
        "forearm": look.shirt if look.long_sleeves else look.skin,
        "shin": look.trousers if look.long_trousers else look.skin,
    }
    shapes: list[tuple[Floats, Floats, float, float, Floats, NDArray[np.bool_], float]] = []
    always = np.ones(count, bool)

    def add(
        start: Floats,
        end: Floats,
        radii: tuple[float, float],
        color: Floats,
        shown: NDArray[np.bool_] = always,
        nearer_m: float = 0.0,
    ) -> None:
        shapes.append((start, end, radii[0], radii[1], color, shown, nearer_m))

    def at(role: str) -> Floats:
        return points[:, ROLE[role]]

    for first, last, start_m, end_m, color in _LIMBS:
        add(at(first), at(last), (start_m * thick, end_m * thick), colors[color])
    add(at("l_hip"), at("r_hip"), (0.098 * thick, 0.098 * thick), colors["trousers"])

    neck_up = _unit(at("head") - at("neck"))
    left = _unit(at("l_shoulder") - at("r_shoulder"))
    ahead = _unit(np.cross(left, neck_up))
    middle = at("head") + 0.085 * scale * neck_up
    add(at("neck") - 0.03 * scale * neck_up, middle, (0.052 * thick, 0.045 * thick), look.skin)
    radius = 0.102 * scale
    add(
        middle - 0.3 * radius * ahead - 0.1 * radius * neck_up,
        middle - 0.15 * radius * ahead + 0.35 * radius * neck_up,
        (radius, 0.97 * radius),
        look.hair,
    )
    add(
        middle + 0.28 * radius * ahead - 0.35 * radius * neck_up,
        middle + 0.22 * radius * ahead + 0.12 * radius * neck_up,
        (0.78 * radius, 0.86 * radius),
        look.skin,
    )
    nose = middle + 1.1 * radius * ahead - 0.1 * radius * neck_up
    add(nose, nose - 0.2 * radius * neck_up, (0.14 * radius, 0.2 * radius), 0.82 * look.skin)

    for side in "lr":
        along = _unit(at(f"{side}_wrist") - at(f"{side}_elbow"))
        add(at(f"{side}_wrist"), at(f"{side}_wrist") + 0.085 * scale * along, (0.036 * thick, 0.04 * thick), look.skin)
    for held in performance.held:
        for start, end, start_m, end_m, color_name, near in _object(held, points, middle, ahead, scale, object_size):
            add(start, end, (start_m, end_m), look.objects[color_name], held.shown, near)

    return Capsules(
        start=np.stack([shape[0] for shape in shapes], axis=1),
        end=np.stack([shape[1] for shape in shapes], axis=1),
        start_m=np.array([shape[2] for shape in shapes]),
        end_m=np.array([shape[3] for shape in shapes]),
        colors=np.stack([shape[4] for shape in shapes]),
        shown=np.stack([shape[5] for shape in shapes], axis=1),
        nearer_m=np.array([shape[6] for shape in shapes]),
    )


def capsule_outlines(capsules: Capsules, camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Outlines and highlights in pixels, (n, S, 14, 2) each, and the depth of each shape in meters, (n, S)."""
    start, end = camera.see(capsules.start), camera.see(capsules.end)
    a, b = camera.project(start), camera.project(end)
    a_px = camera.focal_px * capsules.start_m / np.maximum(start[..., 2], 0.1)
    b_px = camera.focal_px * capsules.end_m / np.maximum(end[..., 2], 0.1)
    along = b - a
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    along = np.where(length > 1e-6, along / np.maximum(length, 1e-6), np.array([1.0, 0.0]))
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    outline = _outline(a, b, a_px, b_px, along, across)
    shine = _outline(a, b, 0.55 * a_px, 0.55 * b_px, along, across)
    depth = 0.5 * (start[..., 2] + end[..., 2]) - capsules.nearer_m
    return outline, shine, depth


def shine_shift(capsules: Capsules, camera: Camera, light: Light) -> Floats:
    """How far highlights move towards the lamp in the image, pixels, (n, S, 2)."""
    lamp = camera.axes @ light.direction
    depth = np.maximum(camera.see(capsules.start)[..., 2], 0.1)
    size_px = camera.focal_px * 0.5 * (capsules.start_m + capsules.end_m) / depth
    return np.asarray(0.38 * size_px[..., None] * np.array([lamp[0], -lamp[1]]))


def lambert(capsules: Capsules, camera: Camera, light: Light) -> Floats:
    """Brightness of the visible side of each capsule, (n, S): ambient plus a cylinder lit from the lamp."""
    axis = _unit(capsules.end - capsules.start)
    to_camera = _unit(camera.position - capsules.start)
    normal = _unit(to_camera - np.sum(to_camera * axis, axis=-1, keepdims=True) * axis)
    facing = np.clip(0.25 + 0.75 * (normal @ light.direction), 0, 1)
    return np.asarray(light.ambient + (1 - light.ambient) * facing)


def _outline(a: Floats, b: Floats, a_px: Floats, b_px: Floats, along: Floats, across: Floats) -> Floats:
    turns = np.linspace(0.5 * np.pi, -0.5 * np.pi, _ARC)
    arcs = []
    for center, radius, sign in ((b, b_px, 1.0), (a, a_px, -1.0)):
        arc = np.cos(turns)[:, None] * along[..., None, :] + np.sin(turns)[:, None] * across[..., None, :]
        arcs.append(center[..., None, :] + sign * radius[..., None, None] * arc)
    return np.concatenate(arcs, axis=-2)


def _object(
    held: Held, points: Floats, head: Floats, ahead: Floats, scale: float, size: float
) -> list[tuple[Floats, Floats, float, float, str, float]]:
    """Capsules of a held object: start, end, radii, color, and how much nearer it is drawn."""
    other = "l" if held.side == "r" else "r"

    def palm(side: str) -> Floats:
        wrist = points[:, ROLE[f"{side}_wrist"]]
        return wrist + 0.1 * scale * _unit(wrist - points[:, ROLE[f"{side}_elbow"]])

    hand, up = palm(held.side), np.array([0.0, 1.0, 0.0])
    s = scale * size
    if held.prop == "cup":
        return [(hand + 0.07 * s * up, hand - 0.06 * s * up, 0.055 * s, 0.04 * s, "cup", 0.06)]
    if held.prop == "phone":
        tilt = _unit(0.6 * up + 0.25 * ahead)
        return [(hand + 0.12 * s * tilt, hand - 0.09 * s * tilt, 0.034 * s, 0.034 * s, "phone", 0.06)]
    if held.prop == "brush":
        towards = _unit(head + 0.1 * scale * ahead - hand)
        return [(hand - 0.06 * s * towards, hand + 0.16 * s * towards, 0.018 * s, 0.022 * s, "brush", 0.1)]
    stick = hand - 0.19 * s * up + 0.05 * s * ahead
    bowl = palm(other) + 0.03 * s * up
    return [
        (hand, stick, 0.013 * s, 0.03 * s, "whisk", 0.03),
        (bowl, bowl - 0.05 * s * up, 0.1 * s, 0.07 * s, "bowl", 0.05),
    ]


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9))
