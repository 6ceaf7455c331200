"""A video that is unlike the training videos is said to be, one line for each kind; one that is like them is not."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import AugrgbError
from augrgb.inference.detector import Detector
from augrgb.inference.training_facts import (
    TrainingFacts,
    distances,
    read_training_facts,
    with_mean,
    write_training_facts,
)
from augrgb.video.decode import DecodeReport
from augrgb.video.video_info import VideoInfo

FACTS = TrainingFacts(
    ("fall",), 10, 0.5, ("hall",), 3, (640, 640), (360, 480), (15.0, 30.0), (80.0, 140.0), (0.0, 1.0, 5.0),
    (1.0, 2.0, 0.0), 0.4,
)  # fmt: skip


def report(
    width: int = 640, height: int = 480, fps: float = 25.0, level: float = 100.0, shift: float = 0.1
) -> DecodeReport:
    info = VideoInfo(Path("v.mp4"), width, height, fps, 10.0, 250, "h264", "mp4", "yuv420p", 0, False, False)
    mean = np.array([shift, 1 + 2 * shift, 5.0])
    return DecodeReport(info=info, level_sum=level * 3, level_count=3, feature_mean=mean)


def test_a_video_like_the_training_videos_gives_no_warning() -> None:
    assert FACTS.unlike(report()) == []
    assert FACTS.unlike(report(480, 360, 30.0, 66.0)) == []
    assert FACTS.unlike(DecodeReport()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 3840, "height": 2160}, ["3840 x 2160", "640 x 360 to 480"]),
        ({"width": 160, "height": 90}, ["160 x 90"]),
        ({"width": 360, "height": 640}, ["another shape", "360 x 640"]),
        ({"fps": 5.0}, ["5 frames a second", "15 to 30"]),
        ({"level": 12.0}, ["darker", "12 of 255", "80 to 140"]),
        ({"level": 240.0}, ["brighter"]),
        ({"shift": 0.9}, ["0.90 standard deviations", "up to 0.40"]),
    ],
)
def test_each_kind_of_difference_is_one_line_with_numbers(changes: dict[str, float], words: list[str]) -> None:
    (line,) = FACTS.unlike(report(**changes))  # type: ignore[arg-type]
    assert all(word in line for word in words) and "scores may mean nothing" in line


def test_several_kinds_are_several_lines() -> None:
    assert len(FACTS.unlike(report(3840, 2160, 5.0, 5.0, 2.0))) == 4


def test_they_are_kept_beside_the_model(tmp_path: Path) -> None:
    assert read_training_facts(tmp_path) is None
    path = write_training_facts(tmp_path, FACTS)
    assert read_training_facts(tmp_path) == FACTS
    unknown = dataclasses.replace(FACTS, distance=float("nan"))
    write_training_facts(tmp_path, unknown)
    again = read_training_facts(tmp_path)
    assert again is not None and np.isnan(again.distance) and again.unlike(report(shift=9.0)) == []
    for text in (
        "[]",
        '{"schema": "x"}',
        path.read_text().replace('"widths"', '"width"'),
    ):
        path.write_text(text)
        with pytest.raises(AugrgbError, match=r"E-MOD-098|E-FILE-018"):
            read_training_facts(tmp_path)


def test_the_mean_of_pieces_is_that_of_all_rows() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    found = DecodeReport()
    pieces = list(with_mean(iter([rows[:7], rows[7:40], rows[40:]]), found))
    assert found.feature_mean is not None and np.allclose(found.feature_mean, rows.mean(axis=0), atol=1e-6)
    assert np.array_equal(np.concatenate(pieces), rows)
    assert distances([np.array([1.0, 3.0, 5.0])] * 4, FACTS) == pytest.approx(1.0)


def test_a_detector_warns_of_a_video_that_is_unlike_its_training(toy_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_folder / "model", tmp_path / "model")
    video = toy_folder / "clips" / "a.mp4"
    calm = Detector(tmp_path / "model")(video)
    assert calm.warnings == ()
    # The clip is 32 x 32 noise at 12 frames a second.
    like = TrainingFacts(("walk", "sit"), 3, 0.1, (), 0, (32, 32), (32, 32), (12.0, 12.0), (110.0, 140.0))
    write_training_facts(tmp_path / "model", like)
    assert Detector(tmp_path / "model")(video).warnings == ()
    unlike = dataclasses.replace(like, widths=(640, 640), heights=(480, 480), fps=(30.0, 30.0), brightness=(5.0, 9.0))
    write_training_facts(tmp_path / "model", unlike)
    warnings = Detector(tmp_path / "model")(video).warnings
    assert len(warnings) == 3 and "32 x 32" in warnings[0] and "12 frames a second" in warnings[1]
    assert "brighter" in warnings[2]
    found = Detector(tmp_path / "model")
    assert found.bundle.training is not None
    frames = [np.full((32, 32, 3), 7, np.uint8)] * 12
    assert not any("bright" in text or "dark" in text for text in found.detect_frames(frames, 12.0).warnings)
    assert np.array_equal(found(video).scores, calm.scores)
