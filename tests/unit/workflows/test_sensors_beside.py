"""`augrgb init` finds pose and sensor files beside the videos, says so, and checks their clock."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.pipelines.fitting.design import make_design, usable_sensors
from augrgb.pipelines.fitting.project import load_project
from augrgb.video.mp4 import write_mp4
from augrgb.workflows.sensors_beside import choose_sensors, sensors_beside
from support.tiny_project import expect_success, run_cli

NAMES = [f"v{number}" for number in range(6)]
WITH_SENSOR = NAMES[1:]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six videos of which five have thermal images, and a list of events."""
    for number, name in enumerate(NAMES):
        frames = np.random.default_rng(number).integers(0, 255, (20, 32, 32, 3), dtype=np.uint8)
        write_mp4(tmp_path / "video" / f"{name}.mp4", frames, fps=10)
    (tmp_path / "events.csv").write_text("\n".join(["video,label,start,end", *(f"{n},walk,0,1" for n in NAMES)]))
    thermal(tmp_path / "thermal", WITH_SENSOR)
    return tmp_path


def thermal(place: Path, names: list[str]) -> None:
    place.mkdir()
    for name in names:
        np.savez(place / f"{name}.npz", values=np.random.default_rng(0).uniform(20, 30, (16, 6, 8)), fps=8.0)


def test_thermal_files_beside_the_videos_reach_the_project_without_an_option(folder: Path) -> None:
    found = expect_success("init", folder / "video", folder / "events.csv", "--json")
    done = json.loads(found.out)
    thermal_folder = folder / "thermal"
    assert done["choices"][0] == f"{thermal_folder} has grid files of 5 videos: used, as with --grid {thermal_folder}."
    assert done["clocks"] == {"grid": "unclear"}
    dataset = load_dataset(folder)
    assert {name for name, video in dataset.videos.items() if video.grid is not None} == set(WITH_SENSOR)
    assert set(dataset.splits["random"]["val"]) & set(WITH_SENSOR)  # what teaches can be validated
    assert usable_sensors(make_design(load_project(folder), dataset), dataset) == {
        "grid": ""
    }  # `augrgb fit` takes them
    project = (folder / "project.yaml").read_text()
    assert "sensors: true" in project and "# Sensors: grid of 5 of 6 videos" in project


def test_a_named_folder_beside_the_videos_needs_no_out(folder: Path) -> None:
    expect_success("init", folder / "video", folder / "events.csv", "--grid", folder / "thermal")
    assert load_dataset(folder).videos["v2"].grid == (folder / "thermal" / "v2.npz").resolve()


def test_two_folders_are_told_and_not_guessed(folder: Path) -> None:
    thermal(folder / "depth", WITH_SENSOR)
    choice = choose_sensors(folder / "video", None, {})
    assert choice.folders == {} and "2 folders have grid files" in choice.sentences[0]
    assert choose_sensors(folder / "video", None, {"grid": folder / "depth"}).folders == {"grid": folder / "depth"}


def test_files_among_the_videos_come_before_other_folders(folder: Path) -> None:
    for path in (folder / "thermal").glob("*.npz"):
        (folder / "video" / path.name).write_bytes(path.read_bytes())
    choice = choose_sensors(folder / "video", None, {})
    assert choice.folders == {"grid": folder / "video"} and choice.root == folder / "video"
    assert [(one.kind, one.count) for one in sensors_beside(folder / "video")] == [("grid", 5)]


def test_what_is_not_of_a_sensor_is_passed_over(folder: Path) -> None:
    (folder / "features").mkdir()
    np.savez(folder / "features" / "v0.npz", features=np.zeros((3, 4)))
    (folder / "broken").mkdir()
    (folder / "broken" / "v0.npz").write_bytes(b"PK nothing")
    thermal(folder / "others", ["another"])
    assert [(one.kind, one.place.name, one.count) for one in sensors_beside(folder / "video")] == [
        ("grid", "thermal", 5)
    ]


def test_a_dataset_stays_where_it_is_and_poses_move_nothing(folder: Path) -> None:
    (folder / "poses").mkdir()
    np.savez(folder / "poses" / "v0.npz", joints=np.zeros((3, 4, 3)), parents=np.zeros(4))
    (folder / "video" / "dataset.json").write_text("{}")
    choice = choose_sensors(folder / "video", None, {})
    assert choice.root == folder / "video" and choice.folders == {}
    assert any("use them with --poses" in sentence for sentence in choice.sentences)
    assert choose_sensors(folder / "video", folder, {}).folders == {
        "poses": folder / "poses", "grid": folder / "thermal"
    }  # fmt: skip


def test_files_that_do_not_fit_are_told_and_left_out(folder: Path) -> None:
    np.savez(folder / "thermal" / "v2.npz", values=np.zeros((4, 6, 8)), fps=8.0)
    found = json.loads(expect_success("init", folder / "video", folder / "events.csv", "--json").out)
    assert any("thermal is not used after all: E-SEN-" in sentence for sentence in found["choices"])
    assert all(video.grid is None for video in load_dataset(folder).videos.values()) and found["clocks"] == {}


def test_a_folder_elsewhere_is_refused_with_the_remedy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("other") / "thermal"
    thermal(elsewhere, WITH_SENSOR)
    outcome = run_cli("init", folder / "video", folder / "events.csv", "--grid", elsewhere)
    assert outcome.code == 2 and "E-CFG-042" in outcome.err and "-o FOLDER" in outcome.err
