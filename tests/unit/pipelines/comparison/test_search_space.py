from pathlib import Path
from typing import Any

import pytest
import yaml

from augrgb.core.errors import AugrgbError
from augrgb.pipelines.compare import plan_comparison
from augrgb.pipelines.comparison.graph import ancestors, rounds
from augrgb.pipelines.comparison.load import check_comparison, load_comparison
from augrgb.pipelines.comparison.search_space import grid_of, grid_size, trials_of
from augrgb.pipelines.comparison.values import Places, encoder_values, stream_values
from support.toy_comparison import toy_values

GRID = {"train.learning_rate": [1e-3, 1e-2], "train.weight_decay": [0.01, 0.1], "scale": [0.3, 1.0, 3.0]}


def searched(tmp_path: Path, **section: Any) -> Any:
    values = toy_values(tmp_path)
    values["search"] = {"seeds": [100, 101], "budget": 4, "grid": dict(GRID), **section}
    return values


def told(values: Any) -> Any:
    with pytest.raises(AugrgbError) as caught:
        check_comparison(values, where="c.yaml")
    return str(caught.value)


def test_a_budget_is_spread_evenly_over_the_values() -> None:
    grid = {"a": [1, 2, 3], "b": [1, 2], "c": ["x", "y"]}
    trials = trials_of(grid, 6)
    assert len(trials) == 6 == len({tuple(one.items()) for one in trials})
    for key, values in grid.items():
        assert [sum(one[key] == value for one in trials) for value in values] == [6 // len(values)] * len(values)  # type: ignore[attr-defined]
    assert trials == trials_of(grid, 6) and len(trials_of(grid, 99)) == grid_size(grid) == 12
    assert trials_of({}, 1) == [{}]


def test_every_method_makes_as_many_trials_and_untaught_ones_have_no_scale(tmp_path: Path) -> None:
    recipe = check_comparison(searched(tmp_path))
    assert {key: len(recipe.trials(key)) for key in recipe.methods} == {"rgb": 4, "logits": 4, "pose": 4}
    assert all("scale" not in one for one in recipe.trials("rgb"))
    assert all("scale" in one for one in recipe.trials("logits"))
    assert grid_of({"a": [1]}, {"a": [2, 3]}, taught=False) == {"a": [2, 3]}


def test_settings_reach_the_recipe_of_the_cell(tmp_path: Path) -> None:
    recipe = check_comparison(searched(tmp_path))
    tried = recipe.settled({"logits": {"scale": 3.0, "train.weight_decay": 0.1, "losses.logit_kd.temperature": 2.0}})
    values = stream_values(tried, Places(tmp_path, recipe), "logits", 0)
    assert values["distill"]["losses"] == {"logit_kd": {"weight": 3.0, "temperature": 2.0}}
    assert values["train"]["weight_decay"] == 0.1 and values["train"]["steps"] == 6
    assert stream_values(tried, Places(tmp_path, recipe), "rgb", 0)["train"].get("weight_decay") is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("search/seeds", [1, 100], "search.seeds: seed 1 is of the tests too"),
        ("search/seeds", [100, 100], "search.seeds: something is listed twice"),
        ("search/encoder_seed", 7, "search.encoder_seed: 7 is none of the seeds of the search"),
        ("search/protocol", "frame-map/presnt", "search.protocol: no such protocol"),
        ("search/role", "test", "search.role"),
        ("search/budget", 5, "methods.rgb: its grid holds 4 settings, but every method makes 5 trials"),
        ("methods/rgb/trials", 5, "methods.rgb.trials: 5 trials of a grid with 4 settings"),
        ("methods/rgb/grid", {"train.stepz": [1, 2]}, "search of rgb: train.stepz: no such key"),
        ("methods/rgb/grid", {"train.steps": [1, 0]}, "search of rgb: train.steps: Input should be greater than 0"),
        ("methods/logits/grid", {"scale": [0, 1, 2]}, "search of logits: scale: Input should be greater than 0"),
        ("methods/rgb/grid", {"encoder": ["nowhere"]}, "search of rgb: encoder: no such encoder as 'nowhere'"),
        ("methods/rgb/grid", {"data.*.x.*": [1]}, "search of rgb"),
    ],
)
def test_each_mistake_of_a_search_is_named(tmp_path: Path, path: Any, value: Any, expected: Any) -> None:
    values = searched(tmp_path)
    *sections, last = path.split("/")
    place = values
    for section in sections:
        place = place[section]
    place[last] = value
    assert expected in told(values)


def test_fewer_trials_must_be_said_outright(tmp_path: Path) -> None:
    values = searched(tmp_path)
    values["methods"]["rgb"]["grid"] = {"train.weight_decay": None}
    assert "methods.rgb: its grid holds 2 settings" in told(values)
    values["methods"]["rgb"]["trials"] = 2
    assert len(check_comparison(values).trials("rgb")) == 2
    values["methods"]["pose"]["trials"] = 0
    assert check_comparison(values).trials("pose") == []


