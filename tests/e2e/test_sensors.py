"""Thermal images and a wearable beside some of the videos: imported, aligned, as teachers, and as students."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from augrgb.annotations.dataset_file import load_dataset
from augrgb.encoders.files import load_encoder
from augrgb.features.store import open_features
from augrgb.sensors.files import read_sensor
from support.tiny_project import expect_success, run_cli
from support.video_samples import write_video

VIDEOS, WITHOUT_SENSOR = 8, 2
LENGTH_S, ROWS_PER_S = 12, 8
SHORT = ("clock.fps=8", "data.size=[32,24]", "train.steps=4", "train.batch_size=8", "train.validate_every=4")
STREAM = (
    "train.steps=4",
    "train.batch_size=2",
    "train.validate_every=4",
    "student.filter={sd_tcn: {width: 16, layers: 2}}",
)


def someone(seed: int) -> tuple[NDArray[np.float64], list[tuple[float, float]]]:
    """Where somebody is in a room (fractions of its width, at 40 Hz), and when they walk."""
    rng = np.random.default_rng(seed)
    begins = np.sort(rng.choice(np.arange(1, 11), 3, replace=False)).astype(float)
    walks = [(float(begin), float(begin) + 0.9) for begin in begins]
    at_s, place = np.arange(LENGTH_S * 40) / 40, np.full(LENGTH_S * 40, 0.2)
    for number, (begin, end) in enumerate(walks):
        place += (0.55 if number % 2 == 0 else -0.55) * np.clip((at_s - begin) / (end - begin), 0, 1)
    return place, walks


def image(place: float, width: int, height: int) -> NDArray[np.float32]:
    """A warm, bright spot in the room."""
    across, down = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    return np.asarray(np.exp(-(((across - place) / 0.1) ** 2) - ((down - 0.5) / 0.3) ** 2), np.float32)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos, events, thermal images and accelerometers (CSV) of the same people; two videos have no sensor."""
    root = tmp_path_factory.mktemp("room")
    for name in ("videos", "thermal", "wrist"):
        (root / name).mkdir()
    rows, rng = ["video,label,start,end"], np.random.default_rng(0)
    for number in range(VIDEOS):
        name, (place, walks) = f"day{number}", someone(number)
        frames = np.stack([image(x, 64, 48) for x in place[::4]])
        shown = np.repeat((60 + 150 * frames)[..., None], 3, axis=3).astype(np.uint8)
        write_video(root / "videos" / f"{name}.mp4", shown, fps=10)
        rows += [f"{name},walk,{begin},{end}" for begin, end in walks]
        rows += [f"{name},rest,{end},{end + 0.8}" for _, end in walks[:1]]
        if number < VIDEOS - WITHOUT_SENSOR:
            warm = np.stack([image(x, 16, 12) for x in place[:: 40 // ROWS_PER_S]])
            values = 20 + 8 * warm + 0.05 * rng.standard_normal(warm.shape)
            np.savez(root / "thermal" / f"{name}.npz", values=values.astype(np.float32), fps=float(ROWS_PER_S))
            speed = np.abs(np.diff(place, prepend=place[:1])) * 40 + 0.02 * rng.standard_normal(len(place))
            lines = [f"{25 * row},{x:.4f},{-x / 2:.4f}" for row, x in enumerate(speed)]
            (root / "wrist" / f"{name}.csv").write_text("\n".join(["ms,x,y", *lines]))
    (root / "events.csv").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="module")
def taught(room: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The steps of the documentation, as far as the augmented encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(room)
        expect_success("data", "sensor", *sorted(Path("wrist").glob("*.csv")), "-o", "signal",
                       "--time-column", "ms", "--time-unit", 0.001)  # fmt: skip
        expect_success("init", "videos", "events.csv")  # finds thermal and signal
        expect_success("train-encoder", "sensors/encoder_sensor", *SHORT, "--workers", 1)
        expect_success("train-encoder", "sensors/encoder_sensor", "encoder={signal_tcn: {}}", *SHORT, "-o",
                       "runs/encoder_wrist", "--workers", 1)  # fmt: skip
        expect_success("train-encoder", "sensors/encoder_rgb", *SHORT, "--workers", 1)
        three = "distill.teachers={sensor: runs/encoder_sensor, wrist: runs/encoder_wrist, twin: runs/encoder_rgb}"
        expect_success("train-encoder", "sensors/encoder_augmented", *SHORT, three, "--dry-run")
        expect_success("train-encoder", "sensors/encoder_augmented", *SHORT, three, "--workers", 1)
        expect_success("extract", ".", "runs/encoder_augmented", "-o", "features/augmented", "--workers", 1)
        few = ("--allow-failures", WITHOUT_SENSOR, "--workers", 1)
        expect_success("extract", ".", "runs/encoder_sensor", "-o", "features/sensor", *few)
    return room


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_sensors_are_known_to_the_dataset_where_they_are(taught: Path) -> None:
    videos = load_dataset(taught).videos
    assert sum(record.grid is not None for record in videos.values()) == VIDEOS - WITHOUT_SENSOR
    assert sum(record.signal is not None for record in videos.values()) == VIDEOS - WITHOUT_SENSOR
    sensor, wrist = (load_encoder(taught / "runs" / name).encoder for name in ("encoder_sensor", "encoder_wrist"))
    assert (sensor.modality, sensor.options["shape"]) == ("grid", [12, 16, 1])
    assert (wrist.modality, wrist.options["channels"]) == ("signal", 2)


@pytest.mark.parametrize("modality", ["grid", "signal"])
def test_their_clock_is_checked(taught: Path, modality: str) -> None:
    found = json.loads(expect_success("data", "align", taught, "--modality", modality, "--json").out)
    assert found["verdict"] == "aligned" and found["recordings"] == VIDEOS - WITHOUT_SENSOR
    assert found["error_s"] < 0.5 and found["correlation_stated"] > 0.3


def test_a_wrong_clock_is_found(taught: Path, tmp_path: Path) -> None:
    for name in ("videos", "thermal", "signal"):
        shutil.copytree(taught / name, tmp_path / name)
    shutil.copy(taught / "dataset.json", tmp_path)
    for path in (tmp_path / "thermal").glob("*.npz"):
        np.savez(path, values=np.load(path)["values"], fps=float(ROWS_PER_S), start=1.5)
    outcome = run_cli("data", "align", tmp_path, "--modality", "grid")
    assert outcome.code == 3 and "E-SEN-009" in outcome.err and "start -1.5 s" in outcome.err
    fixed = tmp_path / "fixed"
    done = json.loads(expect_success("data", "align", tmp_path, "--modality", "grid", "-o", fixed, "--json").out)
    assert len(done["written"]) == VIDEOS - WITHOUT_SENSOR
    starts = [read_sensor(path, "grid").start_s for path in fixed.glob("*.npz")]
    assert len(starts) == VIDEOS - WITHOUT_SENSOR and all(abs(start) < 0.5 for start in starts)


def test_teachers_act_where_their_sensor_is(taught: Path) -> None:
    log = [row for row in lines(taught / "runs" / "encoder_augmented" / "metrics.jsonl") if "terms" in row]
    (losses,) = {frozenset(row["terms"]) for row in log}
    assert any("sensor" in name for name in losses) and any("wrist" in name for name in losses)
    snippets = log[-1]["snippets"]
    seen = {name: count for name, count in snippets.items() if "sensor" in name or "twin" in name}
    assert len(seen) == 2 and min(seen.values()) > 0


def test_a_stream_of_the_sensor_teaches_that_of_the_video(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(taught)
    expect_success("train", "sensors/sensor", *STREAM, "--dry-run")
    expect_success("train", "sensors/sensor", *STREAM)
    expect_success("distill", "sensors/augmented_rgb", *STREAM, "--dry-run")
    expect_success("distill", "sensors/augmented_rgb", *STREAM)
    assert "1 of 1 videos scored" in expect_success("evaluate", "runs/augmented_rgb").out
    assert len(open_features(taught / "features" / "sensor").ids()) == VIDEOS - WITHOUT_SENSOR


def test_the_sensor_alone_is_a_student(taught: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Detection in a recording without any video."""
    monkeypatch.chdir(taught)
    expect_success("train", "sensors/sensor", *STREAM, "-o", tmp_path / "student")
    expect_success("evaluate", tmp_path / "student", "--allow-missing", WITHOUT_SENSOR)
    expect_success("detect", "thermal/day0.npz", "--model", tmp_path / "student", "-o", tmp_path / "found",
                   "--on", 0.01)  # fmt: skip
    (detected,) = json.loads((tmp_path / "found" / "detections.json").read_text())["results"]
    assert detected == "day0"
