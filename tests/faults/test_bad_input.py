"""Every kind of bad input: one clear message, the promised exit code, and nothing half-written."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from support.sealed_files import edit_json
from support.tiny_project import run_cli, stream_values, write
from support.video_samples import square_frames, write_sound_only, write_video


def edited_world(project: Path, tmp_path: Path, edit: Any) -> Any:
    """A copy of the dataset's description, with the videos left where they are."""
    source = project / "world"
    values = json.loads((source / "dataset.json").read_text())
    for video in values["videos"]:
        video["file"] = video["poses"] = None
    edit(values)
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps(values))
    return folder


def one_line_error(outcome: Any, code: Any, *parts: Any, exit_code: Any = 3) -> None:
    assert outcome.code == exit_code, outcome.err
    assert "Traceback" not in outcome.err
    for part in (code, *parts):
        assert str(part) in outcome.err, outcome.err


def detect(project: Path, video: Any, tmp_path: Path) -> Any:
    return run_cli("detect", video, "--model", project / "rgb", "--out", tmp_path / "out")


def test_missing_video(project: Path, tmp_path: Path) -> None:
    one_line_error(detect(project, tmp_path / "absent.mp4", tmp_path), "E-", "absent.mp4")
    assert not (tmp_path / "out").exists()


def test_truncated_video(project: Path, tmp_path: Path) -> None:
    path = write_video(tmp_path / "cut.mp4", square_frames(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    one_line_error(detect(project, path, tmp_path), "E-VID-001", "cut.mp4")


def test_frameless_video(project: Path, tmp_path: Path) -> None:
    one_line_error(detect(project, write_sound_only(tmp_path / "sound.mp4"), tmp_path), "E-VID-002", "sound.mp4")


def test_a_bad_video_among_good_ones(project: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_video(tmp_path / "in" / "good.mp4", square_frames(30))
    (tmp_path / "in" / "bad.mp4").write_text("<html>not found</html>")
    outcome = detect(project, tmp_path / "in", tmp_path)
    one_line_error(outcome, "E-VID-001", "bad.mp4", exit_code=4)
    assert list(json.loads((tmp_path / "out" / "detections.json").read_text())["results"]) == ["good"]


def test_annotation_outside_the_video(project: Path, tmp_path: Path) -> None:
    def edit(values: Any) -> None:
        values["videos"][0]["events"].append({"label": "walk", "start_s": 500.0, "end_s": 501.0})

    outcome = run_cli("data", "check", edited_world(project, tmp_path, edit))
    assert "500" in outcome.out + outcome.err


def test_unknown_class(project: Path, tmp_path: Path) -> None:
    def edit(values: Any) -> None:
        values["videos"][0]["events"] = [{"label": "wlak", "start_s": 0.0, "end_s": 1.0}]

    folder = edited_world(project, tmp_path, edit)
    values = {**stream_values(project, "rgb")}
    values["data"]["dataset"] = str(folder)
    outcome = run_cli("train", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    one_line_error(outcome, "E-ANN-003", "wlak", "did you mean 'walk'")


def test_duplicate_ids(project: Path, tmp_path: Path) -> None:
    folder = edited_world(project, tmp_path, lambda values: values["videos"].append(values["videos"][0]))
    values = stream_values(project, "rgb")
    values["data"]["dataset"] = str(folder)
    outcome = run_cli("train", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    one_line_error(outcome, "E-ID-001")


def test_empty_split(project: Path, tmp_path: Path) -> None:
    folder = edited_world(project, tmp_path, lambda values: values["splits"]["cross_subject"].update(train=[]))
    values = stream_values(project, "rgb")
    values["data"]["dataset"] = str(folder)
    outcome = run_cli("train", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    one_line_error(outcome, "E-SPL-007", "train", exit_code=2)
    outcome = run_cli("train", tmp_path / "r.yaml", "data.split=cros_subject", "--out", tmp_path / "run")
    one_line_error(outcome, "E-SPL-001", "cross_subject", exit_code=2)


def changed_features(project: Path, tmp_path: Path, name: Any, change: Any) -> Any:
    """A foreign copy of one feature folder as `.npy`, changed by a function of {id: array}."""
    arrays = {
        path.name.removesuffix(".safetensors"): load_file(path)["features"]
        for path in (project / "features" / name).glob("*.safetensors")
    }
    change(arrays)
    folder = tmp_path / name
    folder.mkdir()
    for video, values in arrays.items():
        np.save(folder / f"{video}.npy", values)
    return {"folder": str(folder), "clock": {"fps": 15, "window": 8, "stride": 8}}


def test_features_that_lack_videos(project: Path, tmp_path: Path) -> None:
    gone = []

    def change(arrays: Any) -> None:
        for video in sorted(arrays):
            if video.startswith("train") and len(gone) < 2:
                gone.append(video)
                del arrays[video]

    values = stream_values(project, "rgb")
    values["data"]["features"]["rgb"] = changed_features(project, tmp_path, "rgb", change)
    outcome = run_cli("train", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    one_line_error(outcome, "E-FEA-002", *gone)
    allowed = run_cli("train", tmp_path / "r.yaml", "data.allow_missing=2", "--out", tmp_path / "run")
    assert allowed.code == 0, allowed.err


def test_lengths_that_differ_between_modalities(project: Path, tmp_path: Path) -> None:
    def change(arrays: Any) -> None:
        for video in arrays:
            arrays[video] = arrays[video][: len(arrays[video]) // 2]

    values = yaml.safe_load((project / "distilled.yaml").read_text())
    values["data"]["features"]["pose"] = changed_features(project, tmp_path, "pose", change)
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    one_line_error(outcome, "E-FEA-004", "pose")


def test_features_that_are_not_finite(project: Path, tmp_path: Path) -> None:
    def change(arrays: Any) -> None:
        arrays[sorted(name for name in arrays if name.startswith("train"))[0]][3, 5] = np.nan

    values = stream_values(project, "rgb")
    values["data"]["features"]["rgb"] = changed_features(project, tmp_path, "rgb", change)
    outcome = run_cli("train", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    one_line_error(outcome, "E-FEA-005", "3")


def test_a_typo_in_a_recipe(project: Path, tmp_path: Path) -> None:
    outcome = run_cli("train", project / "rgb.yaml", "train.stepz=3", "--out", tmp_path / "run")
    one_line_error(outcome, "E-CFG-001", "train.stepz", "did you mean 'steps'", exit_code=2)
    assert not (tmp_path / "run").exists()


def test_weights_of_another_architecture(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "rgb", tmp_path / "run")
    tensors = load_file(tmp_path / "run" / "model.safetensors")
    tensors["filter.extra"] = tensors.pop(next(name for name in tensors if name.startswith("filter")))
    save_file(tensors, tmp_path / "run" / "model.safetensors")
    checksum = hashlib.sha256((tmp_path / "run" / "model.safetensors").read_bytes()).hexdigest()
    edit_json(tmp_path / "run" / "model.json", sha256=checksum)
    outcome = run_cli("evaluate", tmp_path / "run")
    one_line_error(outcome, "E-MOD-002", "filter.extra is unknown", "is missing")


class Gadget:
    def __init__(self, path: Any) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {self.path}",))


@pytest.mark.parametrize("place", ["model.safetensors", "encoder/model.safetensors"])
def test_a_malicious_pickle_is_never_run(project: Path, tmp_path: Path, place: Any) -> None:
    shutil.copytree(project / "rgb", tmp_path / "run")
    (tmp_path / "run" / place).write_bytes(pickle.dumps(Gadget(tmp_path / "pwned")))
    video = write_video(tmp_path / "v.mp4", square_frames(20))
    outcome = run_cli("detect", video, "--model", tmp_path / "run", "--out", tmp_path / "out")
    one_line_error(outcome, "E-MOD-001", "model.safetensors")
    assert not (tmp_path / "pwned").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_full(project: Path, small_disk: Any) -> None:
    outcome = run_cli("world", "make", "--out", small_disk / "world", "--set", "duration_s=20", "--workers", 1)
    one_line_error(outcome, "E-ENV-001", "free", exit_code=5)
    assert not list(small_disk.rglob("*.tmp-*"))
    outcome = run_cli("train", project / "rgb.yaml", "student.filter.sd_tcn.width=256", "--out", small_disk / "run")
    one_line_error(outcome, "E-ENV-001", exit_code=5)
    assert not list(small_disk.rglob("*.tmp-*"))


def test_foreign_features_carry_no_encoder(project: Path, tmp_path: Path) -> None:
    values = stream_values(project, "rgb")
    values["data"]["features"]["rgb"] = changed_features(project, tmp_path, "rgb", lambda arrays: None)
    assert run_cli("train", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run").code == 0
    video = write_video(tmp_path / "v.mp4", square_frames(20))
    outcome = run_cli("detect", video, "--model", tmp_path / "run", "--out", tmp_path / "out")
    one_line_error(outcome, "E-MOD-018", "augrgb extract")


def test_a_reader_that_goes_away(project: Path) -> None:
    command = f"{sys.executable} -m augrgb list | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("output", "code"), [("> /dev/full", 5), (">&-", 0), (">&- 2>&-", 0)])
def test_an_output_that_is_full_or_closed(output: str, code: int) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    command = f"{sys.executable} -m augrgb list {output}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == code and "Traceback" not in done.stderr and done.stderr.count("\n") <= 1, done.stderr
    assert ("E-ENV-007" in done.stderr) == (code == 5)
