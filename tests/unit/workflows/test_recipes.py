from pathlib import Path

import pytest

from augrgb.core.errors import UsageFault
from augrgb.pipelines.comparison.load import load_comparison
from augrgb.recipe import StreamRecipe, load_recipe
from augrgb.recipe.builtin import builtin_path
from augrgb.workflows.recipes import copy_recipe


def test_a_copy_is_the_same_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copied = copy_recipe("tsu/cs_rgb")
    assert copied.name == "cs_rgb.yaml"
    assert load_recipe(copied, StreamRecipe) == load_recipe("tsu/cs_rgb", StreamRecipe)
    assert copied.read_text().startswith("# Toyota")
    copied = copy_recipe("ablation", tmp_path)
    assert copied == tmp_path / "ablation.yaml"
    assert load_comparison(copied) == load_comparison("ablation")
    copied = copy_recipe("charades/base", tmp_path / "new" / "mine.yaml")
    assert copied.read_bytes() == builtin_path("charades/base").read_bytes()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    copy_recipe("world/rgb", tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("mine")
    with pytest.raises(UsageFault, match=r"E-FILE-005 .*exists"):
        copy_recipe("world/flow", tmp_path / "a.yaml")
    assert (tmp_path / "a.yaml").read_text() == "mine"
