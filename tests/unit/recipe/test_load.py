from pathlib import Path
from typing import Any

import pytest
import yaml

from augrgb.core.errors import UsageFault
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe, load_recipe

STREAM = {
    "data": {"dataset": "d", "features": {"rgb": "f/rgb", "pose": {"folder": "f/pose"}}},
    "student": {"filter": {"sd_tcn": {"width": 64}}},
    "distill": {
        "teachers": {"pose": "runs/pose"},
        "losses": {"atomic_contrastive": {"weight": 0.1, "temperature": 0.2}},
    },
}


def problems(values: Any, kind: Any = StreamRecipe) -> Any:
    with pytest.raises((UsageFault, Exception)) as caught:
        check_recipe(values, kind)
    return str(caught.value).splitlines()


def test_a_good_recipe_and_its_overrides(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(STREAM))
    recipe = load_recipe(path, StreamRecipe, ["distill.losses.atomic_contrastive.weight=0", "train.steps=7", "seed=3"])
    assert recipe.train.steps == 7 and recipe.seed == 3
    assert recipe.distill.losses["atomic_contrastive"].weight == 0
    assert recipe.distill.losses["atomic_contrastive"].options == {"temperature": 0.2}
    assert str(recipe.data.features["rgb"].folder) == "f/rgb"


def test_every_mistake_is_reported_at_once_with_the_nearest_name() -> None:
    values = {
        "data": {"dataset": "d", "features": {"rgb": "f"}, "splitt": "CS"},
        "student": {"filter": {"sd_tcm": {}}},
        "distill": {
            "teachers": {"pose": "p"},
            "losses": {"boundry_saliency": {}, "atomic_contrastive": {"temprature": 1}},
            "teacher_mixing": {"poze": 1.0},
        },
        "train": {"steps": "many"},
    }
    text = "\n".join(problems(values))
    for expected in (
        "data.splitt: no such key. did you mean 'split'?",
        "student.filter.sd_tcm: no such temporal filter. did you mean 'sd_tcn'?",
        "distill.losses.boundry_saliency: no such loss. did you mean 'boundary_saliency'?",
        "distill.losses.atomic_contrastive.temprature: no such option. did you mean 'temperature'?",
        "distill.teacher_mixing.poze: no such teacher. did you mean 'pose'?",
        "train.steps",
    ):
        assert expected in text, text
    assert len(text.splitlines()) == 6


@pytest.mark.parametrize("key", ["steps", "learning_rate", "batch_size"])
def test_true_is_no_number(key: str) -> None:
    (line,) = problems({**STREAM, "train": {key: True}})
    assert f"train.{key}" in line and "must be a number, not true" in line


def test_option_types_come_from_the_constructor() -> None:
    values = {**STREAM, "student": {"filter": {"sd_tcn": {"width": "wide"}}}}
    assert any("student.filter.sd_tcn.width" in line for line in problems(values))


def test_missing_keys_and_two_filters() -> None:
    assert "data: this key is required" in problems({})[0]
    values = {**STREAM, "student": {"filter": {"sd_tcn": {}, "linear": {}}}}
    assert any("choose one temporal filter" in line for line in problems(values))


def test_long_videos_are_cut_in_streams_only() -> None:
    assert check_recipe(STREAM, StreamRecipe).train.max_length is None
    assert check_recipe({**STREAM, "train": {"max_length": 300}}, StreamRecipe).train.max_length == 300
    assert "train.max_length" in problems({**STREAM, "train": {"max_length": 0}})[0]
    values = {"data": {"dataset": "d"}, "encoder": {"small_rgb": {}}, "train": {"max_length": 300}}
    assert "for streams only" in problems(values, EncoderRecipe)[0]


def test_encoder_recipe() -> None:
    recipe = check_recipe({"data": {"dataset": "d"}, "encoder": {"small_rgb": {}}}, EncoderRecipe)
    assert recipe.clock.window == 8 and recipe.data.size == (64, 48)
    assert "encoder: this key is required" in "\n".join(problems({"data": {"dataset": "d"}}, EncoderRecipe))


@pytest.mark.parametrize("override", ["steps", "=3", "train.steps.more=1", "train.=4", "train.steps=["])
def test_bad_overrides(tmp_path: Path, override: Any) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({**STREAM, "train": {"steps": 5}}))
    with pytest.raises(UsageFault, match=r"E-CFG-00[48]"):
        load_recipe(path, StreamRecipe, [override])


@pytest.mark.parametrize("text", ["a: [", "- 1", "!!python/object/apply:os.system ['true']", "\x00"])
def test_files_that_are_no_recipes(tmp_path: Path, text: Any) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(UsageFault, match=r"E-CFG-02[45]"):
        load_recipe(path, StreamRecipe)
    with pytest.raises(UsageFault, match="no such recipe"):
        load_recipe(tmp_path / "absent.yaml", StreamRecipe)
