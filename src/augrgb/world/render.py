"""Frames of a performance: the room painted once, then shadow, stools, figure, occluder, light and noise per frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.seeds import rng_at
from augrgb.world.appearance import Light, Look
from augrgb.world.body import ROLE
from augrgb.world.camera import Camera
from augrgb.world.figure import body_scale, capsule_outlines, figure_points, lambert, make_capsules, shine_shift
from augrgb.world.motion import Performance, Stool
from augrgb.world.room import Image, Occluder
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Floats

_SUBPIXEL = 4  # bits: coordinates are given to OpenCV in 1/16 pixel
_CHUNK = 150  # frames whose shapes are computed at a time, so that memory does not grow with the video
_NOISE_IMAGES = 6
_Shape = tuple[NDArray[np.int32], list[float]]


def render_frames(
    settings: WorldSettings,
    performance: Performance,
    camera: Camera,
    look: Look,
    light: Light,
    room: Image,
    occluder: Occluder | None,
    video_id: str,
) -> Iterator[Image]:
    """Yield each frame of a video as (H, W, 3) uint8 RGB."""
    count = len(performance.joints)
    sensor = Sensor(settings, video_id)
    stools = [_stool_shapes(stool, camera, light) for stool in performance.stools]
    for first in range(0, count, _CHUNK):
        own = slice(first, min(first + _CHUNK, count))
        held = tuple(replace(item, shown=item.shown[own]) for item in performance.held)
        part = replace(performance, joints=performance.joints[own], held=held)
        drawings = _drawings(settings, part, camera, look, light, stools)
        for number, shapes in enumerate(drawings, start=first):
            frame = room.copy()
            shadow = shapes[0][0]
            _darken(frame, shadow)
            for outline, color in shapes[1:]:
                cv2.fillConvexPoly(frame, outline, color, cv2.LINE_AA, _SUBPIXEL)
            if occluder is not None:
                cv2.copyTo(occluder.image, occluder.mask, frame)
            yield sensor.record(frame, float(light.flicker[number]))


class Sensor:
    """The RGB camera's blur and noise; noise images are drawn once and shifted at random for every frame."""

    def __init__(self, settings: WorldSettings, video_id: str) -> None:
        self._rng = rng_at(settings.seed, "video", video_id, "sensor")
        self._blur = 0.35 + 0.45 * settings.sensor_noise
        self._height, self._width = settings.height, settings.width
        shape = (_NOISE_IMAGES, self._height + 32, self._width + 32, 3)
        grain = self._rng.standard_normal(shape, dtype=np.float32) * (9.0 * settings.sensor_noise)
        self._noise = np.rint(grain).astype(np.int16)

    def record(self, frame: Image, brightness: float) -> Image:
        """The frame as the camera delivers it."""
        soft = cv2.convertScaleAbs(cv2.GaussianBlur(frame, (3, 3), self._blur), alpha=brightness)
        which, y, x = self._rng.integers((_NOISE_IMAGES, 33, 33)).tolist()
        noise = self._noise[which, y : y + self._height, x : x + self._width]
        return np.asarray(cv2.add(soft, noise, dtype=cv2.CV_8U), np.uint8)


def _drawings(
    settings: WorldSettings,
    performance: Performance,
    camera: Camera,
    look: Look,
    light: Light,
    stools: list[tuple[float, list[_Shape]]],
) -> Iterator[list[_Shape]]:
    """For each frame the shapes from far to near; the first is the shadow on the floor."""
    capsules = make_capsules(performance, look, settings.object_size)
    outline, shine, depth = capsule_outlines(capsules, camera)
    shine = shine + shine_shift(capsules, camera, light)[:, :, None]
    shade = lambert(capsules, camera, light)[..., None] * capsules.colors * light.tint
    edge_colors = np.clip(0.74 * shade, 0, 255).tolist()
    shine_colors = np.clip(1.06 * shade + 4, 0, 255).tolist()
    outlines, shines = _fixed(outline), _fixed(shine)

    points = figure_points(performance)
    torso, pattern, torso_depth, torso_shade = _torso(points, camera, light, performance.girth)
    shadows = _fixed(_shadow(points, camera))
    shape_count = depth.shape[1]
    stool_depth = np.broadcast_to([d + 0.3 for d, _ in stools], (len(depth), len(stools)))
    order = np.argsort(-np.concatenate([depth, torso_depth[:, None], stool_depth], axis=1), axis=1, kind="stable")
    shown = capsules.shown.tolist()
    for i, ranks in enumerate(order.tolist()):
        shapes: list[_Shape] = [(shadows[i], [])]
        for s in ranks:
            if s < shape_count:
                if shown[i][s]:
                    shapes.append((outlines[i, s], edge_colors[i][s]))
                    shapes.append((shines[i, s], shine_colors[i][s]))
            elif s == shape_count:
                shapes.extend(_torso_shapes(torso[i], pattern[i], look, torso_shade[i], light))
            else:
                shapes.extend(stools[s - shape_count - 1][1])
        yield shapes


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Pixels to OpenCV's fixed point, far-away points pulled in to stay in range."""
    return np.rint(np.clip(points, -4000, 8000) * (1 << _SUBPIXEL)).astype(np.int32)


def _hull(points: Floats) -> NDArray[np.int32]:
    return np.asarray(cv2.convexHull(_fixed(points))[:, 0], np.int32)


