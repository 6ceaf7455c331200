"""Files as people have them, rebuilt in the tests; `test_shared_cases` has those of the shared folder."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import read_annotations, write_annotations
from augrgb.annotations.labels import ignored_snippets
from augrgb.annotations.read import Source, read_and_judge
from augrgb.annotations.repair import repair, repair_video
from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.metrics.evaluate import evaluate
from augrgb.metrics.evaluation import VideoScores
from augrgb.training.terms import detection_loss
from augrgb.workflows.check import CheckReport, check_data
from augrgb.workflows.evaluate_files import evaluate_files
from augrgb.workflows.init import init_dataset
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
    video = judged.annotations.videos["a"]  # the part that was annotated begins at 902.5 s; the rest is not background
    assert video.events == (Event("c079", 902.5, 905.5),) and video.duration_s == 1802.5
    assert [(region.start_s, region.end_s) for region in video.ignored] == [(0.0, 902.5)]


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


def test_a_lost_label_is_an_ignored_region() -> None:
    events = (Event("walk", 6, 4), Event("sit", 8, 8), Event("sit", 0, 1), Event("walk", 12, 13))
    kept = repair(AnnotationSet(("sit", "walk"), {"a": VideoRecord("a", 10.0, events=events)})).annotations.videos["a"]
    assert kept.events == (Event("sit", 0, 1),)
    assert kept.ignored == (Event("walk", 4, 6), Event("sit", 7, 9))


def test_a_video_that_loses_every_event_is_not_empty() -> None:
    videos = {
        "a": VideoRecord("a", 10.0, events=(Event("walk", 12, 13),)),
        "b": VideoRecord("b", 10.0, events=(Event("walk", 1, 2),)),
    }
    repaired = repair(AnnotationSet(("walk",), videos))
    assert repaired.annotations.videos["a"].events is None
    assert [finding.code for finding in repaired.findings if finding.where == "a"] == ["E-ANN-013", "E-ANN-019"]
    record = repair_video(videos["a"], [])
    assert record.events == () and record.ignored == (Event("walk", 0.0, 10.0),)  # as a dataset file has it


def test_withheld_test_labels_are_not_empty_videos() -> None:
    videos = {f"t{i}": VideoRecord(f"t{i}", 9.0, events=(Event("walk", 1, 2),), subset="training") for i in range(2)}
    videos |= {f"x{i}": VideoRecord(f"x{i}", 9.0, events=(), subset="testing") for i in range(3)}
    repaired = repair(AnnotationSet(("walk",), videos))
    assert all(repaired.annotations.videos[f"x{i}"].events is None for i in range(3))
    assert [finding.where for finding in repaired.findings if finding.code == "E-ANN-045"] == ["subset 'testing'"]
    assert "E-ANN-020" not in {finding.code for finding in repaired.findings}


def test_ignored_regions_are_masked_in_training_and_in_metrics() -> None:
    region = Event("?", 0.5, 1.0)
    video = VideoRecord("a", 2.0, events=(Event("walk", 0.0, 0.5),), ignored=(region,))
    dataset = Dataset("d", ("walk",), {"a": video})
    clock = Clock(16.0, 8, 8)
    assert ignored_snippets(video.ignored, clock, 4).tolist() == [False, True, False, False]
    batch = Batch(
        mask=torch.ones(1, 4, dtype=torch.bool),
        labels=torch.zeros(1, 4, 1),
        known=torch.tensor([[True, False, True, True]]),
    )
    logits = torch.tensor([[[0.0], [50.0], [0.0], [0.0]]])
    loss = detection_loss(StreamOutput(torch.zeros(1, 4, 2), logits), batch)
    assert loss.value.item() == pytest.approx(math.log(2))
    scores = {"a": VideoScores(np.array([[0.5], [0.9], [0.1], [0.1]]), clock)}
    assert evaluate("frame-map/present", dataset, scores=scores).value == 1.0
    result = evaluate("multithumos/frame", dataset, scores=scores)  # published: looks at every snippet
    assert result.details["snippets"] == 4 and "ignored_regions" not in result.details
    found = {"a": [("walk", 0.0, 0.5, 0.5), ("walk", 0.5, 1.0, 0.9)]}
    result = evaluate("event-map", dataset, detections=found)
    assert result.details["detections_in_ignored_regions"] == 1


def test_frame_numbers_written_at_another_rate_are_read_back(tmp_path: Path) -> None:
    video = VideoRecord("a", 30.0, events=(Event("walk", 10.0, 20.0),), fps=20.0)
    found = AnnotationSet(("walk",), {"a": video})
    write_annotations(found, tmp_path / "pku", format_name="pku-mmd")
    assert read_annotations(tmp_path / "pku").videos["a"].events == video.events
    write_annotations(found, tmp_path / "slow", format_name="pku-mmd", options={"fps": 10})
    assert (tmp_path / "slow" / "a.txt").read_text() == "1,100,200,1\n"


def test_detections_outside_and_unknown_are_counted_or_refused(tmp_path: Path) -> None:
    truth = {"a": {"duration": 20, "subset": "test", "annotations": [{"label": "cut", "segment": [1, 9]}]}}
    (tmp_path / "gt.json").write_text(json.dumps({"database": truth}))
    rows = "a,cut,1,9,0.9\na,cut,1,29,0.5\nb,cut,1,2,0.5\na,stir,1,2,0.5\n"
    (tmp_path / "p.csv").write_text("video_id,label,start_s,end_s,score\n" + rows)

    def run(**options: int) -> tuple[str, ...]:
        return evaluate_files(tmp_path / "p.csv", tmp_path / "gt.json", protocols=["event-map"], **options).notes

    with pytest.raises(InputRefused, match=r"E-DET-009.*--allow-outside"):
        run(allow_unknown=2)
    with pytest.raises(InputRefused, match=r"E-MET-00[34]"):
        run(allow_outside=1)
    notes = run(allow_outside=1, allow_unknown=2)
    assert any("2 detections of unknown" in note for note in notes) and any("1 detections start" in n for n in notes)


@needs_shared("cases/poses_wrong_fps")
def test_folders_side_by_side(tmp_path: Path) -> None:
    case = SHARED / "cases" / "poses_wrong_fps"
    for name in ("videos", "poses"):
        shutil.copytree(case / name, tmp_path / name, ignore=shutil.ignore_patterns("*.json"))
    with pytest.raises(UsageFault, match=r"E-CFG-042.*-o FOLDER"):
        init_dataset(tmp_path / "videos", case / "events.csv", tmp_path / "videos", poses=tmp_path / "poses")
