"""Poses from real video with the published networks, fetched from the package index."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from augrgb.poses.files import read_poses
from augrgb.poses.view_check import limb_variation
from augrgb.video.decode import frames_by_time
from support.odd_videos import write_odd_videos
from support.places import SHARED, needs_shared
from support.tiny_project import expect_success, run_cli

REAL = SHARED / "data" / "real"


pytestmark = pytest.mark.index
pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")


@pytest.fixture(scope="module", autouse=True)
def _networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fetched once, by the command that users run, into a cache folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        expect_success("weights", "get", "blazepose_detector", "blazepose_landmarks")
        yield


@needs_shared("data/real/gmdcsa")
def test_a_person_at_home_is_found_in_meters(tmp_path: Path) -> None:
    videos = [REAL / "gmdcsa" / f"{name}.mp4" for name in ("s3_adl_07", "s3_adl_18")]
    again = ("data", "poses", *videos, "--model", "blazepose", "-o", tmp_path, "--workers", 1, "--json")
    assert json.loads(expect_success(*again).out)["done"] == 2
    for video in videos:
        poses = read_poses(tmp_path / f"{video.stem}.npz")
        seen = ~np.isnan(poses.joints).any(axis=(1, 2))
        joints = poses.joints[seen]
        assert poses.units == "meters" and joints.shape[1:] == (33, 3) and seen.mean() > 0.95
        torso = np.linalg.norm(joints[:, 11:13].mean(axis=1) - joints[:, 23:25].mean(axis=1), axis=1)
        assert 0.35 < np.median(torso) < 0.6 and limb_variation(joints) < 0.001
        assert poses.scores is not None and poses.scores[seen].mean() > 0.5 and poses.scores[~seen].sum() == 0
    assert json.loads(expect_success(*again).out)["reused"] == 2


@needs_shared("data/real/arid")
def test_a_person_in_the_dark_is_found(tmp_path: Path) -> None:
    video = REAL / "arid" / "validate" / "179.mp4"
    expect_success("data", "poses", video, "--model", "blazepose", "-o", tmp_path, "--workers", 1)
    assert (~np.isnan(read_poses(tmp_path / "179.npz").joints[:, 0, 0])).mean() > 0.9


@needs_shared("data/real/gmdcsa")
def test_odd_videos_give_poses_or_a_refusal(tmp_path: Path) -> None:
    frames = list(frames_by_time(REAL / "gmdcsa" / "s3_fall_01.mp4", 15.0, (640, 480)))[20:40]
    videos = write_odd_videos(tmp_path / "videos", frames)
    arguments = ("data", "poses", tmp_path / "videos", "--model", "blazepose", "-o", tmp_path / "poses")
    found = json.loads(expect_success(*arguments, "--workers", 1, "--allow-failures", 5, "--json").out)
    assert found["done"] + len(found["refused"]) == len(videos)
    assert {one["video"] for one in found["refused"]} <= {
        "black",
        "white",
        "thin",
        "tiny",
        "slow",
        "one_frame",
        "two_frames",
    }
    assert all(one["code"] == "E-POS-007" for one in found["refused"])


@needs_shared("data/real/fir")
def test_a_view_from_the_ceiling_is_refused(tmp_path: Path) -> None:
    video = REAL / "fir" / "video" / "20200628_144536_mlx90640_01_light_none.mp4"
    outcome = run_cli("data", "poses", video, "--model", "blazepose", "-o", tmp_path, "--workers", 1)
    assert outcome.code != 0 and "E-POS-016" in (tmp_path / "report.json").read_text()
    assert not list(tmp_path.glob("*.npz"))


@needs_shared("data/real/gmdcsa")
def test_without_the_networks_the_message_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    video = REAL / "gmdcsa" / "s3_adl_07.mp4"
    arguments = ("data", "poses", video, "--model", "blazepose", "-o", tmp_path / "poses", "--workers", 1)
    refused = run_cli(*arguments)
    assert refused.code == 3 and "augrgb weights get blazepose_detector blazepose_landmarks" in refused.err