def test_a_search_can_be_left_out(tmp_path: Path) -> None:
    values = searched(tmp_path)
    values["methods"]["rgb"]["grid"] = {"train.steps": [1]}
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(values))
    assert load_comparison(path, ["search=null"]).trials("rgb") == []
    del values["search"]
    assert "methods.rgb: has a grid or trials, but there is no search" in told(values)


def with_taught_encoders() -> Any:
    return {
        "stream": {"data": {"dataset": "d", "split": "s"}},
        "encoders": {
            "pose": {"encoder": {"small_pose": {}}, "seeds": "shared"},
            "rgb": {"encoder": {"small_rgb": {}}},
            "taught": {
                "encoder": {"small_rgb": {}},
                "distill": {"teachers": ["pose"], "streams": {"stream": "pose"}, "losses": {"atomic_contrastive": {}}},
            },
            "twice": {"encoder": {"small_rgb": {}}, "distill": {"teachers": ["taught"], "losses": {"mars": {}}}},
        },
        "methods": {
            "rgb": {"encoder": "rgb"},
            "pose": {"encoder": "pose"},
            "one": {"encoder": "taught", "teachers": ["pose"], "losses": {"logit_kd": {}}},
            "two": {"encoder": "twice", "teachers": ["one"], "losses": {"logit_kd": {}}},
        },
        "baseline": "rgb",
        "seeds": [3],
    }


def test_streams_that_teach_encoders_come_first(tmp_path: Path) -> None:
    values = with_taught_encoders()
    del values["methods"]["two"]
    recipe = check_comparison(values)
    places = Places(tmp_path / "out", recipe, tmp_path / "kept")
    distill = encoder_values(recipe, places, "taught", 3)["distill"]
    assert distill["streams"] == {"stream": str(tmp_path / "kept" / "streams" / "pose-3")}
    assert places.stream("rgb", 3) == tmp_path / "kept" / "streams" / "rgb-3"
    assert places.evaluation("rgb", 3) == tmp_path / "kept" / "evaluation" / "rgb-3.json"
    jobs = {job.name: job for job in plan_comparison(recipe, tmp_path / "out").jobs}
    assert jobs["encoder taught-3"].after == ("encoder pose", "stream pose-3")
    assert jobs["stream pose-3"].after == ("features pose",)
    assert ancestors(recipe, "one") == {"pose"}
    assert rounds(recipe) == [["rgb", "pose"], ["one"]]


def test_circles_through_encoders_are_found() -> None:
    values = with_taught_encoders()
    del values["methods"]["two"]
    values["encoders"]["pose"] = {
        "encoder": {"small_pose": {}},
        "distill": {"streams": {"s": "one"}, "losses": {"mars": {}}},
    }
    text = told(values)
    assert "encoders.pose: teaches itself" in text and "methods.one" in text


def test_encoders_of_a_search_can_be_those_of_one_seed() -> None:
    values = with_taught_encoders()
    del values["methods"]["two"]
    values["search"] = {"seeds": [100, 101], "encoder_seed": 100, "budget": 2, "grid": {"train.steps": [3, 4]}}
    recipe = check_comparison(values)
    places = Places(Path("out"), recipe)
    assert places.cell("rgb", 101) == "rgb-100" and places.cell("rgb", 3) == "rgb-3"
    assert encoder_values(recipe, places, "rgb", 101)["seed"] == 100


def test_encoders_of_a_search_can_be_those_of_a_test_seed_unless_streams_teach_them() -> None:
    values = with_taught_encoders()
    del values["methods"]["two"]
    seed = values["seeds"][0] if isinstance(values["seeds"], list) else 0
    values["search"] = {"seeds": [100], "encoder_seed": seed, "budget": 2, "grid": {"train.steps": [3, 4]}}
    assert "are taught by streams, which are searched first" in told(values)
    for entry in values["encoders"].values():
        if "streams" in entry.get("distill", {}):
            del entry["distill"]
    recipe = check_comparison(values)
    assert Places(Path("out"), recipe).cell("rgb", 100) == f"rgb-{seed}"


def test_a_recipe_may_stand_on_a_base(tmp_path: Path) -> None:
    values = toy_values(tmp_path)
    methods = values.pop("methods")
    common = {**values, "methods": {"rgb": methods.pop("rgb")}}
    (tmp_path / "common.yaml").write_text(yaml.safe_dump(common, sort_keys=False))
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"base": "common.yaml", "seeds": 3, "methods": methods}, sort_keys=False))
    recipe = load_comparison(path, ["stream.data.dataset=elsewhere"])
    assert list(recipe.methods) == ["rgb", "logits", "pose"] and recipe.seeds == [0, 1, 2]
    assert recipe.stream["data"]["dataset"] == "elsewhere"
