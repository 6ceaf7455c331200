"""Tables that are no time series: refused with a short message, and never read as something impossible."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import AugrgbError
from augrgb.sensors.csv_import import read_csv

GOOD = "time,x\n0,1\n0.1,2\n0.2,3\n"


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (GOOD, {"start_s": math.nan}, "E-CFG-003"),
        (GOOD, {"start_s": math.inf}, "E-CFG-003"),
        (GOOD, {"start_s": -1e300}, "E-CFG-003"),
        (GOOD, {"unit_s": 1e308}, "E-SEN-0"),
        (GOOD, {"unit_s": 1e-300}, "E-SEN-007"),
        (GOOD, {"fps": 1e9}, "E-SEN-007"),
        ("time,x\n0,1\n1e9,2\n", {}, "E-SEN-007"),
        ("time,x\n0,1\n1e-300,2\n2e-300,3\n", {}, "E-SEN-007"),
        ("time,x\n0,1\n1e308,2\n", {}, "E-SEN-006"),
        (f"time,x\n0,{'9' * 5000}\n0.1,1\n", {}, "E-SEN-006"),
        ("time,x\n0,1e39\n0.1,1\n", {}, "E-SEN-006"),
        ("time,x\n0,-inf\n0.1,1\n", {}, "E-SEN-006"),
        (GOOD, {"columns": ["y" * 70000]}, "E-SEN-006"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, options: dict[str, Any], code: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(AugrgbError, match=code) as caught:
        read_csv(tmp_path / "a.csv", **options)
    assert len(str(caught.value)) < 1000


def test_cells_without_a_number_are_filled(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,1\n0.1,nan\n0.2,\n0.3,4\n")
    found = read_csv(tmp_path / "a.csv", start_s=-2.5)
    assert found.values[:, 0].tolist() == pytest.approx([1, 2, 3, 4]) and found.start_s == -2.5
