from pathlib import Path
from typing import Any

import pytest
import yaml

from augrgb.core.errors import UsageFault
from augrgb.recipe import StreamRecipe, load_recipe
from augrgb.recipe.builtin import builtin_path, builtin_recipes, recipe_path
from augrgb.recipe.load import read_values

RECIPES = {recipe.name: recipe for recipe in builtin_recipes()}


def test_every_recipe_says_what_it_is_for_what_it_needs_and_how_to_run_it() -> None:
    bases = {name for name, recipe in RECIPES.items() if not recipe.command}
    assert all(name.endswith("/base") for name in bases)
    for name in RECIPES.keys() - bases:
        recipe = RECIPES[name]
        kind = "compare" if "methods" in read_values(recipe.path) else "train"
        assert recipe.purpose.endswith((".", "?")), name
        assert (recipe.needs and recipe.command.startswith(kind)) or recipe.command == "distill", name
    assert RECIPES["tsu/cs_augmented_rgb"].reaches == "32.8 frame-mAP in the paper"
    assert RECIPES["thumos14/rgb"].reaches == ""


def test_a_recipe_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert builtin_path("world/rgb") == builtin_path("world/rgb.yaml") == RECIPES["world/rgb"].path
    assert builtin_path("ablation") == RECIPES["compare/ablation"].path
    assert load_recipe("charades/rgb", StreamRecipe, ["seed=3"]).data.published == "charades"  # with its base


def test_a_file_comes_before_a_built_in_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ablation").mkdir()  # a folder is no recipe
    assert recipe_path("ablation") == RECIPES["compare/ablation"].path
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "rgb").write_text(yaml.safe_dump({"seed": 7}))
    assert read_values("world/rgb") == {"seed": 7}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("abltion", r"E-CFG-005 abltion: .* did you mean 'ablation'\?"),
        ("world/rbg", r"E-CFG-005 world/rbg: .* did you mean 'world/rgb'\?"),
        ("nothing/like/it.yaml", r"E-CFG-005 .* See `augrgb recipes list`"),
        ("rgb", r"E-CFG-007 rgb: several .*charades/rgb, .*world/rgb"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(
    name: Any, message: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageFault, match=message):
        load_recipe(name, StreamRecipe)
