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


@pytest.mark.parametrize(
    "now", [{"flip": 0.5, "blur": 0.1}, {"flip": 0.5, "blur": "none"}, {"flip": 0.0}, {"flip": 0.25}, {}]
)
def test_an_option_that_acts_does_not(tmp_path: Path, now: Any) -> None:
    RunFolder(tmp_path).begin(EARLIER)
    with pytest.raises(UsageFault, match="E-RUN-002"):
        RunFolder(tmp_path).begin({"recipe": {"augment": now, "steps": 3}})
