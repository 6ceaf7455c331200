"""`augrgb report` on the runs of the tiny project: page, figures, table, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

from support.tiny_project import run_cli


def test_two_runs_are_compared_on_one_page(project: Path, tmp_path: Path) -> None:
    outcome = run_cli(
        "report", project / "rgb", project / "pose", "-o", tmp_path, "--figures", "pdf", "--figures", "png"
    )
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "report.html").read_text()
    assert re.search(r"((rgb|pose) is ahead|No clear difference) in frame-map/present", page)
    for title in (
        "What the false positives are",
        "What each kind of mistake costs",
        "Errors of boundaries",
        "Short and long events",
        "Confusion",
    ):
        assert f"<h3>{title}</h3>" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)  # nothing is loaded
    assert len(page) < 5_000_000
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"mistakes.pdf", "mistakes.png", "precision_recall.pdf", "confusion.png"} <= drawn
    with (tmp_path / "per_class.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"class", "events", "rgb: event-map", "pose: event-map"} <= set(rows[0])
    assert sum(int(row["events"]) for row in rows) > 0


def test_one_run_is_a_report_too(project: Path, tmp_path: Path) -> None:
    assert run_cli("report", project / "rgb", "-o", tmp_path, "--timelines", "0").code == 0
    assert "rgb: frame-map/present" in (tmp_path / "report.html").read_text()


def test_the_same_runs_give_the_same_bytes(project: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run_cli("report", project / "rgb", "-o", tmp_path / name, "--timelines", "1").code == 0
    first, second = ((tmp_path / name / "report.html").read_bytes() for name in ("a", "b"))
    assert first == second


def test_what_is_no_finished_run_is_refused(project: Path, tmp_path: Path) -> None:
    outcome = run_cli("report", project / "world", "-o", tmp_path / "out")
    assert outcome.code == 3 and "no such run folder" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_threshold_outside_its_range_is_refused(project: Path, tmp_path: Path) -> None:
    outcome = run_cli("report", project / "rgb", "-o", tmp_path / "out", "--threshold", "1.5")
    assert outcome.code == 2 and "E-CFG-003" in outcome.err


def test_what_is_detected_in_ignored_regions_is_no_mistake(project: Path, tmp_path: Path) -> None:
    def found(dataset: dict[str, Any]) -> dict[str, Any]:
        (project / "world" / "dataset.json").write_text(json.dumps(dataset))
        outcome = run_cli("report", project / "rgb", "-o", tmp_path, "--timelines", "0", "--json")
        assert outcome.code == 0, outcome.err
        numbers: dict[str, Any] = json.loads(outcome.out)
        return numbers

    text = (project / "world" / "dataset.json").read_text()
    before, changed = json.loads(text), json.loads(text)
    tested = before["splits"]["cross_subject"]["test"]
    for video in changed["videos"]:
        if video["id"] in tested:
            video["ignored"] = [{"label": "unknown", "start_s": 5.0, "end_s": video["duration_s"]}]
            video["events"] = [one for one in video["events"] if one["end_s"] <= 5.0]
    try:
        whole, half = found(before)["runs"][0], found(changed)["runs"][0]
    finally:
        (project / "world" / "dataset.json").write_text(text)
    assert whole["detections_in_ignored_regions"] == 0 < half["detections_in_ignored_regions"]
    assert sum(half["mistakes"]["of_all"].values()) < sum(whole["mistakes"]["of_all"].values())
    assert whole["results"][0]["protocol"] == "frame-map/present" and 0 <= whole["results"][0]["value"] <= 1
    assert sum(whole["average_precision"].values()) > 0 and len(whole["confusion"]) == len(before["classes"]) + 1
    assert {"true positive", "background"} <= set(whole["mistakes"]["of_the_best"])
