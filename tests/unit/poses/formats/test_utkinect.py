"""UTKinect: skeletons by frame number, labels in the same time, the shared copy of the dataset."""

from pathlib import Path

import numpy as np
import pytest

from augrgb.annotations.choose_format import detect_format
from augrgb.annotations.coverage import Untimed
from augrgb.annotations.formats import UTKinect
from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.errors import AugrgbError
from augrgb.encoders import ENCODERS
from augrgb.poses.formats import read_skeletons
from augrgb.poses.layouts import LAYOUTS
from support.places import SHARED, needs_shared

LABELS = "s01_e01\nwalk: 40 51\nsitDown: 60 71 \n\ns01_e02\nwalk: 4 9\ncarry:  NaN NaN\n"


def line(number: int, *, x: float = 0.5) -> str:
    return " ".join([str(number), *(f"{x + joint / 100:.6f} 0.1 2.0" for joint in range(20))])


def test_frames_are_placed_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "joints_s01_e01.txt"
    path.write_text("\n".join([line(40), line(40, x=0.7), line(44), line(46)]) + "\n")
    found = read_skeletons(path)
    assert (found.frames, found.fps, found.layout) == (4, 15.0, "kinect20")
    (track,) = found.people
    assert track.frames.tolist() == [0, 2, 3]  # of two lines with one number the last counts
    assert track.joints[0, 0, 0] == np.float32(0.7) and track.joints[1, 1, 0] == np.float32(0.51)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("1 2 3\n" + line(2), "3 numbers"), (line(2) + "\n4 x\n", "2 numbers"), (line(2).replace("0.1", "nan"), "NaN")],
)
def test_lines_that_cannot_be_read(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(AugrgbError, match=rf"E-POS-013.*{problem}"):
        read_skeletons(path, "utkinect-joints")


def test_labels_count_from_the_first_frame_of_the_skeletons(tmp_path: Path) -> None:
    (tmp_path / "actionLabel.txt").write_text(LABELS)
    (tmp_path / "joints_s01_e01.txt").write_text("\n".join(line(number) for number in range(40, 80, 2)))
    assert detect_format(tmp_path) == detect_format(tmp_path / "actionLabel.txt") == "utkinect"
    found = UTKinect().read(tmp_path)
    assert found.classes == ("carry", "sitDown", "walk") and found.videos["s01_e01"].subject == "s01"
    events = found.videos["s01_e01"].events
    assert events is not None
    assert [(e.label, round(30 * e.start_s), round(30 * e.end_s)) for e in events] == [
        ("walk", 0, 12),
        ("sitDown", 20, 32),
    ]
    without = found.videos["s01_e02"].events  # no skeletons beside the labels: frames count from 0
    assert without is not None and without[0].start_s == pytest.approx(4 / 30)


def test_an_action_without_frame_numbers_may_be_anywhere(tmp_path: Path) -> None:
    (tmp_path / "actionLabel.txt").write_text(LABELS)
    judged = read_and_judge(Source(tmp_path))
    assert judged.annotations is not None
    video = judged.annotations.videos["s01_e02"]
    assert [event.label for event in video.events or ()] == ["walk"]
    assert [(region.label, region.start_s) for region in video.ignored] == [("carry", 0.0)]
    assert [finding.code for finding in judged.findings] == ["E-ANN-018"]


@pytest.mark.parametrize("text", ["s01_e01\nwalk: 1\n", "s01_e01\nwalk: 1 x\n", "s01_e01\nwalk: 1 2\ns01_e01\n"])
def test_labels_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "actionLabel.txt").write_text(text)
    with pytest.raises(AugrgbError, match=r"E-ANN-005|E-ID-001"):
        UTKinect().read(tmp_path)


@pytest.mark.parametrize("name", ["small_pose", "agcn", "stgcn_pp"])
def test_the_skeleton_encoders_take_kinect20(name: str) -> None:
    layout = LAYOUTS["kinect20"]
    encoder = ENCODERS[name](names=layout.names, parents=layout.parents).eval()
    windows = np.random.default_rng(0).normal(size=(2, 16, 20, 3)).astype(np.float32)
    assert encoder(encoder.prepare(windows)).shape == (2, encoder.dim)


@needs_shared("data/real/utkinect")
def test_the_shared_copy() -> None:
    folder = SHARED / "data" / "real" / "utkinect" / "joints"
    found = UTKinect().read(folder)
    assert (len(found.videos), len(found.classes)) == (20, 10)
    listed = [event for video in found.videos.values() for event in video.events or ()]
    assert len(listed) == 200 and sum(isinstance(event, Untimed) for event in listed) == 1
    for name in ("s01_e01", "s05_e02"):
        recording = read_skeletons(folder / f"joints_{name}.txt")
        heads, feet = recording.people[0].joints[:, 3, 1], recording.people[0].joints[:, 15, 1]
        assert (heads > feet).mean() > 0.95
        last = max(event.end_s for event in found.videos[name].events or ())
        assert recording.frames / recording.fps >= last - 1
