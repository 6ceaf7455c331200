"""The detector: files and frames in, plain results out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.detection.calibration import Scaling, Staircase, calibrate
from augrgb.detection.event_rule import EventRule, find_events
from augrgb.detection.pipeline import smoothed
from augrgb.encoders import SmallRGB
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.inference import Detector, GuardedDetector, load_bundle
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.inference.thresholds import Thresholds, read_thresholds, write_thresholds
from augrgb.streams.files import StreamSettings, build_stream, save_stream
from augrgb.video import decode
from augrgb.video.thumbnails import Thumbnails
from support.video_samples import square_frames, write_video

CLOCK = Clock(fps=15.0, window=8, stride=8)
CLASSES = ("walk", "sit", "drink")
FORBIDDEN = ("lightning", "lightning_fabric", "pydantic", "jinja2", "rich", "typer", "matplotlib", "ray")
FLOORS = ("augrgb.training", "augrgb.recipe", "augrgb.report", "augrgb.workflows", "augrgb.cli")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(0)
    save_encoder(folder / ENCODER_FOLDER, SmallRGB(dim=8, width=4), EncoderSettings(CLOCK, (64, 48)))
    settings = StreamSettings("rgb", "sd_tcn", 8, CLASSES, CLOCK, {"layers": 2, "width": 8})
    save_stream(folder, build_stream(settings), settings)
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write_video(tmp_path_factory.mktemp("video") / "a walk.mp4", square_frames(75, 96, 64), fps=15)


@pytest.fixture(scope="module")
def detector(bundle: Any) -> Any:
    return Detector(str(bundle), "cpu")


@pytest.fixture
def copy_of(bundle: Any, tmp_path: Path) -> Any:
    for path in bundle.rglob("*.*"):
        target = tmp_path / "copy" / path.relative_to(bundle)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return tmp_path / "copy"


def test_strings_and_paths_give_one_result_with_its_files(detector: Any, video: Any, tmp_path: Path) -> None:
    found = detector(str(video), min_score=0.1)
    again = detector(video, min_score=0.1)
    np.testing.assert_array_equal(found.scores, again.scores)
    assert found.name == "a walk" and found.duration_s == pytest.approx(5.0)
    assert found.scores.shape == found.raw_scores.shape == (len(found.times_s), 3)
    assert found.detections and found.min_scores == (0.1, 0.1, 0.1)
    assert (found.info.width, found.info.height, found.warnings) == (96, 64, ())
    found.to_json(str(tmp_path / "found.json"))
    found.to_csv(tmp_path / "found.csv")
    rows = json.loads((tmp_path / "found.json").read_text())["results"]["a walk"]
    assert [row["label"] for row in rows] == [one.label for one in found.detections]
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 1 + len(rows)


@pytest.mark.parametrize(("count", "said"), [(1, True), (7, True), (8, False)])
def test_a_video_shorter_than_a_window_is_one_snippet_and_says_so(
    detector: Any, tmp_path: Path, count: int, said: bool
) -> None:
    found = detector(write_video(tmp_path / "short.mp4", square_frames(count), fps=15))
    assert len(found.scores) == 1
    assert any("shorter than a window" in text for text in found.warnings) == said


def test_scores_are_those_the_detections_were_decoded_from(detector: Any, video: Any) -> None:
    found = detector(video, min_score=0.1)
    np.testing.assert_array_equal(found.scores, smoothed(found.raw_scores, CLOCK))
    again = find_events(found.scores, CLOCK, CLASSES, found.name, found.duration_s, rules=EventRule(on=0.1))
    assert tuple(again) == found.detections
    for one in found.detections:
        inside = (found.times_s >= one.start_s) & (found.times_s < one.end_s)
        assert one.score <= found.scores[inside, CLASSES.index(one.label)].max() + 1e-9


def test_a_file_is_opened_once_thumbnails_and_facts_included(
    detector: Any, video: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = decode.open_video
    monkeypatch.setattr(decode, "open_video", lambda path, *rest: opened.append(path) or real(path, *rest))
    strip, seen = Thumbnails(10, 32), []
    found = detector(video, thumbnails=strip, opened=seen.append)
    assert opened == [video] and seen == [found.info]
    frames = strip.frames(found.duration_s)
    assert len(frames) == 10 and {frame.shape for frame in frames} == {(32, 48, 3)}


def test_frames_from_anywhere_give_what_their_file_gives(detector: Any, tmp_path: Path) -> None:
    frames = square_frames(60, 96, 64)
    path = write_video(tmp_path / "v.mkv", frames, fps=30, pixels="yuv444p")
    decoded = list(decode.frames_by_time(path, 30, (96, 64)))
    there, here = detector(path), detector.detect_frames(iter(decoded), 30, name="v")
    assert here.scores.shape == there.scores.shape and here.duration_s == pytest.approx(there.duration_s)
    np.testing.assert_allclose(here.scores, there.scores, atol=0.02)
    assert here.info is None and here.name == "v"


@pytest.mark.parametrize(
    ("frames", "fps", "message"),
    [
        ([], 25, "E-VID-002.*no frames"),
        ([np.zeros((4, 4), np.uint8)], 25, r"E-VID-012.*frame 0 is uint8 \(4, 4\)"),
        ([np.zeros((4, 4, 3), np.float32)], 25, "E-VID-012.*float32"),
        ([np.zeros((4, 4, 3), np.uint8)], 0, "E-CFG-003 fps: must be a positive"),
    ],
)
def test_frames_that_are_none_are_refused(detector: Any, frames: Any, fps: Any, message: Any) -> None:
    with pytest.raises((InputRefused, UsageFault), match=message):
        detector.detect_frames(frames, fps)


def test_the_bundles_thresholds_are_applied_and_can_be_overruled(copy_of: Any, video: Any) -> None:
    rules = {"walk": EventRule(0.9), "sit": EventRule(0.0, min_duration=1.0), "drink": EventRule(1.0, off=0.5)}
    calibrations = {"walk": Scaling(0.5, 1.0), "drink": Staircase((0.1, 0.9), (0.2, 0.3))}
    chosen = Thresholds(rules, calibrations, {"split": "val"})
    write_thresholds(copy_of, chosen, CLASSES)
    assert read_thresholds(copy_of, CLASSES) == chosen
    detector = Detector(copy_of, "cpu")
    found = detector(video)
    assert found.min_scores == (0.9, 0.0, 1.0)
    assert {one.label for one in found.detections} == {"sit"}
    assert detector(video, min_score=0.1).min_scores == (0.1, 0.1, 0.1)
    assert detector(video, rules=EventRule(0.2)).min_scores == (0.2, 0.2, 0.2)
    changed = detector.changed_rules({"min_gap": 2.0, "on": 0.4})
    assert changed["drink"] == EventRule(0.4, off=0.4, min_gap=2.0)
    assert changed["sit"] == EventRule(0.4, min_duration=1.0, min_gap=2.0)
    calibrated = calibrate(found.raw_scores, calibrations, CLASSES)
    np.testing.assert_array_equal(found.scores, smoothed(calibrated, CLOCK))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "E-FILE-010"),
        ('{"schema": "other"}', "E-MOD-019.*'other', expected 'augrgb.thresholds/2'"),
        ('{"schema": "augrgb.thresholds/2", "rules": {"walk": {"on": "much"}}}', "E-MOD-019.*rules.walk.on is 'much'"),
        ('{"schema": "augrgb.thresholds/2", "rules": {"walk": {"on": 0.5}}}', "E-MOD-019.*none for sit, drink"),
        ('{"schema": "augrgb.thresholds/2", "rules": {"run": {"on": 0.5}}}', "E-MOD-019.*no such class"),
        ('{"schema": "augrgb.thresholds/2", "rules": {"walk": {"on": 2}, "sit": {}, "drink": {}}}', "E-MOD-019.*0, 1"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(copy_of: Any, text: Any, message: Any) -> None:
    (copy_of / "thresholds.json").write_text(text)
    with pytest.raises(InputRefused, match=message):
        load_bundle(copy_of, "cpu")


def test_a_bundle_whose_parts_do_not_fit_is_refused(copy_of: Any) -> None:
    save_encoder(copy_of / ENCODER_FOLDER, SmallRGB(dim=16, width=4), EncoderSettings(CLOCK, (64, 48)))
    with pytest.raises(InputRefused, match=r"E-MOD-020.*16 channels.*the stream takes 8"):
        load_bundle(copy_of, "cpu")
    (copy_of / ENCODER_FOLDER / "model.json").unlink()
    with pytest.raises(InputRefused, match="E-MOD-018"):
        load_bundle(copy_of, "cpu")


def test_a_plain_script_without_a_main_guard_detects(bundle: Any, video: Any, tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "import multiprocessing\n"
        "from augrgb.inference import Detector\n"
        f"found = Detector({str(bundle)!r}, 'cpu')({str(video)!r}, min_score=0.1)\n"
        "assert found.detections and not multiprocessing.active_children()\n"
        f"found.to_json({str(tmp_path / 'found.json')!r})\n"
    )
    done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "found.json").is_file()


def test_detecting_needs_neither_training_nor_recipes_nor_pages(bundle: Any, video: Any) -> None:
    program = (
        "import sys\n"
        "from augrgb.inference import Detector\n"
        f"Detector({str(bundle)!r}, 'cpu')({str(video)!r})\n"
        f"print([name for name in sys.modules if name.split('.')[0] in {FORBIDDEN} or name.startswith({FLOORS})])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_guard_imports_neither_torch_nor_a_decoder() -> None:
    program = (
        "import sys, augrgb.workflows.detect; print([n for n in ('torch', 'av', 'cv2', 'jinja2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_guarded_detector_answers_like_a_plain_one(bundle: Any, detector: Any, video: Any, tmp_path: Path) -> None:
    with GuardedDetector(bundle, "cpu") as guarded:
        there, here = guarded(video, min_score=0.1), detector(video, min_score=0.1)
        np.testing.assert_allclose(there.scores, here.scores, atol=1e-5)
        (tmp_path / "text.mp4").write_text("not a video, but text that somebody called one")
        with pytest.raises(InputRefused, match="E-VID-001"):
            guarded(tmp_path / "text.mp4")
        assert len(guarded(str(video)).scores) == len(here.scores)
