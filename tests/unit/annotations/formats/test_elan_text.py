"""ELAN's text export: a row per annotation, or a column per tier, in any of its units."""

from __future__ import annotations

from pathlib import Path

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.types import Event

EVENTS = (Event("cut", 1.2, 3.4), Event("pour", 4.0, 6.5), Event("walk", 5.0, 6.0))
SPANS = [("hands", 1200, 3400, "cut"), ("hands", 4000, 6500, "pour"), ("feet", 5000, 6000, "walk")]


def clock(ms: int) -> str:
    return f"00:00:{ms // 1000:02d}.{ms % 1000:03d}"


UNITS = {"hh:mm:ss.ms": clock, "ss.msec": lambda ms: str(ms / 1000), "msec": str}


@pytest.mark.parametrize("units", [["hh:mm:ss.ms"], ["ss.msec"], ["msec"], ["hh:mm:ss.ms", "ss.msec", "msec"]])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_both_layouts_in_all_units(tmp_path: Path, units: list[str], layout: str) -> None:
    rows = []
    for tier, start, end, value in SPANS:
        times = [UNITS[unit](time) for time in (start, end, end - start) for unit in units]
        if layout == "rows":
            rows.append([tier, "", *times, value])
        else:
            rows.append([*times, value if tier == "hands" else "", value if tier == "feet" else ""])
    if layout == "columns":
        kinds = [f"{kind} - {unit}" for kind in ("Begin Time", "End Time", "Duration") for unit in units]
        rows.insert(0, [*kinds, "hands", "feet"])
    path = tmp_path / "kitchen01.txt"
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    assert detect_format(path) == "elan-text"
    assert read_annotations(path).videos["kitchen01"].events == EVENTS
    assert read_annotations(path, options={"tiers": ["feet"]}).videos["kitchen01"].events == EVENTS[2:]
    assert read_annotations(path, options={"label": "tier"}).classes == ("feet", "hands")
    with pytest.raises(UsageFault, match=r"E-ANN-027.*did you mean 'hands'"):
        read_annotations(path, options={"tiers": ["hand"]})


def test_the_document_names_the_video(tmp_path: Path) -> None:
    head = '"#file:///C:/studies/my%20clip.eaf"\n'
    path = tmp_path / "export.csv"
    path.write_text(head + "Begin Time - ss.msec;End Time - ss.msec;Duration - ss.msec;hands\n1,2;3,4;2,2;cut\n")
    assert read_annotations(path).videos["my clip"].events == EVENTS[:1]
    path.write_text("hands\t\t1.2\t3.4\t2.2\tcut\tC:\\a\\one.eaf\nhands\t\t1.2\t3.4\t2.2\tcut\tC:\\a\\two.eaf\n")
    assert set(read_annotations(path).videos) == {"one", "two"}
    path.write_text("Begin Time - msec\tDuration - msec\thands\n1500\t1500\tcut\n")
    assert read_annotations(path).videos["export"].events == (Event("cut", 1.5, 3.0),)
    path.write_text("hands\t\t00:00:01.200\t00:00:03.400\t\n")
    assert read_annotations(path).videos["export"].ignored == (Event("", 1.2, 3.4),)


def test_refusals_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hands\t\t00:00:01.200\t00:00:03.400\tcut\nhands\t\tsoon\t00:00:03.400\tcut\n")
    with pytest.raises(InputRefused, match=r"E-ANN-005.*a\.txt:2"):
        read_annotations(path)
    path.write_text("hello\tworld\n")
    with pytest.raises(AugrgbError, match="E-ANN-034"):
        read_annotations(path, format_name="elan-text")
