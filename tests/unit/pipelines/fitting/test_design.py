"""Which videos a fit trains on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.pipelines.fitting.design import make_design
from augrgb.pipelines.fitting.project import Project
from augrgb.pipelines.fitting.recipe import Steps, make_recipe


def test_a_look_ahead_is_of_the_students_alone_and_no_longer_than_the_filter_sees() -> None:
    values = {"dataset": "x", "split": "s", "clock": {"fps": 15, "window": 8, "stride": 8}, "layers": 2}
    videos = {name: VideoRecord(name, 10.0, events=(Event("drink", 1.0, 2.0),)) for name in "abcd"}
    split = {"train": ("a",), "encoder": ("a",), "val": ("b",), "test": ("c",)}
    project = Project.model_validate({**values, "folds": [], "look_ahead": 1.2})
    assert project.look_ahead_snippets == 2 and Project.model_validate(values).look_ahead_snippets is None
    design = make_design(project, Dataset("x", ("drink",), videos, {"s": split}))
    recipe = make_recipe(project, design, ("flow",), Steps(10, 10), Path("w"))
    set_of = {name: dict(method.set) for name, method in recipe.methods.items()}
    ahead = "student.filter.sd_tcn.look_ahead_snippets"
    assert set_of["rgb"][ahead] == set_of["augmented"][ahead] == 2 and ahead not in set_of["flow"]
    with pytest.raises(ValidationError, match=r"2 layers see 1\.6 s ahead at most"):
        Project.model_validate({**values, "look_ahead": 3})


def test_training_videos_outside_the_folds_are_trained_on_in_every_fold() -> None:
    videos = {name: VideoRecord(name, 10.0, events=(Event("drink", 1.0, 2.0),)) for name in "abcde"}
    split = {"train": tuple("abcd"), "encoder": tuple("abcd"), "val": (), "test": ("e",)}
    project = Project.model_validate(
        {
            "dataset": Path("x"),
            "split": "s",
            "clock": {"fps": 15, "window": 8, "stride": 8},
            "folds": [["a"], ["b", "c"]],
        }
    )
    design = make_design(project, Dataset("x", ("drink",), videos, {"s": split}))
    assert set(design.splits["fold1"]["train"]) == set("bcd") and set(design.splits["fold2"]["train"]) == set("ad")
    assert set(design.splits["final"]["train"]) == set("abcd") and design.tested == ("e",)
    assert set(design.judged) == set("abc")
