"""`augrgb evaluate --predictions`: golden numbers of published evaluators, from files through the CLI."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.dataset_file import load_dataset
from support.places import PARITY
from support.tiny_project import expect_success, run_cli


def case_of(item: Any, name: Any) -> Any:
    return next(case for case in json.loads((PARITY / f"{item}.json").read_text())["cases"] if case["name"] == name)


def evaluated(tmp_path: Path, predictions: Any, annotations: Any, protocols: Any, *more: Any) -> Any:
    """Results by protocol, out of the JSON; the table must show the same in percent."""
    words = [word for name in protocols for word in ("--protocol", name)]
    out = tmp_path / "results.json"
    command = ("evaluate", "--predictions", predictions, "--annotations", annotations, *words, "--out", out, *more)
    outcome = expect_success(*command)
    results = {result["protocol"]: result for result in json.loads(out.read_text())["results"]}
    for name in protocols:
        assert name in outcome.out and f"{100 * results[name]['value']:.1f}" in outcome.out
    return results


def write_pku_rows(folder: Any, rows_by_video: Any) -> Any:
    folder.mkdir()
    for name, rows in rows_by_video.items():
        lines = [",".join(map(repr, row)) + "\n" for row in rows]
        (folder / name).write_text("".join(lines))
    return folder


def write_truth(folder: Any, rows_by_video: Any) -> Any:
    """Label files with whole numbers only, as the dataset has them."""
    whole = {name: [[int(value) for value in row] for row in rows] for name, rows in rows_by_video.items()}
    return write_pku_rows(folder, whole)


@pytest.mark.parametrize("theta", ["0.1", "0.3", "0.5", "0.7"])
def test_event_map_of_pku_text(tmp_path: Path, theta: Any) -> None:
    case = case_of("event_map", "pku_like")
    predictions = write_pku_rows(tmp_path / "pred", case["predictions"])
    truth = write_truth(tmp_path / "truth", case["ground_truth"])
    classes = tmp_path / "classes.txt"
    classes.write_text("".join(f"{number} action {number}\n" for number in range(1, case["pku_number_label"])))
    options = ("--set", f"classes={classes}")  # no frame rate: numbers of frames are compared as they stand
    found = evaluated(tmp_path, predictions, truth, [f"pku-mmd/event@{theta}", f"tsu/event@{theta}"], *options)
    pku, tsu = found[f"pku-mmd/event@{theta}"], found[f"tsu/event@{theta}"]
    expected = case["pku"][theta]
    assert pku["value"] == pytest.approx(float(expected["mAP_action"]), abs=1e-9)
    assert pku["details"]["f1"] == pytest.approx(float(expected["F1"]), abs=1e-9)
    assert pku["details"]["map_video"] == pytest.approx(float(expected["mAP_video"]), abs=1e-9)
    # The TSU program counts a class 0 too, which these files do not have: one more class with AP 0 in its mean.
    share = (case["tsu"]["number_label"] - 1) / case["tsu"]["number_label"]
    assert tsu["value"] * share == pytest.approx(float(case["tsu"]["results"][theta]["mAP_action"]), abs=1e-9)


def test_tsu_text_that_numbers_classes_from_zero(tmp_path: Path) -> None:
    case = case_of("event_map", "tsu_shipped_P02T02C03")
    predictions = write_pku_rows(tmp_path / "pred", case["predictions"])
    truth = write_truth(tmp_path / "truth", case["ground_truth"])
    classes = tmp_path / "classes.txt"
    classes.write_text("".join(f"{number} c{number:03d}\n" for number in range(case["tsu"]["number_label"])))
    names = ["tsu/event@0.1", "tsu/event@0.5"]
    found = evaluated(tmp_path, predictions, truth, names, "--set", f"classes={classes}")
    for name in names:
        expected = case["tsu"]["results"][name.split("@")[1]]["mAP_action"]
        assert found[name]["value"] == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("name", ["plain", "class_without_predictions"])
def test_tiou_map_of_activitynet_json(tmp_path: Path, name: Any) -> None:
    case = case_of("anet_map", name)
    database = {
        video: {
            "subset": entry["subset"],
            "annotations": [{"label": f"c{a['label_id']:03d}", "segment": a["segment"]} for a in entry["annotations"]],
        }
        for video, entry in case["ground_truth"]["database"].items()
    }
    results = {
        video: [
            {"label": f"c{label:03d}", "segment": [start, end], "score": score} for label, start, end, score in rows
        ]
        for video, rows in case["predictions"].items()
    }
    (tmp_path / "truth.json").write_text(json.dumps({"database": database}))
    (tmp_path / "pred.json").write_text(json.dumps({"results": results}))
    names = ["thumos14/tiou", "activitynet/tiou"]
    found = evaluated(tmp_path, tmp_path / "pred.json", tmp_path / "truth.json", names, "--only", case["split"])
    total = sum(entry["subset"].lower() == case["split"] for entry in database.values())
    for protocol, key in zip(names, ("thumos", "anet"), strict=True):
        expected = case["expected"][key]
        assert found[protocol]["value"] == pytest.approx(expected["average_mAP"], abs=1e-9)
        np.testing.assert_allclose(list(found[protocol]["details"]["map"].values()), expected["mAP"], atol=1e-9)
        assert found[protocol]["videos_scored"] == found[protocol]["videos_total"] == total


def events_of(targets: Any) -> Any:
    """Runs of ones as events, in a video of one frame per second."""
    events = []
    for k, column in enumerate(targets.T):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], column, [0]])))
        events += [
            {"label": f"c{k:03d}", "start_s": float(start), "end_s": float(end)}
            for start, end in zip(edges[::2], edges[1::2], strict=True)
        ]
    return events


@pytest.mark.parametrize("name", ["plain", "larger"])
def test_frame_map_of_npy_scores(tmp_path: Path, name: Any) -> None:
    case = case_of("frame_map", name)
    arrays = np.load(PARITY / "frame_map.npz")
    videos = []
    (tmp_path / "scores").mkdir()
    for v in range(case["videos"]):
        targets = arrays[f"{name}/targets{v}"]
        videos.append(
            {
                "id": f"v{v}",
                "duration_s": float(len(targets)),
                "file": None,
                "poses": None,
                "events": events_of(targets),
            }
        )
        np.save(tmp_path / "scores" / f"v{v}.npy", arrays[f"{name}/scores{v}"])
    classes = [f"c{k:03d}" for k in range(case["classes"])]
    dataset = {"schema": "augrgb.dataset/1", "name": "golden", "classes": classes, "videos": videos, "splits": {}}
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "dataset.json").write_text(json.dumps(dataset))
    names = ["frame-map/present", "frame-map/all-classes"]
    for clock in ((), ("--clock", "1,1,1")):
        found = evaluated(tmp_path, tmp_path / "scores", tmp_path / "truth", names, *clock)
        expected = case["expected"]
        present, everything = (100 * found[protocol]["value"] for protocol in names)
        assert present == pytest.approx(float(expected["sum_over_nonzero_count_x100"]), abs=1e-3)
        assert everything == pytest.approx(float(expected["mean_all_classes_x100"]), abs=1e-3)
        assert found[names[0]]["videos_scored"] == case["videos"]


def test_a_run_and_its_predictions_file_give_the_same_numbers(project: Path, tmp_path: Path) -> None:
    names = ("--protocol", "frame-map/present", "--protocol", "event-map", "--protocol", "charades/localize")
    outcome = expect_success("evaluate", project / "rgb", *names, "--out", tmp_path / "run.json")
    assert "2 of 2" in outcome.out
    file = project / "rgb" / "predictions" / "cross_subject-test.safetensors"
    foreign = ("--predictions", file, "--annotations", project / "world", "--split", "cross_subject")
    expect_success("evaluate", *foreign, *names, "--out", tmp_path / "file.json")
    run, again = (json.loads((tmp_path / name).read_text())["results"] for name in ("run.json", "file.json"))
    assert run == again and len(run) == 3 and run[1]["value"] is not None


def test_coverage_and_usage_through_the_command_line(project: Path, tmp_path: Path) -> None:
    file = project / "rgb" / "predictions" / "cross_subject-test.safetensors"
    expect_success("evaluate", project / "rgb")
    outcome = run_cli("evaluate", "--predictions", file, "--annotations", project / "world")
    total = sum(video.events is not None for video in load_dataset(project / "world").videos.values())
    assert outcome.code == 3 and "E-MET-010" in outcome.err and f"2 of {total} videos" in outcome.err
    words = ("evaluate", "--predictions", file, "--annotations", project / "world", "--allow-missing", total - 2)
    outcome = expect_success(*words)
    assert f"2 of {total}" in outcome.out
    for wrong in (
        ("evaluate",),
        ("evaluate", project / "rgb", "--predictions", file),
        ("evaluate", "--predictions", file),
        ("evaluate", project / "rgb", "--only", "test"),
        ("evaluate", project / "rgb", "--protocol", "event-mpa"),
        ("evaluate", "--predictions", file, "--annotations", project / "world", "--clock", "30"),
    ):
        outcome = run_cli(*wrong)
        assert outcome.code == 2 and "E-" in outcome.err and "Traceback" not in outcome.err, wrong


def test_events_of_a_run_are_counted_with_delays_of_onset_and_decision(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "events.json"
    outcome = expect_success("evaluate", project / "rgb", "--events", "--out", out)
    assert "decision" in outcome.out and "the default rule" in " ".join(outcome.out.split())
    rows = json.loads(out.read_text())["events"]["classes"]
    assert {row["class"] for row in rows} and all(row["hits"] <= row["events"] for row in rows)
    found = [row for row in rows if row["hits"]]
    # Decided at the end of a snippet in the event, so never before the detection itself starts.
    assert all(row["decision_p50_s"] >= row["delay_p50_s"] for row in found)
    for words in (("--events", project / "rgb", project / "rgb"), ("--thresholds", tmp_path, project / "rgb")):
        assert "E-CFG-015" in run_cli("evaluate", *words).err
