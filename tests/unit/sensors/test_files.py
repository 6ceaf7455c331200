"""Sensor files: hostile ones give one clear message; good ones follow the time of the video."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.sensors.csv_import import read_csv, write_sensor
from augrgb.sensors.files import SensorFile, read_sensor, sensor_frames

GOOD: dict[str, Any] = {"values": np.ones((20, 3), np.float32), "fps": 10.0}


def written(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("change", "modality", "code", "message"),
    [
        ({"values": np.ones((20, 3, 4))}, "signal", "E-SEN-002", r"\(20, 3, 4\)"),
        ({"values": np.ones((20, 3))}, "grid", "E-SEN-002", "height, width"),
        ({"values": np.ones((0, 3))}, "signal", "E-SEN-002", r"\(0, 3\)"),
        ({"values": np.array(["a"] * 20)[:, None]}, "signal", "E-SEN-002", "<U1"),
        ({"values": np.ones((20, 3), complex)}, "signal", "E-SEN-002", "complex"),
        ({"values": np.where(np.eye(20, 3), np.nan, 1)}, "signal", "E-SEN-004", "3 values.*row 0"),
        ({"values": np.full((20, 3), 1e300)}, "signal", "E-SEN-004", "60 values"),
        ({"fps": 0.0}, "signal", "E-SEN-002", "fps is 0"),
        ({"fps": -8.2}, "signal", "E-SEN-002", "fps is -8.2"),
        ({"fps": np.nan}, "signal", "E-SEN-002", "fps is nan"),
        ({"fps": [1.0, 2.0]}, "signal", "E-SEN-002", "expected one number"),
        ({"start": np.inf}, "signal", "E-SEN-002", "start is inf"),
        ({"values": np.array([{}] * 20)[:, None]}, "signal", "E-FILE-013", "pickled"),
    ],
)
def test_files_that_cannot_be_a_sensor(tmp_path: Path, change: Any, modality: str, code: str, message: str) -> None:
    path = written(tmp_path / "a.npz", **GOOD | change)
    with pytest.raises(InputRefused, match=f"{code}.*{message}"):
        read_sensor(path, modality)


def test_absent_damaged_and_incomplete_files(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-FILE-001"):
        read_sensor(tmp_path / "a.npz", "grid")
    (tmp_path / "b.npz").write_bytes(b"PK no archive")
    with pytest.raises(InputRefused, match="E-SEN-001"):
        read_sensor(tmp_path / "b.npz", "grid")
    with pytest.raises(InputRefused, match=r"E-SEN-002.*without fps; found values"):
        read_sensor(written(tmp_path / "c.npz", values=np.ones((3, 3))), "signal")


def test_frames_are_measurements_at_their_times() -> None:
    seconds = np.arange(100) / 10
    sensor = SensorFile((seconds + 1.0)[:, None].astype(np.float32), 10.0, start_s=1.0)
    frames, warnings = sensor_frames(Path("a.npz"), sensor, 25.0, 11.0)
    assert frames.shape == (275, 1) and not warnings
    np.testing.assert_allclose(frames[25:270, 0], np.arange(25, 270) / 25, atol=1e-5)
    np.testing.assert_allclose(frames[:25], 1.0)  # before it began
    slow, _ = sensor_frames(Path("a.npz"), sensor, 2.0, 11.0)
    np.testing.assert_allclose(slow[3:20, 0], np.arange(3, 20) / 2, atol=0.06)


def test_a_sensor_that_does_not_cover_its_video_is_refused() -> None:
    sensor = SensorFile(np.ones((100, 2), np.float32), 10.0)
    with pytest.raises(InputRefused, match=r"E-SEN-005.*covers 10\.0 s of a video of 20\.0 s: 100 rows at fps 10"):
        sensor_frames(Path("a.npz"), sensor, 10.0, 20.0)
    with pytest.raises(InputRefused, match="E-SEN-005"):
        sensor_frames(Path("a.npz"), SensorFile(sensor.values, 10.0, -50.0), 10.0, 10.0)
    assert "goes on for 5.0 s" in sensor_frames(Path("a.npz"), sensor, 10.0, 5.0)[1][0]


def test_csv_with_uneven_times(tmp_path: Path) -> None:
    path = tmp_path / "wrist.csv"
    path.write_text("time;ax;note\n0;1,0;5\n20;;5\n41;3,0;5\n60;4,0;5\n")
    sensor = read_csv(path, unit_s=0.001, columns=["ax"], fps=50, start_s=0.5)
    np.testing.assert_allclose(sensor.values[:, 0], [1, 1 + 2 * 20 / 41, 1 + 2 * 40 / 41, 4], atol=1e-5)
    write_sensor(tmp_path / "wrist.npz", sensor)
    again = read_sensor(tmp_path / "wrist.npz", "signal")
    assert again.fps == 50 and again.start_s == 0.5


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("t,x\n0,1\n1,two\n", "E-SEN-006", "line 3, column 'x': 'two'"),
        ("t,x\n0,1\n1\n", "E-SEN-006", "line 3 has 1 cells"),
        ("t,x\n\n0,1\n\n1,two\n", "E-SEN-006", "line 5, column 'x': 'two'"),
        ("t,x\n1,1\n0,2\n", "E-SEN-006", "not a later time"),
        ("0,1\n1,2\n2,3\n", "E-SEN-006", "not a header"),
        ("t,x\n", "E-SEN-006", "1 lines"),
        ("a,x\n0,1\n1,2\n", "E-SEN-007", "no column of times"),
        ("t,x\n0,1\n1,\n2,\n3,\n4,2\n", "E-SEN-004", "nothing from 0.00 to 4.00"),
        ("t,x\n0,nan\n1,nan\n", "E-SEN-004", "no number"),
    ],
)
def test_csv_files_that_cannot_be_read(tmp_path: Path, text: str, code: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputRefused, match=f"{code}.*{message}"):
        read_csv(path)
