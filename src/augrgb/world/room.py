"""The room behind the person and the things in front: painted once per video."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.seeds import rng_at
from augrgb.world.appearance import Light
from augrgb.world.camera import Camera
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Floats

Image = NDArray[np.uint8]
_FINER = 3  # painted at this multiple of the frame size, then averaged: smooth edges
_HALF_M, _WALL_M = 3.0, 2.6  # half the room's side, its height
_NEAR_M = 0.15


@dataclass(frozen=True, slots=True)
class Occluder:
    """Things between camera and person.

    Args:
        image: (H, W, 3) RGB.
        mask: (H, W) uint8, 255 where they hide what is behind.
    """

    image: Image
    mask: Image


class Painter:
    """Paints 3D polygons, lit by one lamp, into an image of `_FINER` times the frame size."""

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera, self.light = camera, light
        self.canvas = np.zeros((camera.height * _FINER, camera.width * _FINER, 3), np.uint8)

    def polygon(self, corners: Floats, color: Floats, normal: tuple[float, float, float] | None = None) -> None:
        """A flat polygon (m, 3) in world meters; with a normal it is shaded and seen from that side only."""
        if normal is not None:
            if np.dot(self.camera.position - corners[0], normal) <= 0:
                return
            facing = max(0.0, float(np.dot(normal, self.light.direction)))
            color = color * (self.light.ambient + (1 - self.light.ambient) * facing)
        seen = _clip_near(self.camera.see(corners))
        if len(seen) >= 3:
            pixels = np.clip(self.camera.project(seen) * _FINER * 16, -(2**20), 2**20)
            points = np.rint(pixels).astype(np.int32)
            cv2.fillPoly(self.canvas, [points], np.clip(color, 0, 255).tolist(), cv2.LINE_AA, shift=4)

    def box(self, low: Floats, high: Floats, color: Floats) -> None:
        """An axis-parallel box between two corners."""
        for axis in range(3):
            for end, sign in ((low, -1.0), (high, 1.0)):
                normal = [0.0, 0.0, 0.0]
                normal[axis] = sign
                u, v = (axis + 1) % 3, (axis + 2) % 3
                corners = np.repeat(np.asarray(end, float)[None], 4, axis=0)
                corners[:, u] = [low[u], high[u], high[u], low[u]]
                corners[:, v] = [low[v], low[v], high[v], high[v]]
                self.polygon(corners, color, (normal[0], normal[1], normal[2]))

    def finished(self) -> Image:
        """The image at frame size."""
        size = (self.camera.width, self.camera.height)
        return np.asarray(cv2.resize(self.canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def paint_room(settings: WorldSettings, camera: Camera, light: Light, video_id: str) -> Image:
    """Walls, floor, furniture, images and texture of one video, (H, W, 3) RGB, lit and tinted."""
    rng = rng_at(settings.seed, "video", video_id, "room")
    clutter = settings.clutter
    painter = Painter(camera, light)
    wall = _color(rng, 0.05 + 0.35 * clutter, 0.78, 0.98)
    floor = _color(rng, 0.15 + 0.3 * clutter, 0.45, 0.75)
    painter.canvas[:] = np.clip(floor * 0.8, 0, 255).astype(np.uint8)
    _floor(painter, floor, clutter, rng)
    for axis, sign in ((0, 1.0), (0, -1.0), (2, 1.0), (2, -1.0)):
        _wall(painter, axis, sign, wall, clutter, rng)
    _furniture(painter, clutter, rng)
    image = painter.finished().astype(np.float64)
    coarse = rng.normal(size=(6, 8, 1)).repeat(3, axis=2)
    shade = cv2.resize(coarse, (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(size=(camera.height, camera.width, 1))
    image *= 1 + 0.05 * (0.4 + clutter) * shade + 0.02 * clutter * grain
    return np.clip(image * light.tint, 0, 255).astype(np.uint8)


def paint_occluder(settings: WorldSettings, camera: Camera, light: Light, video_id: str) -> Occluder | None:
    """A table edge, plant, pillar or chair back in front of the person, or None."""
    rng = rng_at(settings.seed, "video", video_id, "occluder")
    if rng.random() >= settings.occlusion:
        return None
    height, width = camera.height * _FINER, camera.width * _FINER
    image, mask = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    size = 0.6 + 0.5 * settings.occlusion
    color = _color(rng, 0.5, 0.3, 0.7)

    def part(points: list[tuple[float, float]], shade: float, of: Floats = color) -> None:
        pixels = np.rint(np.array(points) * [width, height]).astype(np.int32)
        cv2.fillPoly(image, [pixels], np.clip(of * shade * light.tint, 0, 255).tolist())
        cv2.fillPoly(mask, [pixels], 255)

    kind = int(rng.integers(4))
    if kind == 0:  # the edge of a table
        left, top = float(rng.uniform(-0.2, 0.5)), 1 - 0.26 * size * float(rng.uniform(0.7, 1.2))
        right = left + float(rng.uniform(0.5, 0.9))
        part([(left, top + 0.05), (right, top + 0.05), (right - 0.03, 1), (left + 0.03, 1)], 0.6)
        part([(left + 0.05, top - 0.03), (right - 0.05, top - 0.03), (right, top + 0.05), (left, top + 0.05)], 1.0)
    elif kind == 1:  # a pot plant
        x, green = float(rng.choice([rng.uniform(0.08, 0.32), rng.uniform(0.68, 0.92)])), _color(rng, 0.7, 0.3, 0.6)
        green = np.array([0.35, 1.0, 0.4]) * green.max()
        part([(x - 0.06, 0.84), (x + 0.06, 0.84), (x + 0.045, 1), (x - 0.045, 1)], 0.9)
        for angle in rng.uniform(-1.25, 1.25, 11):
            reach = size * float(rng.uniform(0.25, 0.5))
            tip = (x + 0.6 * reach * np.sin(angle), 0.86 - reach * np.cos(angle))
            bow = (x + 0.22 * reach * np.sin(angle), 0.86 - 0.6 * reach * np.cos(angle))
            part(
                [(x, 0.86), (bow[0] + 0.022, bow[1] + 0.02), tip, (bow[0] - 0.022, bow[1])], rng.uniform(0.6, 1), green
            )
    elif kind == 2:  # a door frame or pillar
        half = 0.045 * size * float(rng.uniform(0.7, 1.3))
        x = float(rng.choice([rng.uniform(0.12, 0.36), rng.uniform(0.64, 0.88)]))
        part([(x - half, 0), (x + half, 0), (x + half, 1), (x - half, 1)], 1.0)
        part([(x + 0.4 * half, 0), (x + half, 0), (x + half, 1), (x + 0.4 * half, 1)], 0.7)
    else:  # the back of a chair
        x, top, half = float(rng.uniform(0.2, 0.8)), 1 - 0.36 * size * float(rng.uniform(0.7, 1.15)), 0.11 * size
        for bar in np.linspace(-1, 1, 4):
            at = x + bar * half
            part([(at - 0.012, top), (at + 0.012, top), (at + 0.012, 1), (at - 0.012, 1)], 0.8)
        part(
            [
                (x - half - 0.02, top),
                (x + half + 0.02, top),
                (x + half + 0.02, top + 0.06),
                (x - half - 0.02, top + 0.06),
            ],
            1,
        )
    small = (camera.width, camera.height)
    covered = cv2.resize(mask, small, interpolation=cv2.INTER_AREA)
    weight = np.maximum(cv2.resize(mask.astype(np.float64), small, interpolation=cv2.INTER_AREA), 1e-9)[..., None]
    colors = cv2.resize(image.astype(np.float64), small, interpolation=cv2.INTER_AREA) * 255 / weight
    hard = np.where(covered > 127, 255, 0).astype(np.uint8)
    return Occluder(np.clip(colors, 0, 255).astype(np.uint8), hard)


def _color(rng: np.random.Generator, saturation: float, low: float, high: float) -> Floats:
    hue = rng.uniform(0.02, 0.16) if rng.random() < 0.6 else rng.random()  # rooms are mostly warm
    return np.array(colorsys.hsv_to_rgb(hue, saturation * rng.random(), rng.uniform(low, high))) * 255


def _clip_near(seen: Floats) -> Floats:
    """The part of a polygon (m, 3) in camera axes that lies in front of the camera."""
    result = []
    for here, after in zip(seen, np.roll(seen, -1, axis=0), strict=True):
        if here[2] >= _NEAR_M:
            result.append(here)
        if (here[2] >= _NEAR_M) != (after[2] >= _NEAR_M):
            share = (_NEAR_M - here[2]) / (after[2] - here[2])
            result.append(here + share * (after - here))
    return np.array(result)


def _floor(painter: Painter, color: Floats, clutter: float, rng: np.random.Generator) -> None:
    up = (0.0, 1.0, 0.0)
    edge = _HALF_M
    painter.polygon(np.array([(-edge, 0, -edge), (edge, 0, -edge), (edge, 0, edge), (-edge, 0, edge)]), color, up)
    along_x = rng.random() < 0.5
    for at in np.arange(-edge, edge, float(rng.uniform(0.25, 0.6))):
        line = np.array([(at, 0, -edge), (at + 0.025, 0, -edge), (at + 0.025, 0, edge), (at, 0, edge)])
        painter.polygon(line[:, ::-1] if along_x else line, color * (1 - 0.25 * clutter), up)
    if rng.random() < clutter + 0.2:
        x, z, half_x, half_z = (
            rng.uniform(-0.5, 0.5),
            rng.uniform(-0.5, 0.5),
            rng.uniform(0.7, 1.4),
            rng.uniform(0.5, 1.1),
        )
        rug = _color(rng, 0.8, 0.35, 0.8)
        for shrink, shade in ((1.0, 0.8), (0.88, 1.0)):
            a, b = half_x * shrink, half_z * shrink
            painter.polygon(
                np.array([(x - a, 0, z - b), (x + a, 0, z - b), (x + a, 0, z + b), (x - a, 0, z + b)]), rug * shade, up
            )


def _wall(painter: Painter, axis: int, sign: float, color: Floats, clutter: float, rng: np.random.Generator) -> None:
    """The wall at `sign * _HALF_M` on `axis`, with stripes, a skirting board, images or a window."""
    normal = (-sign if axis == 0 else 0.0, 0.0, -sign if axis == 2 else 0.0)

    def panel(low: float, high: float, bottom: float, top: float, paint: Floats, *, lift: float = 0.0) -> None:
        corners = np.zeros((4, 3))
        corners[:, axis] = sign * (_HALF_M - lift)
        corners[:, 2 - axis] = [low, high, high, low]
        corners[:, 1] = [bottom, bottom, top, top]
        painter.polygon(corners, paint, normal)

    panel(-_HALF_M, _HALF_M, 0, _WALL_M, color)
    if rng.random() < 0.7 * clutter:
        pitch = float(rng.uniform(0.25, 0.6))
        for at in np.arange(-_HALF_M, _HALF_M, pitch):
            panel(at, at + 0.45 * pitch, 0, _WALL_M, color * (1 - 0.09 * clutter))
    panel(-_HALF_M, _HALF_M, 0, 0.1, color * 0.7)
    for _ in range(int(rng.integers(0, 1 + round(4 * clutter)))):
        low, bottom = float(rng.uniform(-2.6, 1.8)), float(rng.uniform(1.0, 1.7))
        wide, high = float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.3, 0.7))
        panel(low - 0.04, low + wide + 0.04, bottom - 0.04, bottom + high + 0.04, _color(rng, 0.6, 0.2, 0.5))
        panel(low, low + wide, bottom, bottom + high, _color(rng, 0.9, 0.4, 1.0))
    if rng.random() < 0.35:
        low = float(rng.uniform(-2.2, 1.0))
        panel(low - 0.06, low + 1.26, 0.94, 2.26, np.array([236.0, 234, 228]))
        sky = np.array([205.0, 228, 250])
        panel(low, low + 0.57, 1.0, 2.2, sky)
        panel(low + 0.63, low + 1.2, 1.0, 2.2, sky)


def _furniture(painter: Painter, clutter: float, rng: np.random.Generator) -> None:
    """Boxes along the walls behind the person, far ones first."""
    forward = painter.camera.axes[2]
    boxes = []
    for _ in range(round(9 * clutter)):
        along, wide = float(rng.uniform(-2.5, 2.1)), float(rng.uniform(0.4, 1.1))
        deep, high = float(rng.uniform(0.35, 0.6)), float(rng.choice([0.45, 0.75, 0.95, 1.9]) * rng.uniform(0.9, 1.1))
        low, top = np.array([along, 0.0, -_HALF_M + 0.02]), np.array([along + wide, high, -_HALF_M + deep])
        side = int(rng.integers(4))
        if side % 2:
            low, top = low[::-1].copy(), top[::-1].copy()
        if side >= 2:
            mirror = np.array([-1.0, 1, 1]) if side % 2 else np.array([1.0, 1, -1])
            low, top = np.minimum(low * mirror, top * mirror), np.maximum(low * mirror, top * mirror)
        color, shelf = _color(rng, 0.8, 0.25, 0.85), bool(rng.random() < 0.5)
        depth = float(np.dot(0.5 * (low + top) - painter.camera.position, forward))
        if depth > float(np.dot(-painter.camera.position, forward)) + 0.7:
            boxes.append((depth, low, top, color, shelf))
    for _, low, top, color, shelf in sorted(boxes, key=lambda item: -item[0]):
        painter.box(low, top, color)
        if shelf:
            item_low, item_top = low + 0.3 * (top - low), top - 0.3 * (top - low)
            item_low[1], item_top[1] = top[1], top[1] + float(rng.uniform(0.12, 0.4))
            painter.box(item_low, item_top, _color(rng, 0.9, 0.3, 0.9))
