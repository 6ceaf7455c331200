"""Poses from real video with the published networks, where their files are (`augrgb weights get`)."""

import json
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.poses.blazepose import find_blazepose
from augrgb.poses.files import read_poses
from augrgb.poses.view_check import limb_variation
from support.places import SHARED, needs_shared
from support.tiny_project import expect_success, run_cli

REAL = SHARED / "data" / "real"


@pytest.fixture(autouse=True)
def _networks(request: pytest.FixtureRequest) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    if request.node.get_closest_marker("index") is not None:
        return  # fetches them itself
    try:
        find_blazepose()
    except InputRefused:
        pytest.skip("needs augrgb weights get blazepose_detector blazepose_landmarks")


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


@needs_shared("data/real/fir")
def test_a_view_from_the_ceiling_is_refused(tmp_path: Path) -> None:
    video = REAL / "fir" / "video" / "20200628_144536_mlx90640_01_light_none.mp4"
    outcome = run_cli("data", "poses", video, "--model", "blazepose", "-o", tmp_path, "--workers", 1)
    assert outcome.code != 0 and "E-POS-016" in (tmp_path / "report.json").read_text()
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.index
@needs_shared("data/real/gmdcsa")
def test_from_the_index_to_poses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user types, in an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    video = REAL / "gmdcsa" / "s3_adl_07.mp4"
    arguments = ("data", "poses", video, "--model", "blazepose", "-o", tmp_path / "poses", "--workers", 1)
    refused = run_cli(*arguments)
    assert refused.code == 3 and "augrgb weights get blazepose_detector blazepose_landmarks" in refused.err
    expect_success("weights", "get", "blazepose_detector", "blazepose_landmarks")
    expect_success(*arguments)
    assert read_poses(tmp_path / "poses" / "s3_adl_07.npz").joints.shape[1:] == (33, 3)
