"""What a comparison decodes before its encoders: of every video what it has."""

from pathlib import Path

from augrgb.core.types import Dataset, VideoRecord
from augrgb.pipelines.compare import videos_by_files


def test_a_sensor_is_read_only_where_there_is_one() -> None:
    records = {
        "a": VideoRecord("a", 1.0, file=Path("a.mp4"), grid=Path("a.npz")),
        "b": VideoRecord("b", 1.0, file=Path("b.mp4")),
        "c": VideoRecord("c", 1.0, poses=Path("c.npz")),
    }
    dataset = Dataset("d", (), records)
    assert videos_by_files(dataset, ["grid", "rgb"], ["a", "b"]) == {("grid", "rgb"): ["a"], ("rgb",): ["b"]}
    assert videos_by_files(dataset, ["pose"], ["a", "c"]) == {("pose",): ["c"]}
    assert videos_by_files(dataset, ["rgb", "flow"], ["b"]) == {("flow", "rgb"): ["b"]}
