"""What docs/protocols.md promises about predictions of other programs, the command does."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.formats import MultiThumosJson
from augrgb.cli.evaluate import evaluate as command
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.metrics import evaluate
from augrgb.workflows.evaluate_files import evaluate_files
from augrgb.workflows.score import evaluate as evaluate_paths

PAGE = Path(__file__).parents[3] / "docs" / "protocols.md"
RIGHT = [{"label": "walk", "score": 0.9, "segment": [0.0, 5.0]}]
FOUND: dict[str, Any] = {
    "a video lacks predictions": {"b": RIGHT, "c": RIGHT},
    "a detection of an unknown video or class": {
        "a": [*RIGHT, {"label": "fly", "score": 0.5, "segment": [0, 1]}],
        "b": RIGHT,
        "c": RIGHT,
    },
    "a detection ends more than 2 s past its video": {
        "a": [*RIGHT, {"label": "walk", "score": 0.5, "segment": [6, 19]}],
        "b": RIGHT,
        "c": RIGHT,
    },
    "a detection ends up to 2 s past its video": {
        "a": [*RIGHT, {"label": "walk", "score": 0.5, "segment": [6, 11]}],
        "b": RIGHT,
        "c": RIGHT,
    },
    "predictions of a known video that was not asked for": {"a": RIGHT, "b": RIGHT, "c": RIGHT, "d": RIGHT},
    "ids that differ by one prefix, suffix, ending or folder": {f"v_{name}": RIGHT for name in "abc"},
}


def rows() -> list[list[str]]:
    text = PAGE.read_text().split("held by tests/unit/workflows/test_protocols_page.py -->\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n\n")[0].splitlines()[2:]]


def run(tmp_path: Path, found: Any, **allowed: int) -> Any:
    video = {"duration": 10.0, "subset": "test", "annotations": [{"label": "walk", "segment": [0.0, 5.0]}]}
    database = dict.fromkeys("abc", video) | {"d": {**video, "subset": "train"}}
    (tmp_path / "gt.json").write_text(json.dumps({"database": database}))
    (tmp_path / "pred.json").write_text(json.dumps({"version": "1.3", "results": found, "external_data": {}}))
    return evaluate_files(
        tmp_path / "pred.json", tmp_path / "gt.json", only="test", protocols=["thumos14/tiou"], **allowed
    )


def test_the_page_has_every_row() -> None:
    assert [row[0] for row in rows()] == list(FOUND)
    flags = {flag for row in rows() for flag in re.findall(r"--allow-\w+", row[2])}
    assert flags == {f"--{name.replace('_', '-')}" for name in command.__annotations__ if name.startswith("allow_")}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_is_what_happens(tmp_path: Path, row: list[str]) -> None:
    what, without, with_it = row
    allowed: dict[str, int] = {}
    if without.startswith("refused"):
        with pytest.raises(AugrgbError) as caught:
            run(tmp_path, FOUND[what])
        (option,) = re.findall(r"--(allow-\w+)", with_it)
        assert caught.value.code in without and f"--{option}" in str(caught.value)
        allowed = {option.replace("-", "_"): 1}
    found = run(tmp_path, FOUND[what], **allowed)
    (result,) = found.evaluation.results
    assert f"{result.videos_scored} of {result.videos_total}" == ("2 of 3" if "lacks" in what else "3 of 3")
    said = " ".join(found.notes)
    if "counted" in without + with_it:
        assert "1 " in said, said
    if "the rule is said" in without:
        assert "the prefix 'v_'" in said


def test_multithumos_counts_what_its_loader_counts(tmp_path: Path) -> None:
    """An event that runs far past its video labels the part inside, under the published protocol and ours.

    Ten snippets of 1 s. The published rule labels snippets with 2 < i < 30: 3 to 9, ours those whose center is at
    2.5 s or later: 2 to 9.
    """
    record = {"subset": "testing", "duration": 10.0, "actions": [[1, 2.0, 30.0]]}
    (tmp_path / "m.json").write_text(json.dumps({"video_test_0000001": record}))
    read = MultiThumosJson().read(tmp_path / "m.json")
    assert read.videos["video_test_0000001"].events == (Event("c001", 2.0, 30.0),)
    (tmp_path / "p").mkdir()
    for name, first in (("multithumos/frame", 3), ("frame-map/present", 2)):
        scores = (np.arange(10) >= first).astype(np.float32)[:, None] * 0.9
        np.save(tmp_path / "p" / "video_test_0000001.npy", scores)
        options: Any = {"truth": tmp_path / "m.json", "scores": tmp_path / "p", "clock": Clock(1, 1, 1)}
        assert evaluate_paths(name, **options).value == 1.0, name


def test_a_dataset_gives_the_published_number_too() -> None:
    """Repairs cut the event at the end of the video; the published rule labels the same snippets of both."""
    written = VideoRecord("a", 10.0, events=(Event("c001", 2.0, 30.0),))
    cut = VideoRecord("a", 10.0, events=(Event("c001", 2.0, 10.0),))
    scores = {"a": np.linspace(0, 1, 10)[:, None]}
    values = {
        evaluate("multithumos/frame", Dataset("x", ("c001",), {"a": video}, {}), scores=scores).value
        for video in (written, cut)
    }
    assert len(values) == 1