def _darken(frame: Image, polygon: NDArray[np.int32]) -> None:
    """A soft contact shadow: the floor within the polygon at 70 percent."""
    height, width = frame.shape[:2]
    low = np.maximum(polygon.min(axis=0) >> _SUBPIXEL, 0)
    high = np.minimum((polygon.max(axis=0) >> _SUBPIXEL) + 2, [width, height])
    if (high <= low).any():
        return
    view = frame[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(view.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, polygon - (low << _SUBPIXEL).astype(np.int32), 255, cv2.LINE_8, _SUBPIXEL)
    view[mask > 0] = cv2.convertScaleAbs(view, alpha=0.7)[mask > 0]


def _shadow(points: Floats, camera: Camera) -> Floats:
    """An ellipse on the floor around the feet and hips, pixels (n, 14, 2)."""
    feet = points[:, [ROLE["l_ankle"], ROLE["r_ankle"], ROLE["hips"]]]
    center, reach = feet.mean(axis=1), 0.24 + 0.25 * np.ptp(feet, axis=1)
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    ring = np.zeros((len(points), 14, 3))
    ring[..., 0] = center[:, None, 0] + reach[:, None, 0] * np.cos(turn)
    ring[..., 2] = center[:, None, 2] + reach[:, None, 2] * np.sin(turn)
    return camera.project(camera.see(ring))


def _torso(points: Floats, camera: Camera, light: Light, girth: float) -> tuple[Floats, Floats, Floats, Floats]:
    """The trunk: discs (n, 32, 2) whose hull it is, its four corners (n, 4, 2), depth (n,) and brightness (n,)."""
    thick = body_scale(points) * girth
    corners = points[:, [ROLE["l_shoulder"], ROLE["r_shoulder"], ROLE["r_hip"], ROLE["l_hip"]]].copy()
    middle = corners.mean(axis=1, keepdims=True)
    corners[:, :2] += 0.12 * (middle - corners[:, :2])
    corners[:, 2:] += 0.16 * (corners[:, 1::-1] - corners[:, 2:])
    seen = camera.see(corners)
    pixels = camera.project(seen)
    radius = camera.focal_px * thick * np.array([0.075, 0.075, 0.1, 0.1]) / np.maximum(seen[..., 2], 0.1)
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    disc = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    outline = pixels[:, :, None] + radius[..., None, None] * disc
    left, up = corners[:, 0] - corners[:, 1], corners[:, :2].mean(axis=1) - corners[:, 2:].mean(axis=1)
    front = np.cross(left, up)
    front /= np.maximum(np.linalg.norm(front, axis=1, keepdims=True), 1e-9)
    to_camera = camera.position - middle[:, 0]
    front *= np.where(np.sum(front * to_camera, axis=1, keepdims=True) >= 0, 1.0, -1.0)
    facing = np.clip(0.25 + 0.75 * (front @ light.direction), 0, 1)
    shade = light.ambient + (1 - light.ambient) * facing
    return outline.reshape(len(points), -1, 2), pixels, seen[..., 2].mean(axis=1), shade


def _torso_shapes(discs: Floats, corners: Floats, look: Look, shade: float, light: Light) -> list[_Shape]:
    hull = _hull(discs)
    middle = hull.mean(axis=0)
    inner = np.rint(middle + 0.72 * (hull - middle)).astype(np.int32)
    base = look.shirt * light.tint * shade
    shapes: list[_Shape] = [(hull, _rgb(0.78 * base)), (inner, _rgb(1.04 * base))]
    accent = _rgb(look.accent * light.tint * shade)
    left_top, right_top, right_low, left_low = corners
    if look.pattern == "stripes":
        for at in (0.08, 0.4, 0.72):
            a, b = at, at + 0.15
            band = [
                left_top + a * (left_low - left_top),
                right_top + a * (right_low - right_top),
                right_top + b * (right_low - right_top),
                left_top + b * (left_low - left_top),
            ]
            shapes.append((_fixed(np.array(band)), accent))
    elif look.pattern == "vest":
        middle_top, middle_low = 0.5 * (left_top + right_top), 0.5 * (left_low + right_low)
        strip = [
            middle_top + 0.3 * (left_top - middle_top),
            middle_top + 0.3 * (right_top - middle_top),
            middle_low + 0.3 * (right_low - middle_low),
            middle_low + 0.3 * (left_low - middle_low),
        ]
        shapes.append((_fixed(np.array(strip)), accent))
    return shapes


def _stool_shapes(stool: Stool, camera: Camera, light: Light) -> tuple[float, list[_Shape]]:
    """A stool's depth and its shapes: legs, then the seat's side and top."""
    turn = np.radians(45 + 90 * np.arange(4) + stool.heading)
    ring = np.stack([np.sin(turn), np.zeros(4), np.cos(turn)], axis=-1)
    wood = np.array([150.0, 105, 62]) * light.tint
    seat = stool.center + 0.24 * ring
    shapes: list[_Shape] = []
    for foot in ring:
        top, low = stool.center + 0.2 * foot, stool.center + 0.22 * foot
        low[1] = 0
        line = camera.project(camera.see(np.stack([top, low])))
        wide = np.array([0.02 * camera.focal_px / 4, 0])
        shapes.append(
            (_fixed(np.stack([line[0] - wide, line[0] + wide, line[1] + wide, line[1] - wide])), _rgb(0.5 * wood))
        )
    slab = np.concatenate([seat, seat - [0, 0.06, 0]])
    shapes.append((_hull(camera.project(camera.see(slab))), _rgb(0.65 * wood)))
    lit = light.ambient + (1 - light.ambient) * light.direction[1]
    shapes.append((_fixed(camera.project(camera.see(seat))), _rgb(lit * wood)))
    return float(camera.see(stool.center)[2]), shapes


def _rgb(color: Floats) -> list[float]:
    return np.clip(color, 0, 255).tolist()  # type: ignore[no-any-return]
