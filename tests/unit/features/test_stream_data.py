from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.features.store import open_features, write_features
from augrgb.features.stream_data import StreamData, feature_statistics

RGB = Clock(fps=16.0, window=8, stride=8)
POSE = Clock(fps=16.0, window=4, stride=4)


@dataclass
class FakeTrack:
    values: np.ndarray
    clock: Clock
    stored: np.ndarray | None = None


class FakeFeatures:
    def __init__(self, tracks: dict[str, np.ndarray], clock: Clock = RGB) -> None:
        self.folder, self.tracks, self.clock, self.reads = Path("fake"), tracks, clock, 0
        self.dim = next(iter(tracks.values())).shape[1]
        self.folder = Path("fake")

    def ids(self) -> tuple[str, ...]:
        return tuple(self.tracks)

    def has(self, video_id: str) -> bool:
        return video_id in self.tracks

    def read(self, video_id: str) -> FakeTrack:
        self.reads += 1
        return FakeTrack(self.tracks[video_id], self.clock)


def track(count: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def dataset(**counts: int) -> Dataset:
    videos = {v: VideoRecord(v, count * 0.5, events=(Event("walk", 0.5, 1.0),)) for v, count in counts.items()}
    return Dataset("toy", ("sit", "walk"), videos)


def test_collate_pads_masks_and_labels() -> None:
    rgb = FakeFeatures({"a": track(5, 3), "b": track(3, 3, 1)})
    data = StreamData(dataset(a=5, b=3), ["a", "b"], {"rgb": rgb}, grid="rgb", labelled={"a"})
    batch = data.collate([1, 0])
    assert batch.video_ids == ("b", "a") and batch.indices.tolist() == [1, 0]
    assert batch.mask.sum(1).tolist() == [3, 5] and batch.labelled.tolist() == [False, True]
    torch.testing.assert_close(batch.features["rgb"][0, :3], torch.from_numpy(rgb.tracks["b"]))
    assert batch.features["rgb"][0, 3:].abs().sum() == 0
    assert batch.labels[1, :, 1].tolist() == [0, 1, 0, 0, 0]
    assert batch.labels[0].sum() == 0, "labels of an unlabelled video must not be seen"


def test_a_cut_is_the_same_rows_of_everything() -> None:
    rgb, pose = FakeFeatures({"a": track(8, 3)}), FakeFeatures({"a": track(16, 2, 1)}, POSE)
    data = StreamData(dataset(a=8), ["a"], {"rgb": rgb, "pose": pose}, grid="rgb")
    whole, part = data.collate([0]), data.collate([0], 3, starts=[1])
    assert part.mask.shape == (1, 3)
    for name in ("rgb", "pose"):
        torch.testing.assert_close(part.features[name], whole.features[name][:, 1:4])
    torch.testing.assert_close(part.labels, whole.labels[:, 1:4])


def test_modalities_are_aligned_by_time() -> None:
    counting = np.arange(16, dtype=np.float32)[:, None]
    pose = FakeFeatures({"a": counting}, POSE)
    data = StreamData(dataset(a=8), ["a"], {"rgb": FakeFeatures({"a": track(8, 3)}), "pose": pose}, grid="rgb")
    values, there = data.aligned(0, "pose")
    assert there.all()
    centers = POSE.centers_s(16)[values[:, 0].astype(int)]
    assert np.abs(centers - RGB.centers_s(8)).max() <= POSE.stride_s / 2 + 1e-9


def test_ends_may_differ_by_one_stride_and_no_more() -> None:
    rgb = FakeFeatures({"a": track(8, 3)})
    one_less = StreamData(dataset(a=8), ["a"], {"rgb": rgb, "flow": FakeFeatures({"a": track(7, 2)})}, grid="rgb")
    assert one_less.aligned(0, "flow")[1].tolist() == [True] * 8
    far = StreamData(dataset(a=8), ["a"], {"rgb": rgb, "flow": FakeFeatures({"a": track(5, 2)})}, grid="rgb")
    with pytest.raises(AugrgbError, match=r"E-FEA-004 a: flow has 5 snippets .*rgb 8 snippets"):
        far.collate([0])


def test_a_wrong_clock_is_refused() -> None:
    data = StreamData(dataset(a=8), ["a"], {"rgb": FakeFeatures({"a": track(20, 3)})}, grid="rgb")
    with pytest.raises(AugrgbError, match="E-FEA-004"):
        data.collate([0])


def test_nan_is_refused_with_its_first_place() -> None:
    values = track(6, 3)
    values[2, 1] = np.nan
    source = {"rgb": FakeFeatures({"a": values})}
    with pytest.raises(AugrgbError, match=r"E-FEA-005 a: .*\(2, 1\)"):
        StreamData(dataset(a=6), ["a"], source, grid="rgb").collate([0])


def test_missing_videos_are_listed_together_or_counted(caplog: pytest.LogCaptureFixture) -> None:
    rgb = FakeFeatures({"a": track(4, 3), "b": track(4, 3)})
    flow = FakeFeatures({"a": track(4, 2), "c": track(4, 2)})
    features = {"rgb": rgb, "flow": flow}
    data = dataset(a=4, b=4, c=4)
    with pytest.raises(AugrgbError) as caught:
        StreamData(data, "abc", features, grid="rgb")
    assert "no rgb features: c" in str(caught.value) and "no flow features: b" in str(caught.value)
    with caplog.at_level(logging.WARNING):
        allowed = StreamData(data, "abc", features, grid="rgb", allow_missing=2)
    assert allowed.video_ids == ("a", "b") and allowed.missing == {"rgb": ("c",), "flow": ("b",)}
    assert "1 of 3 videos have no rgb" in caplog.text
    batch = allowed.collate([0, 1])
    assert batch.available["flow"].any(1).tolist() == [True, False] and batch.mask.all()


def test_a_modality_missing_everywhere_is_refused_even_if_allowed() -> None:
    features = {"rgb": FakeFeatures({"a": track(4, 3)}), "flow": FakeFeatures({"z": track(4, 2)})}
    with pytest.raises(AugrgbError, match="1 of 1 videos have no flow"):
        StreamData(dataset(a=4), ["a"], features, grid="rgb", allow_missing=9)


def test_never_annotated_is_not_empty() -> None:
    data = Dataset("toy", ("sit", "walk"), {"a": VideoRecord("a", 2.0, events=None)})
    features = {"rgb": FakeFeatures({"a": track(4, 3)})}
    with pytest.raises(AugrgbError, match="E-SPL-005 a"):
        StreamData(data, ["a"], features, grid="rgb")
    assert len(StreamData(data, ["a"], features, grid="rgb", labelled=())) == 1


@pytest.mark.parametrize(("budget", "reads"), [(10**6, 1), (0, 3)])
def test_features_are_kept_up_to_the_budget(budget: Any, reads: Any) -> None:
    rgb = FakeFeatures({"a": track(4, 3)})
    data = StreamData(dataset(a=4), ["a"], {"rgb": rgb}, grid="rgb", memory_bytes=budget)
    data.count(0)
    before = rgb.reads
    data.collate([0])
    data.collate([0])
    assert rgb.reads - before <= 2 * reads and (rgb.reads == 1) == (budget > 0)


def folders_of(tmp_path: Path, tracks: Any) -> Any:
    """The same features as our own files, as float16 and as float32 `.npy` files."""
    for name, values in tracks.items():
        write_features(tmp_path / "ours", name, values, RGB, {})
        for kind in (np.float16, np.float32):
            (tmp_path / kind.__name__).mkdir(exist_ok=True)
            np.save(tmp_path / kind.__name__ / f"{name}.npy", values.astype(kind))
    return [open_features(tmp_path / "ours")] + [open_features(tmp_path / kind, RGB) for kind in ("float16", "float32")]


def test_features_that_stay_in_their_files_cost_no_memory_and_are_the_same(tmp_path: Path) -> None:
    tracks = {
        name: track(count, 3, count).astype(np.float16).astype(np.float32) for name, count in (("a", 9), ("b", 5))
    }
    expected = StreamData(dataset(a=9, b=5), ["a", "b"], {"rgb": FakeFeatures(tracks)}, grid="rgb").collate([1, 0])
    for folder in folders_of(tmp_path, tracks):
        data = StreamData(dataset(a=9, b=5), ["a", "b"], {"rgb": folder}, grid="rgb", memory_bytes=0)
        first = data.collate([1, 0])
        assert torch.equal(first.features["rgb"], expected.features["rgb"]) and torch.equal(first.mask, expected.mask)
        first.features["rgb"].zero_()  # a batch is nobody else's
        values, there = data.aligned(0, "rgb")
        assert values.dtype == np.float32 and there.all()
        np.testing.assert_array_equal(values, tracks["a"])
        assert torch.equal(data.collate([1, 0]).features["rgb"], expected.features["rgb"])
        assert folder.read("a").stored.dtype == (np.float16 if folder.folder.name == "float16" else np.float32)
        assert {key[0] for key in data._kept} == {"a", "b"}


def test_statistics_equal_numpy_and_tell_constant_channels(caplog: pytest.LogCaptureFixture) -> None:
    rgb = FakeFeatures({"a": track(40, 3) + 1000, "b": track(30, 3, 1) + 1000})
    for values in rgb.tracks.values():
        values[:, 2] = 5
    data = StreamData(dataset(a=40, b=30), ["a", "b"], {"rgb": rgb}, grid="rgb")
    with caplog.at_level(logging.WARNING):
        mean, std = feature_statistics(data, "rgb")
    rows = np.concatenate(list(rgb.tracks.values())).astype(np.float64)
    np.testing.assert_allclose(mean, rows.mean(0), rtol=1e-6)
    np.testing.assert_allclose(std, rows.std(0), rtol=1e-5, atol=1e-6)
    assert "variance 0 in 1 of 3" in caplog.text


def test_unknown_grid() -> None:
    with pytest.raises(AugrgbError, match="did you mean 'rgb'"):
        StreamData(dataset(a=4), ["a"], {"rgb": FakeFeatures({"a": track(4, 3)})}, grid="rbg")


def test_features_under_other_ids_are_not_missing() -> None:
    rgb = FakeFeatures({"v_a": track(5, 3), "v_b": track(3, 3, 1)})
    data = StreamData(dataset(a=5, b=3), ["a", "b"], {"rgb": rgb}, grid="rgb")
    assert data.video_ids == ("a", "b") and data.missing == {"rgb": ()}
    np.testing.assert_array_equal(data.aligned(1, "rgb")[0], rgb.tracks["v_b"])
