"""Videos held out by what they share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from augrgb.annotations.shared_units import hold_out, seen_in_training, shared_units, with_scenes
from augrgb.core.errors import UsageFault
from augrgb.core.types import Event, VideoRecord


def videos(count: int = 12, **known: Any) -> dict[str, VideoRecord]:
    """Two classes that alternate; `scene=4` gives four scenes in turn."""
    found = {}
    for number in range(count):
        more = {key: f"{key}{number % values}" for key, values in known.items()}
        found[f"v{number:02}"] = VideoRecord(f"v{number:02}", 10.0, events=(Event("ab"[number % 2], 0, 1),), **more)
    return found


def test_scenes_go_before_people_and_cameras_unless_asked() -> None:
    known = videos(scene=3, subject=4, camera=6)
    assert shared_units(known, list(known)).by == "scene"
    people = shared_units(known, list(known), first="person")
    assert people.by == "person" and people.many == "people" and len(people.groups) == 4
    assert shared_units(videos(camera=3), list(known)).by == "camera"


def test_too_few_or_unknown_values_fall_back() -> None:
    two = shared_units(videos(scene=2, subject=3), list(videos()))
    assert two.by == "person" and two.scarce == "2 scenes are too few to hold one out; "
    known = videos(scene=3)
    known["v05"] = VideoRecord("v05", 10.0)
    alone = shared_units(known, list(known))
    assert alone.by == "video" and [len(group) for group in alone.groups] == [1] * 12


@pytest.mark.parametrize("seed", range(5))
def test_whole_groups_are_held_out_and_every_class_stays(seed: int) -> None:
    known = videos(20, scene=5)
    known["v00"] = VideoRecord("v00", 10.0, events=(Event("rare", 0, 1),), scene="scene0")
    units = shared_units(known, list(known))
    held = hold_out(units, known, 0.2, np.random.default_rng(seed).permutation(5).tolist())
    assert held is not None and len(held) == 4
    assert "v00" not in held  # the only video of its class, so its whole scene stays
    scenes = {known[name].scene for name in held}
    assert not scenes & {video.scene for name, video in known.items() if name not in held}


def test_nothing_is_held_out_where_every_scene_has_a_class_of_its_own() -> None:
    known = {
        f"v{n}": VideoRecord(f"v{n}", 1.0, events=(Event(f"c{n // 3}", 0, 1),), scene=str(n // 3)) for n in range(9)
    }
    assert hold_out(shared_units(known, list(known)), known, 0.3, range(3)) is None


def test_scenes_from_names() -> None:
    known = {name: VideoRecord(name) for name in ("Run_11_2", "Sit_4_1")}
    assert [video.scene for video in with_scenes(known, r"_(\d+)_").values()] == ["11", "4"]
    assert [video.scene for video in with_scenes(known, r"^[A-Z]").values()] == ["R", "S"]
    for pattern in ("(", r"_(\d)_", "x"):
        with pytest.raises(UsageFault, match="E-SPL-014"):
            with_scenes(known, pattern)


def test_validation_in_scenes_of_training_is_named() -> None:
    known = videos(6, scene=3)
    assert seen_in_training(known, ["v00", "v01"], ["v02", "v05"]) == ""
    assert seen_in_training(known, ["v00", "v01"], ["v03", "v05"]).startswith("1 of 2 validation videos")
    assert seen_in_training(known, ["v00"], []) == ""
    assert seen_in_training(videos(6), ["v00"], ["v01"]) == "", "scenes that nobody knows"
