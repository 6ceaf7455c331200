"""The plan of a fit: what it says, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.pipelines.fitting.design import make_design
from augrgb.pipelines.fitting.plan import Plan, make_plan
from augrgb.pipelines.fitting.project import Project
from augrgb.pipelines.fitting.recipe import key_of, make_recipe
from augrgb.pipelines.fitting.speed import Speed

SPEED = Speed(0.02, 0.1, 1.0, 0.1, 0.03, plain_bytes=60e6, large_bytes=110e6, frame_pixels=1280 * 720)


def plan(
    budget_s: float | None = None, workers: int = 2, lengths: Mapping[str, float] | None = None, **project: Any
) -> Plan:
    names = [f"v{number}" for number in range(6)]
    videos = {
        name: VideoRecord(name, (lengths or {}).get(name, 100.0), events=(Event("drink", 1.0, 2.0),)) for name in names
    }
    roles = {"train": tuple(names), "encoder": tuple(names), "val": (), "test": ()}
    values = {"dataset": "x", "split": "s", "clock": {"fps": 15, "window": 8, "stride": 8}, **project}
    chosen = Project.model_validate({**values, "folds": [names[:2], names[2:4], names[4:]]})
    dataset = Dataset("x", ("drink",), videos, {"s": roles})
    design = make_design(chosen, dataset)
    return make_plan(chosen, design, dataset, SPEED, budget_s=budget_s, workers=workers)


def stage(of: Plan, name: str) -> Any:
    return next(one for one in of.stages if one.name == name)


def test_each_stage_says_how_many_models_with_how_many_steps_and_what_memory_they_need() -> None:
    found = plan()
    assert stage(found, "encoders").choice == "11 encoders, 1200 steps each"
    assert stage(found, "streams").choice == "11 streams, 200 steps each, 5 layers"
    assert found.memory_bytes == stage(found, "encoders").memory_bytes  # the most at once, not a sum
    assert 1.2e9 < found.memory_bytes < 1.6e9 and 0.7e9 < plan(workers=1).memory_bytes < 0.95e9
    assert 0.3e9 < stage(found, "frames").memory_bytes < 0.6e9


def test_a_pretrained_encoder_that_does_not_fit_gives_way_with_all_that_it_costs() -> None:
    whole = plan(encoder="efficientnet_lite")
    assert stage(whole, "encoders").choice == "11 encoders, 1200 steps each (300 of RGB); RGB: efficientnet_lite"
    short = plan(0.08 * whole.seconds, encoder="efficientnet_lite")
    assert short.project.encoder == "small" and "efficientnet_lite would not fit" in stage(short, "encoders").reason
    assert stage(short, "features").seconds < 0.2 * stage(whole, "features").seconds
    assert short.seconds <= 0.08 * whole.seconds


def test_streams_of_a_long_video_cost_more_because_batches_are_padded() -> None:
    short, long = (
        stage(plan(workers=1, lengths=dict.fromkeys(names, n)), "streams").seconds
        for names, n in (([f"v{number}" for number in range(6)], 20.0), (["v0"], 3600.0))
    )
    assert 40 < long / short < 52  # as measured, and 6 of 8 videos of 6,750 snippets where 100 were measured


def test_an_encoder_that_sees_motion_goes_on_from_the_flow_teacher_of_its_split(tmp_path: Path) -> None:
    found = plan(encoder="motion")
    assert stage(found, "encoders").choice == "11 encoders, 1200 steps each; RGB: motion"
    assert stage(found, "encoders").seconds > 3 * stage(plan(), "encoders").seconds  # SPEED: ten times a step
    recipe = make_recipe(found.project, found.design, ("flow", "pose"), found.steps, tmp_path)
    for split in found.design.splits:
        student = recipe.encoders[key_of("augmented", split, found.design)]
        assert student.encoder == {"small_rgb": {"sees": "motion"}}
        assert student.start == key_of("flow", split, found.design)
        assert list(student.teachers) == [key_of(name, split, found.design) for name in ("flow", "pose")]
        assert recipe.encoders[key_of("rgb", split, found.design)].start is None
