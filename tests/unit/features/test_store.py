"""Feature folders, ours and foreign."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.features.store import open_features, read_feature_file, write_features

CLOCK = Clock(15, 8, 4)
META = {"recipe": {"encoder": {"name": "a", "sha256": "1"}}, "source": {"size": 3}}


def values(seed: Any = 0, shape: Any = (7, 5)) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def refused(code: Any, text: Any, function: Any, *arguments: Any) -> None:
    with pytest.raises(InputRefused, match=text) as caught:
        function(*arguments)
    assert caught.value.code == code


def test_round_trip_with_odd_ids(tmp_path: Path) -> None:
    ids = ["a", "S01 cam/2", "..", "naïve\n", "../../etc/passwd"]
    for seed, video_id in enumerate(ids):
        path = write_features(tmp_path, video_id, values(seed), CLOCK, META)
        assert path.parent == tmp_path
    folder = open_features(tmp_path)
    assert set(folder.ids()) == set(ids) and folder.dim == 5 and folder.clock == CLOCK
    for seed, video_id in enumerate(ids):
        assert folder.has(video_id)
        track = folder.read(video_id)
        np.testing.assert_array_equal(track.values, values(seed))
        assert track.clock == CLOCK and track.values.dtype == np.float32


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    first = write_features(tmp_path / "x", "a", values(), CLOCK, META).read_bytes()
    assert all(
        write_features(tmp_path / "y", "a", values(), CLOCK, dict(reversed(META.items()))).read_bytes() == first
        for _ in range(5)
    )
    assert [path.name for path in (tmp_path / "y").iterdir()] == ["a.safetensors"]


def test_numbers_of_other_kinds(tmp_path: Path) -> None:
    for kind in (np.float16, np.float64, ">f4", np.int32):
        write_features(tmp_path, "a", np.asfortranarray(np.arange(6).reshape(3, 2).astype(kind)), CLOCK, META)
        read = open_features(tmp_path).read("a").values
        assert read.dtype == np.float32 and read.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_values_that_are_refused(tmp_path: Path) -> None:
    bad = values()
    bad[4, 2] = np.nan
    refused("E-FEA-005", "nan at snippet 4, channel 2", write_features, tmp_path, "a", bad, CLOCK, META)
    half = np.full((2, 2), np.inf, np.float16)
    refused("E-FEA-005", "float16 overflows", write_features, tmp_path, "a", half, CLOCK, META)
    refused("E-FEA-005", "not finite", write_features, tmp_path, "a", np.full((2, 2), 1e300), CLOCK, META)
    for shape in ((5,), (0, 4), (2, 3, 4)):
        refused("E-FEA-003", "shape", write_features, tmp_path, "a", np.zeros(shape), CLOCK, META)
    refused("E-FEA-018", "not real numbers", write_features, tmp_path, "a", np.array([["x"]]), CLOCK, META)
    assert not list(tmp_path.iterdir())


def test_damaged_files(tmp_path: Path) -> None:
    path = write_features(tmp_path, "a", values(), CLOCK, META)
    whole = path.read_bytes()
    for cut in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        refused("E-FEA-007", "a.safetensors: cut off or damaged", read_feature_file, path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused("E-FEA-007", "changed since", read_feature_file, path)
    path.write_bytes(safetensors.numpy.save({"features": values()}))
    refused("E-FEA-023", "not an augrgb feature file", read_feature_file, path)
    refused("E-FILE-001", "no such", read_feature_file, tmp_path / "absent.safetensors")


def test_missing_and_mixed(tmp_path: Path) -> None:
    write_features(tmp_path, "video1", values(), CLOCK, META)
    other = {**META, "recipe": {"encoder": {"name": "a", "sha256": "2"}}}
    write_features(tmp_path, "video2", values(), CLOCK, other)
    write_features(tmp_path, "video3", values(), Clock(15, 8, 8), META)
    write_features(tmp_path, "video4", values(shape=(7, 6)), CLOCK, META)
    folder = open_features(tmp_path)
    refused("E-FEA-002", "did you mean 'video1'", folder.read, "vido1")
    refused("E-FEA-010", "encoder.sha256: 1 here, 2 there", folder.read, "video2")
    refused("E-FEA-010", "clock differs", folder.read, "video3")
    refused("E-FEA-017", "6 channels", folder.read, "video4")


def test_opening(tmp_path: Path) -> None:
    refused("E-FEA-002", "no such feature folder", open_features, tmp_path / "absent")
    refused("E-FEA-002", "no features in", open_features, tmp_path)
    write_features(tmp_path, "a", values(), CLOCK, META)
    refused("E-FEA-004", "declared", open_features, tmp_path, Clock(30, 8, 4))
    np.save(tmp_path / "b.npy", values())
    refused("E-FEA-026", "both", open_features, tmp_path, CLOCK)


def test_the_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write_features(tmp_path, f"v{number}", values(), CLOCK, META)
    folder = open_features(tmp_path)
    monkeypatch.setattr("pathlib.Path.glob", lambda *_: pytest.fail("listed again"))
    monkeypatch.setattr("pathlib.Path.stat", lambda *_, **__: pytest.fail("looked at again"))
    assert sum(folder.has(f"v{number}") for number in range(100)) == 20 and len(folder.ids()) == 20


def test_foreign_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", values())
    np.save(tmp_path / "tall.npy", values()[:, None, None, :].astype(np.float64))
    refused("E-FEA-020", "time base", open_features, tmp_path)
    folder = open_features(tmp_path, CLOCK)
    assert folder.ids() == ("flat", "tall") and folder.dim == 5 and folder.clock == CLOCK
    for video_id in folder.ids():
        np.testing.assert_array_equal(folder.read(video_id).values, values())
    refused("E-FEA-002", "did you mean 'flat'", folder.read, "flta")


def test_transposed_npy_needs_a_declared_width(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.save(tmp_path / "a.npy", values())
    np.save(tmp_path / "b.npy", np.ascontiguousarray(values().T))
    np.testing.assert_array_equal(open_features(tmp_path, CLOCK, 5).read("b").values, values())
    assert "turned" in caplog.text
    refused("E-FEA-017", "5 channels", open_features(tmp_path, CLOCK).read, "b")
    refused("E-FEA-017", "9 channels", open_features(tmp_path, CLOCK, 9).read, "a")


def test_npy_that_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "crops.npy", np.zeros((10, 7, 5)))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(tmp_path / "nan.npy", np.full((3, 5), np.nan))
    whole = (tmp_path / "nan.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-5])
    (tmp_path / "empty.npy").write_bytes(b"")
    folder = open_features(tmp_path, CLOCK, 5)
    refused("E-FEA-003", "averaged", folder.read, "crops")
    refused("E-FILE-013", "pickled", folder.read, "objects")
    refused("E-FEA-005", "nan at snippet 0", folder.read, "nan")
    refused("E-FEA-007", "damaged", folder.read, "cut")
    refused("E-FEA-007", "damaged", folder.read, "empty")


def test_metadata_is_readable_without_us(tmp_path: Path) -> None:
    path = write_features(tmp_path, "a", values(), CLOCK, META)
    with safetensors.safe_open(path, framework="numpy") as handle:
        described = json.loads(handle.metadata()["augrgb"])
    assert described["clock"] == CLOCK.to_json() and described["source"] == {"size": 3}
