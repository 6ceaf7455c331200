"""Work of an earlier version, which did not have all options of today."""

from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import UsageFault
from augrgb.training.run.folder import RunFolder

EARLIER = {"recipe": {"augment": {"flip": 0.5}, "steps": 3}}


@pytest.mark.parametrize("off", [0, 0.0, False, "", [], None])
def test_an_option_that_is_off_resumes_it(tmp_path: Path, off: Any) -> None:
    RunFolder(tmp_path).begin(EARLIER)
    later = RunFolder(tmp_path)
    later.begin({"recipe": {"augment": {"flip": 0.5, "blur": off}, "steps": 3}})
    assert later.identity == EARLIER
    RunFolder(tmp_path / "later").begin({"recipe": {"steps": 3, "swap": off}})
    RunFolder(tmp_path / "later").begin({"recipe": {"steps": 3}})


@pytest.mark.parametrize("part", ["encoder", "student.filter", "distill.losses"])
def test_an_option_of_a_part_is_not_off_where_it_is_left_out(tmp_path: Path, part: str) -> None:
    def recipe(options: dict[str, Any]) -> dict[str, Any]:
        return {"recipe": set_under(part, {"sd_tcn": {"width": 8, **options}})}

    RunFolder(tmp_path).begin(recipe({"dropout": 0.0}))
    RunFolder(tmp_path).begin(recipe({"dropout": 0.0}))
    for other in ({}, {"dropout": 0.5}):
        with pytest.raises(UsageFault, match=r"E-RUN-002 .*dropout: 0.0 before"):
            RunFolder(tmp_path).begin(recipe(other))


def set_under(path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: set_under(rest, value) if rest else value}


@pytest.mark.parametrize(
    "now", [{"flip": 0.5, "blur": 0.1}, {"flip": 0.5, "blur": "none"}, {"flip": 0.0}, {"flip": 0.25}, {}]
)
def test_an_option_that_acts_does_not(tmp_path: Path, now: Any) -> None:
    RunFolder(tmp_path).begin(EARLIER)
    with pytest.raises(UsageFault, match="E-RUN-002"):
        RunFolder(tmp_path).begin({"recipe": {"augment": now, "steps": 3}})
