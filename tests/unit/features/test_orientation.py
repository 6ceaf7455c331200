"""Third-party features that are stored as (C, T), in an archive, or on another clock than declared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.features.check import feature_findings
from augrgb.features.orientation import matched
from augrgb.features.store import open_features
from augrgb.features.stream_data import StreamData

CLOCK = Clock(25.0, 16, 8)
VIDEOS = {f"v{i}": VideoRecord(f"v{i}", 60.0, events=(Event("cut", 2.0, 9.0),)) for i in range(3)}
DATASET = Dataset("d", ("cut",), VIDEOS)
ANNOTATIONS = AnnotationSet(("cut",), VIDEOS)


def save(folder: Path, shapes: list[tuple[int, ...]]) -> np.random.Generator:
    rng = np.random.default_rng(0)
    for number, shape in enumerate(shapes):
        np.save(folder / f"v{number}.npy", rng.random(shape, np.float32))
    return rng


def codes(folder: Path) -> list[tuple[str, str]]:
    return [(f.code, f.action) for f in feature_findings(ANNOTATIONS, [folder], CLOCK)]


def test_the_lengths_of_the_videos_prove_that_arrays_are_turned(tmp_path: Path) -> None:
    save(tmp_path, [(32, 186)] * 3)
    assert codes(tmp_path) == [("E-FEA-031", "noted")]
    data = StreamData(DATASET, list(VIDEOS), {"rgb": open_features(tmp_path, CLOCK)}, grid="rgb")
    values, _ = data.aligned(0, "rgb")
    np.testing.assert_array_equal(values, np.load(tmp_path / "v0.npy").T)


def test_shapes_alone_show_it_where_videos_differ_in_length(tmp_path: Path) -> None:
    save(tmp_path, [(32, 100), (32, 140), (32, 180)])
    folder = open_features(tmp_path, CLOCK)
    assert folder.dim == 32 and folder.read("v1").values.shape == (140, 32)
    save(tmp_path, [(100, 32), (140, 32), (180, 32)])
    assert open_features(tmp_path, CLOCK).read("v1").values.shape == (140, 32)


def test_what_is_right_is_left_alone(tmp_path: Path) -> None:
    save(tmp_path, [(186, 32)] * 3)
    assert codes(tmp_path) == []
    save(tmp_path, [(186, 186)] * 3)
    assert codes(tmp_path) == []


def test_a_snippet_per_frame_is_another_clock(tmp_path: Path) -> None:
    save(tmp_path, [(32, 1500)] * 3)
    found = feature_findings(ANNOTATIONS, [tmp_path], CLOCK)
    assert {(f.code, f.action) for f in found} == {("E-FEA-012", "refused")}
    assert "read as (C, T), it has one snippet per frame: its stride is 1, not 8" in found[0].detail
    data = StreamData(DATASET, list(VIDEOS), {"rgb": open_features(tmp_path, CLOCK)}, grid="rgb")
    with pytest.raises(InputRefused, match=r"E-FEA-004.*its stride is 1, not 8"):
        data.aligned(0, "rgb")


def test_archives(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((186, 32), np.float32)
    np.savez(tmp_path / "v0.npz", values)
    np.savez_compressed(tmp_path / "v1.npz", feats=values, times=np.arange(186))
    folder = open_features(tmp_path, CLOCK)
    assert folder.ids() == ("v0", "v1")
    for video_id in folder.ids():
        np.testing.assert_array_equal(folder.read(video_id).values, values)
    np.savez(tmp_path / "v2.npz", rgb=values, flow=values)
    with pytest.raises(AugrgbError, match=r"E-FEA-003.*2 arrays \(rgb, flow\)"):
        folder = open_features(tmp_path, CLOCK)
        folder.read("v2")
    whole = (tmp_path / "v0.npz").read_bytes()
    (tmp_path / "v2.npz").write_bytes(whole[:-40])
    with pytest.raises(AugrgbError, match="E-FEA-007"):
        open_features(tmp_path, CLOCK).read("v2")
    np.save(tmp_path / "v0.npy", values)
    with pytest.raises(AugrgbError, match="E-ID-001"):
        open_features(tmp_path, CLOCK)


def test_a_folder_is_matched_to_all_videos_of_a_dataset(tmp_path: Path) -> None:
    """Its width and its names are those that training sees, whichever of its videos is read first."""
    for name in VIDEOS:
        np.save(tmp_path / f"x_{name}.npy", np.zeros((32, 186), np.float32))
    folder = matched(open_features(tmp_path, CLOCK), VIDEOS)
    assert folder.dim == 32 and folder.has("v1") and folder.read("v1").values.shape == (186, 32)
    assert matched(folder, {"v2": VIDEOS["v2"]}) is folder


def test_a_folder_of_other_files_is_told_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "v0.pt").write_bytes(b"PK")
    with pytest.raises(InputRefused, match=r"E-FEA-002.*it holds 1 \.pt.*as \.npy"):
        open_features(tmp_path, CLOCK)
