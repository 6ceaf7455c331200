"""The main job through the command line, on a tiny world."""

import csv
import json
from pathlib import Path

from augrgb.annotations.dataset_file import load_dataset
from support.tiny_project import expect_success, run_cli


def test_every_run_left_what_it_promises(project: Path) -> None:
    for name in ("pose", "rgb", "distilled"):
        run = project / name
        for file in ("run.json", "metrics.jsonl", "result.json", "model.safetensors", "model.json"):
            assert (run / file).is_file(), (name, file)
    identity = json.loads((project / "distilled" / "run.json").read_text())["identity"]
    assert identity["recipe"]["distill"]["losses"]["logit_kd"] == {"weight": 1.0, "teachers": None}
    rows = [json.loads(line) for line in (project / "distilled" / "metrics.jsonl").read_text().splitlines()]
    assert "pose/boundary_saliency" in next(row for row in rows if "terms" in row)["terms"]
    assert all(0 <= row["validation"]["frame_map"] <= 1 for row in rows if "validation" in row)
    assert sum("validation" in row for row in rows) == 2


def test_the_student_is_as_large_as_plain_rgb_and_needs_no_teacher(project: Path) -> None:
    from safetensors.numpy import load_file

    plain, student = (load_file(project / name / "model.safetensors") for name in ("rgb", "distilled"))
    assert {k: v.shape for k, v in plain.items()} == {k: v.shape for k, v in student.items()}
    assert any((plain[k] != student[k]).any() for k in plain)


def test_evaluation_names_protocols_and_coverage(project: Path) -> None:
    outcome = expect_success("evaluate", project / "distilled")
    assert "frame-map/present" in outcome.out and "event-map" in outcome.out and "2 of 2" in outcome.out
    fused = expect_success("evaluate", project / "rgb", project / "pose", "--split", "cross_view")
    assert "rgb + pose on cross_view/test" in fused.out


def test_detect_writes_table_json_csv_and_timeline(project: Path, tmp_path: Path) -> None:
    dataset = load_dataset(project / "world")
    video = dataset.videos[dataset.splits["cross_subject"]["test"][0]]
    words = ("detect", video.file, "--model", project / "distilled", "--out", tmp_path, "--min-score", 0.05)
    outcome = expect_success(*words)
    found = json.loads((tmp_path / "detections.json").read_text())["results"][video.file.stem]
    rows = list(csv.DictReader((tmp_path / "detections.csv").open()))
    assert len(found) == len(rows) > 0
    assert {row["label"] for row in found} <= set(dataset.classes)
    assert all(0 <= row["segment"][0] < row["segment"][1] <= 10.1 for row in found)
    page = (tmp_path / f"{video.file.stem}.html").read_text()
    assert page.count("data:image/jpeg") >= 30 and found[0]["label"] in page
    assert found[0]["label"] in outcome.out


def test_training_again_returns_at_once_and_other_settings_are_refused(project: Path) -> None:
    before = (project / "rgb" / "model.safetensors").read_bytes()
    expect_success("train", project / "rgb.yaml", "--out", project / "rgb")
    assert (project / "rgb" / "model.safetensors").read_bytes() == before
    outcome = run_cli("train", project / "rgb.yaml", "train.learning_rate=0.5", "--out", project / "rgb")
    assert outcome.code == 2 and "E-RUN-002" in outcome.err and "learning_rate" in outcome.err


def test_list_and_show(project: Path) -> None:
    listing = expect_success("list").out
    for name in ("atomic_contrastive", "sd_tcn", "small_rgb", "frame-map/present"):
        assert name in listing
    assert "temperature" in expect_success("show", "atomic_contrastive").out
    shown = expect_success("show", "recipe").out
    assert "train.learning_rate" in shown and "FeatureSection" in shown and "func=" not in shown and "0x" not in shown
    encoder = shown[shown.index("encoder recipe") :].replace(" ", "")
    assert "train.steps│int│600" in encoder and "clock.fps│float│15" in encoder and "losses.NAME.weight" in encoder
    assert "identity" in expect_success("show", project / "rgb").out
    outcome = run_cli("show", "sd_tcm")
    assert outcome.code == 2 and "did you mean 'sd_tcn'" in outcome.err
