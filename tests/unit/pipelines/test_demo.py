from pathlib import Path

from augrgb.pipelines.compare import plan_comparison
from augrgb.pipelines.comparison.load import load_comparison
from augrgb.pipelines.demo import TINY, TINY_WORLD
from augrgb.recipe.builtin import builtin_path


def test_the_demo_is_a_sound_comparison_without_a_search(tmp_path: Path) -> None:
    recipe = load_comparison(builtin_path("demo"))
    assert recipe.search is None and recipe.featured == "augmented"
    assert [name for name, row in recipe.rows.items() if not row.sensors] == [
        "rgb", "atomic", "global", "boundary", "three", "logits", "encoder", "augmented",
    ]  # fmt: skip
    plan = plan_comparison(recipe, tmp_path)
    assert (plan.encoders, plan.streams, plan.trials) == (2 + 2 * 3, 10 * 3, 0)


def test_the_tiny_demo_trains_every_part_for_a_few_steps(tmp_path: Path) -> None:
    recipe = load_comparison(builtin_path("demo"), [*TINY, "seeds=1"])
    assert recipe.stream["train"]["steps"] == 10 and recipe.encoder["train"]["steps"] == 8
    assert list(recipe.rows) == list(load_comparison(builtin_path("demo")).rows)
    assert TINY_WORLD.duration_s < 10
    assert plan_comparison(recipe, tmp_path).streams == 10
