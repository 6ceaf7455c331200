from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at
from augrgb.core.types import Detection
from augrgb.report.film_strip import film_strip, frame_of, strip_times_s
from augrgb.report.picture import write_picture
from augrgb.report.tables import comparison_csv, comparison_markdown
from augrgb.report.terminal import comparison_table, detections_table
from support import report_examples as examples


def shown(table: Any) -> str:
    console = Console(width=200, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_terminal_table_holds_the_page_s_numbers() -> None:
    text = shown(comparison_table(examples.comparison()))
    assert "24 videos · 3 seeds" in text and "frame-mAP/1" in text and "needs pose" in text
    score = examples.comparison().rows[8].scores[0]
    assert f"{100 * score.mean:.1f} ± {100 * score.std:.1f}" in text and "+15.2 [" in text


def test_hostile_names_are_neither_markup_nor_control_codes() -> None:
    text = shown(comparison_table(examples.hostile().comparison))
    assert "[bold]x[/nope]" in text and "3 of 4 videos scored" in text
    text = shown(detections_table([Detection("v", "a\x1b[31m[red]\x07", 1.0, 2.0, 0.5)]))
    assert "\x1b" not in text and "\x07" not in text and "[red]" in text


def test_a_limit_keeps_the_best_and_says_so() -> None:
    found = [Detection("v", f"c{k}", float(k), k + 1.0, k / 10) for k in range(10)]
    text = shown(detections_table(found, limit=3))
    assert [f"c{k}" in text for k in range(10)] == [False] * 7 + [True] * 3
    assert "10 detections" in text.replace("\n", " ") and "Video" not in text
    assert "Video" in shown(detections_table([*found, Detection("w", "c", 0.0, 1.0, 0.1)]))


def test_markdown_has_one_line_per_row_and_group_and_survives_pipes() -> None:
    comparison = examples.hostile().comparison
    text = comparison_markdown(comparison)
    groups = [line for line in text.splitlines() if line.startswith("| *") and not line.startswith("| **")]
    lines = [line for line in text.splitlines() if line not in groups]
    assert len(lines) == 2 + len(comparison.rows) == 2 + 4 and len(groups) == len({r.group for r in comparison.rows})
    for line in lines:
        assert line.replace("\\|", "").count("|") == 5
    assert "<script" not in "".join(lines) and "a\\|b \\| c" in lines[3]
    plain = comparison_markdown(examples.comparison())
    assert all("24 of 24 videos" in part for part in plain.splitlines()[0].split(" | ")[2:])
    assert plain.count("of 24 videos") == 3  # the same for all rows: once per column
    assert "| pose | pose |" in plain and "**Augmented-RGB** | – |" in plain


def test_csv_reads_back() -> None:
    text = comparison_csv(examples.comparison())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 12 * 3
    score = examples.comparison().rows[8].scores[1]
    row = next(row for row in rows if row["method"] == "Augmented-RGB" and row["protocol"].endswith("cross-view"))
    assert float(row["mean"]) == pytest.approx(score.mean, rel=1e-5)
    assert [float(value) for value in row["values"].split()] == pytest.approx(score.values, rel=1e-5)
    assert (row["videos_scored"], row["videos_total"], row["seeds"]) == ("24", "24", "3")


def test_csv_never_holds_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(comparison_csv(examples.hostile().comparison))))
    assert len(rows) == 8 and {row["method"] for row in rows} >= {"'=HYPERLINK(1)"}


def test_a_film_strip_keeps_colors_and_size() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[..., 0] = 200  # red in RGB
    (uri,) = film_strip([frame], height_px=60, quality=90)
    back = frame_of(uri)
    assert back.shape == (60, 80, 3) and abs(back.mean((0, 1)) - [200, 0, 0]).max() < 4
    assert frame_of(film_strip([frame], height_px=400)[0]).shape == (120, 160, 3)
    assert strip_times_s(10.0, 4) == [1.25, 3.75, 6.25, 8.75]


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_a_film_strip_refuses_what_is_no_frame(bad: Any) -> None:
    with pytest.raises(InputRefused, match="E-REP-002"):
        film_strip([bad])


@pytest.mark.parametrize("uri", ["https://example.org/x.jpg", "data:image/jpeg;base64,aGVsbG8="])
def test_frame_of_refuses_what_is_no_strip(uri: Any) -> None:
    with pytest.raises(InputRefused, match="E-REP-002"):
        frame_of(uri)


def test_the_picture_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    write_picture(path, examples.example(), examples.CLASSES)
    first = path.read_bytes()
    picture = cv2.imread(str(path))
    assert picture.shape[1] == 1200 and 500 < picture.shape[0] < 2000
    assert picture.std() > 15  # not blank
    write_picture(path, examples.example(), examples.CLASSES)
    assert path.read_bytes() == first


def test_the_picture_takes_any_name(tmp_path: Path) -> None:
    noise = film_strip(list(rng_at(0, "noise").integers(0, 255, (3, 20, 30, 3)).astype(np.uint8)))
    example = examples.hostile().timelines[0]
    hostile = type(example)("$x$", 12.0, tuple(noise), example.truth, example.lanes)
    write_picture(tmp_path / "p.png", hostile, ())
    assert (tmp_path / "p.png").stat().st_size > 10_000
