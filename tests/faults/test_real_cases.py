"""Files as people have them: cases rebuilt from public reports, run as their owner would."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.timeline import Clock
from augrgb.core.types import Event
from augrgb.workflows.check import CheckReport, check_data
from augrgb.workflows.evaluate_files import evaluate_files
from support.places import SHARED, needs_shared


def noted(report: CheckReport, code: str) -> list[str]:
    return [finding.detail for finding in report.findings if finding.code == code]


def test_a_checkbox_has_several_values(tmp_path: Path) -> None:
    attribute = {"1": {"aname": "action", "type": 2, "options": {"0": "cut", "1": "pour", "2": "stir"}}}
    rows = {"a": ([4, 6], "0,2"), "b": ([1, 3], "1"), "c": ([7, 8], "")}
    project = {
        "project": {"vid_list": ["1"]},
        "attribute": attribute,
        "file": {"1": {"fname": "kitchen.mp4"}},
        "metadata": {k: {"vid": "1", "z": z, "xy": [], "av": {"1": v}} for k, (z, v) in rows.items()},
        "view": {"1": {"fid_list": ["1"]}},
    }
    (tmp_path / "p.json").write_text(json.dumps(project))
    video = read_and_judge(Source(tmp_path / "p.json")).annotations.videos["kitchen"]
    assert video.events == (Event("cut", 4, 6), Event("stir", 4, 6), Event("pour", 1, 3))
    assert [(event.start_s, event.end_s) for event in video.ignored] == [(7.0, 8.0)]


def test_keys_that_move_times_are_named_and_used(tmp_path: Path) -> None:
    path = tmp_path / "ava.json"
    path.write_text('{"a": {"duration": 900, "subset": "training", "start_time": 902.5, "actions": [[79, 0.0, 3.0]]}}')
    details = noted(check_data(Source(path)), "E-ANN-044")
    assert "--set shift=start_time" in details[0] and "--set first=1" in details[1]
    judged = read_and_judge(Source(path, options={"shift": "start_time", "first": 1}))
    assert not [finding for finding in judged.findings if finding.code == "E-ANN-044"]


@needs_shared("cases/anet_prefix")
def test_videos_with_a_prefix() -> None:
    folder = SHARED / "cases" / "anet_prefix"
    report = check_data(Source(folder / "anet.json", videos=folder / "videos"))
    assert report.usable and "the prefix 'v_' was added" in noted(report, "E-ID-007")[0]


@needs_shared("cases/feat_vprefix")
def test_features_with_a_prefix() -> None:
    folder = SHARED / "cases" / "feat_vprefix"
    report = check_data(Source(folder / "gt.json"), features=[folder / "feats"], clock=Clock(25, 16, 8))
    assert report.usable and noted(report, "E-ID-007") and not noted(report, "E-FEA-014")


@pytest.mark.parametrize("case", ["eval_vprefix", "eval_ext"])
def test_predictions_with_an_affix(case: str, tmp_path: Path) -> None:
    name = {"eval_vprefix": "v_vid{}", "eval_ext": "vid{}.mp4"}[case]
    truth: dict[str, Any] = {
        f"vid{i}": {"duration": 20, "subset": "test", "annotations": [{"label": "cut", "segment": [1, 9]}]}
        for i in range(3)
    }
    results = {name.format(i): [{"segment": [1.0, 9.0], "label": "cut", "score": 0.9}] for i in range(3)}
    (tmp_path / "gt.json").write_text(json.dumps({"database": truth}))
    (tmp_path / "pred.json").write_text(json.dumps({"version": "1", "results": results}))
    found = evaluate_files(tmp_path / "pred.json", tmp_path / "gt.json", protocols=["event-map"])
    assert found.evaluation.results[0].videos_scored == 3 and any("ids of predictions" in n for n in found.notes)
