"""`import augrgb`: the names, that they load lazily, and that each is documented by an example that runs."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import augrgb
from augrgb.core.errors import AugrgbError

NAMES = {
    "Batch", "Clock", "Detection", "Detector", "Event", "compare", "evaluate", "extract", "fit", "load_dataset",
    "load_recipe", "open_features", "train",
}  # fmt: skip


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def test_the_names_are_these() -> None:
    assert set(augrgb.__all__) == NAMES | {"__version__"}
    assert set(augrgb.__all__) <= set(dir(augrgb))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        augrgb.trian  # noqa: B018 - the access is the test


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_has_a_docstring_with_an_example(name: Any) -> None:
    entry = getattr(augrgb, name)
    assert doctest.DocTestParser().get_examples(inspect.getdoc(entry) or ""), f"{name} has no >>> example"
    assert Path(inspect.getsourcefile(entry) or "").is_relative_to(Path(augrgb.__file__).parent), "src is what runs"


def test_importing_costs_nothing() -> None:
    heavy = "{'torch', 'cv2', 'av', 'numpy', 'pydantic'} & set(sys.modules)"
    for module in ("augrgb", "augrgb.cli.app"):  # `augrgb --help` needs no more than the second
        assert python(f"import sys, {module}; print({heavy})").strip() == "set()", module


def test_data_and_metrics_load_without_torch() -> None:
    names = "augrgb.Event, augrgb.Detection, augrgb.Clock, augrgb.metrics"
    program = f"import sys, augrgb; {names}; print('torch' in sys.modules)"
    assert python(program).strip() == "False"


def test_packages_are_there_without_a_second_import() -> None:
    program = "import augrgb; print(augrgb.losses.hint.__name__, len(augrgb.filters.FILTERS), augrgb.metrics.frame_ap)"
    assert python(program).startswith("hint 8")


def test_verbs_refuse_the_other_kind_of_recipe(
    toy_folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy_folder.parent)
    (tmp_path / "toy").symlink_to(toy_folder)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AugrgbError, match=r"augrgb\.compare"):
        augrgb.train("toy/compare.yaml", "runs/x")
    with pytest.raises(AugrgbError, match=r"augrgb\.train"):
        augrgb.compare("toy/rgb.yaml", "runs/x")
    recipe = augrgb.load_recipe("toy/rgb.yaml")
    with pytest.raises(AugrgbError, match="overrides"):
        augrgb.train(recipe, "runs/x", overrides=["seed=1"])
    assert augrgb.train(recipe, str(tmp_path / "run")).steps == 6, "a checked recipe and a string are fine"
