"""Which videos a fit trains on."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.pipelines.fitting.design import make_design
from augrgb.pipelines.fitting.project import Project


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
