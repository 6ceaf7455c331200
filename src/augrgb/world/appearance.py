"""How a person and the light look in one video."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from augrgb.core.seeds import rng_at
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Floats

Pattern = Literal["plain", "stripes", "vest"]
_SKINS = ((238, 200, 170), (224, 176, 140), (198, 142, 104), (150, 100, 70), (104, 70, 50))
_HAIRS = ((40, 30, 24), (84, 56, 34), (150, 110, 60), (120, 118, 116), (28, 26, 30))


@dataclass(frozen=True, slots=True)
class Look:
    """Colors of a person, RGB 0-255.

    Args:
        skin, hair, shirt, trousers, shoes, accent: Colors, each (3,).
        pattern: What is on the shirt, in the accent color.
        long_sleeves, long_trousers: Whether forearms and lower legs are covered.
        objects: Color of each held object by name.
    """

    skin: Floats
    hair: Floats
    shirt: Floats
    trousers: Floats
    shoes: Floats
    accent: Floats
    pattern: Pattern
    long_sleeves: bool
    long_trousers: bool
    objects: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp and its surroundings.

    Args:
        direction: (3,) unit vector towards the lamp, world axes.
        ambient: Share of light that comes from everywhere, 0 to 1.
        tint: (3,) factor per color channel; color temperature and brightness together.
        flicker: (n,) factor on the brightness of each frame.
    """

    direction: Floats
    ambient: float
    tint: Floats
    flicker: Floats


def make_look(settings: WorldSettings, subject: str, video_id: str) -> Look:
    """Skin and hair belong to the person, clothes to the video."""
    person = rng_at(settings.seed, "subject", subject, "look")
    skin = np.array(_SKINS[int(person.integers(len(_SKINS)))], float)
    hair = np.array(_HAIRS[int(person.integers(len(_HAIRS)))], float)
    rng = rng_at(settings.seed, "video", video_id, "look")
    vary = settings.clothing

    def cloth(base: tuple[int, int, int], low: float, high: float) -> Floats:
        color = np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.15, 0.85), rng.uniform(low, high))) * 255
        return (1 - vary) * np.array(base, float) + vary * color

    shirt, trousers = cloth((60, 110, 170), 0.4, 0.95), cloth((60, 60, 75), 0.25, 0.7)
    shoes, accent = cloth((45, 40, 40), 0.15, 0.6), cloth((230, 225, 215), 0.5, 1.0)
    patterns: tuple[Pattern, ...] = ("plain", "stripes", "vest")
    pattern = patterns[int(rng.integers(3))] if rng.random() < vary else "plain"
    objects = {
        "cup": cloth((225, 60, 50), 0.75, 1.0),
        "phone": 0.35 * cloth((60, 60, 70), 0.2, 0.5),
        "brush": 255 - 0.4 * (255 - cloth((70, 220, 240), 0.9, 1.0)),
        "whisk": np.array([200.0, 204, 210]),
        "bowl": cloth((235, 225, 200), 0.7, 1.0),
    }
    long_sleeves, long_trousers = bool(rng.random() > 0.5 * vary), bool(rng.random() > 0.25 * vary)
    return Look(skin, hair, shirt, trousers, shoes, accent, pattern, long_sleeves, long_trousers, objects)


def make_light(settings: WorldSettings, video_id: str) -> Light:
    """Direction, brightness, color temperature and slow flicker of a video's light."""
    rng = rng_at(settings.seed, "video", video_id, "light")
    vary = settings.lighting
    azimuth = np.radians(25 + vary * rng.uniform(-110, 110))
    height = np.radians(50 + vary * rng.uniform(-20, 25))
    direction = np.array([np.cos(height) * np.sin(azimuth), np.sin(height), np.cos(height) * np.cos(azimuth)])
    warmth = vary * rng.uniform(-0.16, 0.16)
    brightness = 1.0 + vary * rng.uniform(-0.35, 0.2)
    tint = brightness * np.array([1 + warmth, 1.0, 1 - warmth])
    time_s = np.arange(settings.num_frames) / settings.fps
    phase, period_s = rng.uniform(0, 2 * np.pi), rng.uniform(5, 15)
    flicker = 1 + vary * (0.05 * np.sin(2 * np.pi * time_s / period_s + phase) + 0.012 * rng.normal(size=len(time_s)))
    return Light(direction, 0.55 + 0.12 * vary * rng.uniform(-1, 1), tint, flicker)
