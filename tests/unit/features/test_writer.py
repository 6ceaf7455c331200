"""Feature files written piece by piece equal those written at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.core.timeline import Clock
from augrgb.features import writer as feature_stream
from augrgb.features.store import read_feature_file, write_features
from augrgb.features.writer import FeatureWriter, describe_file, verify_features

CLOCK = Clock(15, 8, 8)
METADATA = {"recipe": {"encoder": 'é"\\\n'}, "source": {"sha256": "0"}, "warnings": ["tab\there", "Ω"]}


def write(folder: Any, values: Any, piece: Any = 16, video_id: Any = "S01 é/1", metadata: Any = METADATA) -> Any:
    with FeatureWriter(folder, video_id, CLOCK) as writer:
        for start in range(0, len(values), piece):
            writer.append(values[start : start + piece])
        return writer.finish(metadata)


@pytest.mark.parametrize("shape", [(1, 1), (16, 3), (101, 7), (9000, 5)])
@pytest.mark.parametrize("in_memory", [0, 2**25])
def test_bytes_are_those_of_write_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Any, in_memory: Any
) -> None:
    monkeypatch.setattr(feature_stream, "_IN_MEMORY_BYTES", in_memory or 1)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = write_features(tmp_path / "a", "S01 é/1", values, CLOCK, METADATA)
    path = write(tmp_path / "b", values)
    assert path.read_bytes() == expected.read_bytes() and path.name == expected.name
    read, described = read_feature_file(path)
    np.testing.assert_array_equal(read, values)
    assert verify_features(path) == (len(values), described) == describe_file(path)
    assert [one.name for one in (tmp_path / "b").iterdir()] == [path.name]


def test_damage_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, np.ones((50, 4), np.float32))
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:40], b"", whole[:-2] + b"\x00\x00"):
        path.write_bytes(damaged)
        with pytest.raises(InputRefused, match="E-FEA-007"):
            verify_features(path)
    path.unlink()
    with pytest.raises(InputRefused, match="E-FILE-001"):
        verify_features(path)


def test_values_that_are_no_features(tmp_path: Path) -> None:
    values = np.ones((40, 3), np.float32)
    values[33, 1] = np.inf
    with pytest.raises(InputRefused, match=r"E-FEA-005.*snippet 33, channel 1"):
        write(tmp_path, values)
    with pytest.raises(InputRefused, match="E-FEA-003"):
        write(tmp_path, np.ones((0, 3), np.float32))
    with FeatureWriter(tmp_path, "a", CLOCK) as writer:
        writer.append(np.ones((2, 3), np.float32))
        with pytest.raises(InputRefused, match="E-FEA-017"):
            writer.append(np.ones((2, 4), np.float32))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_while_pieces_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FeatureWriter(tmp_path, "a", CLOCK) as writer:

        def full(_: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(writer._pieces, "write", full)
        with pytest.raises(EnvironmentFault, match=r"E-ENV-001.*No space left"):
            writer.append(np.ones((2, 3), np.float32))
    assert not list(tmp_path.iterdir())
