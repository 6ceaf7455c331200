"""`augrgb detect` as a user meets it: every kind of file it writes, real clips, and videos that harm the decoder."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from augrgb.annotations.formats.elan import Elan
from augrgb.core.types import Detection
from augrgb.detection.readers import read_subtitles
from augrgb.inference import Detector, supervisor
from augrgb.inference.stored_detections import store_detections, stored_detections
from augrgb.report.overlay import draw_labels, write_overlay
from augrgb.video.decode import DecodeReport, frames_by_time
from augrgb.video.probe import probe
from augrgb.workflows import detect as detect_workflow
from augrgb.workflows.detect import detect_videos
from support.places import SHARED, needs_shared
from support.tiny_project import expect_success, run_cli
from support.video_samples import square_frames, write_late_video, write_video

CLIPS = SHARED / "data" / "videos"
real_clips = needs_shared("data/videos")


def length_of(path: Any) -> Any:
    report = DecodeReport()
    count = sum(1 for _ in frames_by_time(path, probe(path).fps, (32, 24), report=report))
    return count, report.duration_s


def test_every_file_is_written_and_they_agree(project: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "a walk.mp4", square_frames(75, 96, 64), fps=15, audio_s=5.0)
    words = ("detect", video, "--model", project / "rgb", "--out", tmp_path / "out", "--min-score", 0.02)
    outcome = expect_success(*words, "--srt", "--vtt", "--eaf", "--pku", "--overlay")
    endings = ("eaf", "html", "overlay.mp4", "srt", "vtt")
    names = [*(f"a walk.{ending}" for ending in endings), "detections.csv", "detections.json", "pku"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert all(name in outcome.out.replace("\n", "") for name in names)
    found = json.loads((tmp_path / "out" / "detections.json").read_text())["results"]["a walk"]
    rows = list(csv.DictReader((tmp_path / "out" / "detections.csv").open()))
    cues = read_subtitles(tmp_path / "out" / "a walk.srt", "a walk").detections
    assert len(found) == len(rows) == len(cues) > 0
    assert [row["label"] for row in found] == [row["label"] for row in rows]
    assert sorted(row["label"] for row in found) == sorted(cue.label for cue in cues)
    again = read_subtitles(tmp_path / "out" / "a walk.vtt", "a walk").detections
    assert [(cue.label, cue.start_s) for cue in again] == [(cue.label, cue.start_s) for cue in cues]
    elan = Elan().read(tmp_path / "out" / "a walk.eaf").videos
    assert [sorted(event.label for event in video.events or ()) for video in elan.values()] == [
        sorted(cue.label for cue in cues)
    ]
    assert len((tmp_path / "out" / "pku" / "a walk.txt").read_text().splitlines()) == len(found)
    page = (tmp_path / "out" / "a walk.html").read_text()
    assert page.count("data:image/jpeg") >= 30 and not re.search(r"(src|href)=\"https?:", page)
    info, copy = probe(video), probe(tmp_path / "out" / "a walk.overlay.mp4")
    assert (copy.width, copy.height, copy.fps, copy.codec, copy.has_audio) == (96, 64, info.fps, "h264", True)
    assert length_of(copy.path)[0] == length_of(video)[0] == 75


def test_a_child_finds_what_this_process_finds(project: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", square_frames(60), fps=15)
    outcome = detect_videos([video], project / "rgb", tmp_path / "out", min_score=0.02, device="cpu")
    here = Detector(project / "rgb", "cpu")(video, min_score=0.02)
    there = outcome.videos[0]
    np.testing.assert_allclose(there.scores, here.scores, atol=1e-5)
    assert len(there.detections) == len(here.detections) > 0
    for one, other in zip(there.detections, here.detections, strict=True):
        assert (one.label, one.start_s, one.end_s) == (other.label, other.start_s, other.end_s)


def test_json_goes_to_stdout_and_nothing_else_does(project: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", square_frames(30), fps=15)
    words = ("detect", video, "--model", project / "rgb", "--out", tmp_path / "out", "--min-score", 0.02, "--json")
    printed = json.loads(expect_success(*words).out)
    written = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert {key: printed[key] for key in written} == written and printed["results"]["v"]
    assert printed["faults"] == [] and len(printed["files"]) == 3


def test_the_page_starts_at_the_applied_threshold_and_draws_what_the_bars_were_made_from(
    project: Path, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "v.mp4", square_frames(60), fps=15)
    outcome = detect_videos([video], project / "rgb", tmp_path, min_score=0.0625)
    page = (tmp_path / "v.html").read_text()
    assert 'min="0.0625" max="1" step="any" value="0.0625"><output for="least">0.06<' in page
    found = outcome.videos[0]
    label = found.detections[0].label
    peak = 100 - round(100 * found.scores[:, found.classes.index(label)].max())
    curves = re.findall(r'd="M\d+ 100L([^"]+)L\d+ 100Z"', page)
    assert peak in [min(int(point.split()[1]) for point in curve.split("L")) for curve in curves]


def deadly(call: Any) -> Any:
    """The child's function, but for files whose name says what they do."""
    if getattr(call.argument, "video", Path()).name == "kills.mp4":
        os.kill(os.getpid(), signal.SIGSEGV)
    return supervisor._serve(call)


@pytest.mark.slow  # three processes that load torch
def test_a_video_that_kills_the_decoder_takes_only_itself(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("kills.mp4", "well.mp4"):
        write_video(tmp_path / "in" / name, square_frames(30), fps=15)
    real = supervisor.Child
    monkeypatch.setattr(supervisor, "Child", lambda function, **options: real(deadly, **options))
    outcome = run_cli("detect", tmp_path / "in", "--model", project / "rgb", "--out", tmp_path / "out")
    assert outcome.code == 4 and "Traceback" not in outcome.err
    assert "E-JOB-001" in outcome.err and "kills.mp4" in outcome.err and "SIGSEGV), 2 times" in outcome.err
    assert list(json.loads((tmp_path / "out" / "detections.json").read_text())["results"]) == ["well"]


def test_labels_are_drawn_where_and_when_they_hold(tmp_path: Path) -> None:
    grey = np.full((30, 120, 160, 3), 90, np.uint8)
    source = write_video(tmp_path / "v.mp4", grey, fps=10)
    found = [Detection("v", "café à emporter", 1.0, 2.0, 0.75)]
    assert write_overlay(source, tmp_path / "o.mp4", found) == 30
    frames = np.stack(list(frames_by_time(tmp_path / "o.mp4", 10, (160, 120)))).astype(int)
    changed = np.abs(frames - 90).max(axis=-1) > 12
    assert changed[10:20, :16].any(axis=(1, 2)).all() and not changed[:10].any() and not changed[20:].any()
    assert not changed[:, 40:].any()  # the rest of the picture is left alone


def test_odd_sides_and_variable_rates(tmp_path: Path) -> None:
    frames = square_frames(12, 63, 49)
    times = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4]
    source = write_video(tmp_path / "v.mkv", frames, fps=10, times_s=times, pixels="yuv444p")
    write_overlay(source, tmp_path / "o.mp4", [Detection("v", "walk", 0.0, 9.0, 0.5)])
    copy = probe(tmp_path / "o.mp4")
    assert (copy.width, copy.height) == (62, 48)
    assert length_of(copy.path)[1] == pytest.approx(length_of(source)[1], abs=0.2)


def tone_times(path: Path) -> tuple[float, float]:
    """When a loud tone begins and ends in a file's sound, counted from the first frame of the video."""
    loud: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            values = np.abs(frame.to_ndarray().astype(float))
            if values.max() > 0.2 and frame.time is not None:
                loud.append(frame.time)
    start_s = probe(path).start_s
    return min(loud) - start_s, max(loud) - start_s


def test_the_overlay_keeps_the_sound_in_time_with_the_frames(tmp_path: Path) -> None:
    source = write_late_video(tmp_path / "late.mkv", delay_s=0.5, tone_s=(1.5, 2.0))
    assert probe(source).first_frame_s == pytest.approx(0.5, abs=0.03)
    write_overlay(source, tmp_path / "o.mp4", [Detection("v", "walk", 0.0, 9.0, 0.5)])
    before, after = tone_times(source), tone_times(tmp_path / "o.mp4")
    assert before == pytest.approx((1.0, 1.5), abs=0.06) and after == pytest.approx(before, abs=0.06)


def test_subtitles_are_in_the_time_of_the_player_and_the_json_says_which_time_it_uses(
    project: Path, tmp_path: Path
) -> None:
    source = write_late_video(tmp_path / "late.mkv", delay_s=0.5, tone_s=(1.5, 2.0))
    words = ("detect", source, "--model", project / "rgb", "--out", tmp_path / "out", "--min-score", 0.02)
    expect_success(*words, "--srt", "--vtt", "--eaf")
    value = json.loads((tmp_path / "out" / "detections.json").read_text())
    times = value["external_data"]["times"]
    assert times["zero"] == "first frame" and times["first_frame_s"]["late"] == pytest.approx(0.5, abs=0.03)
    starts = sorted(row["segment"][0] for row in value["results"]["late"])
    for kind in ("srt", "vtt"):
        cues = read_subtitles(tmp_path / "out" / f"late.{kind}", "late").detections
        moved = [start + times["first_frame_s"]["late"] for start in starts]
        assert sorted(cue.start_s for cue in cues) == pytest.approx(moved, abs=2e-3)
    (video,) = Elan().read(tmp_path / "out" / "late.eaf").videos.values()
    assert sorted(event.start_s for event in video.events or ()) == pytest.approx(moved, abs=2e-3)


def test_patterns_are_expanded_and_a_file_is_taken_once(project: Path, tmp_path: Path) -> None:
    for name in ("cam1/a.mp4", "cam2/b.mp4"):
        (tmp_path / name).parent.mkdir()
        write_video(tmp_path / name, square_frames(20), fps=10)
    (tmp_path / "cam1" / "notes.txt").write_text("no video")
    out = tmp_path / "out"
    expect_success("detect", tmp_path / "cam*" / "*", tmp_path / "cam1", "--model", project / "rgb", "--out", out)
    assert list(json.loads((out / "detections.json").read_text())["results"]) == ["a", "b"]
    outcome = run_cli("detect", tmp_path / "*.avi", "--model", project / "rgb", "--out", out)
    assert outcome.code == 3 and "E-VID-005" in outcome.err and "pattern" in outcome.err


def test_a_folder_is_searched_but_not_for_our_own_copies(project: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", square_frames(20), fps=10)
    words = ("detect", tmp_path, "--model", project / "rgb", "--out", tmp_path, "--overlay")
    expect_success(*words)
    expect_success(*words)
    assert list(json.loads((tmp_path / "detections.json").read_text())["results"]) == ["in"]
    assert (tmp_path / "in.overlay.mp4").is_file()


def test_more_labels_than_fit_are_counted_and_the_frame_is_not_changed_in_place() -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    drawn = draw_labels(frame, [(f"class {n}", (200, 0, 0)) for n in range(9)], line_height_px=16)
    assert not frame.any() and drawn.shape == frame.shape
    assert drawn[[1, 17, 33], 0, 0].tolist() == [200, 200, 60]  # two labels, then "+7 more"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def three_videos(folder: Path) -> Path:
    folder.mkdir()
    for number, name in enumerate(("a", "b", "c")):
        write_video(folder / f"{name}.mp4", square_frames(40 + 10 * number), fps=15)
    return folder


def test_an_interrupted_folder_goes_on_where_it_was(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos, seen = three_videos(tmp_path / "in"), []
    real = detect_workflow._detect_one

    def stopped_at(name: str) -> Any:
        def detect_one(detector: Any, wanted: Any, files: Any) -> Any:
            if wanted.name == name:
                raise KeyboardInterrupt
            seen.append(wanted.name)
            return real(detector, wanted, files)

        return detect_one

    options: dict[str, Any] = {"min_score": 0.02, "extra": ("srt", "pku"), "device": "cpu"}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(detect_workflow, "_detect_one", stopped_at("c"))
        detect_videos([videos], project / "rgb", tmp_path / "cut", **options)
    (tmp_path / "cut" / "b.srt").unlink()  # as if it had been lost
    monkeypatch.setattr(detect_workflow, "_detect_one", stopped_at(""))
    again = detect_videos([videos], project / "rgb", tmp_path / "cut", **options)
    whole = detect_videos([videos], project / "rgb", tmp_path / "whole", **options)
    assert seen == ["a", "b", "b", "c", "a", "b", "c"]
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    for one, other in zip(again.videos, whole.videos, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        assert (one.info, one.warnings, one.clock, one.min_scores) == (
            other.info,
            other.warnings,
            other.clock,
            other.min_scores,
        )


def test_what_was_decided_by_something_else_is_done_again(project: Path, tmp_path: Path) -> None:
    video, kept = write_video(tmp_path / "a.mp4", square_frames(40), fps=15), tmp_path / "a.npz"
    found = Detector(project / "rgb", "cpu")(video, min_score=0.02)
    store_detections(kept, found, "key")
    same = stored_detections(kept, "key", video)
    assert same is not None and same.detections == found.detections and same.info == found.info
    assert stored_detections(kept, "other key", video) is None
    kept.write_bytes(kept.read_bytes()[:200])
    assert stored_detections(kept, "key", video) is None


@pytest.mark.slow  # whole processes, one of which is killed
def test_killed_in_a_folder_and_run_again(project: Path, tmp_path: Path) -> None:
    videos = three_videos(tmp_path / "in")
    words = [sys.executable, "-m", "augrgb", "detect", str(videos), "-m", str(project / "rgb"), "--device", "cpu"]
    words += ["--min-score", "0.02", "--overlay", "--vtt", "--out"]
    subprocess.run([*words, str(tmp_path / "whole")], check=True, capture_output=True)
    with subprocess.Popen([*words, str(tmp_path / "cut")], stdout=subprocess.DEVNULL) as running:
        while running.poll() is None and not list((tmp_path / "cut").glob(".detected/*.npz")):
            time.sleep(0.01)
        running.kill()
    subprocess.run([*words, str(tmp_path / "cut")], check=True, capture_output=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(("numbers", "code"), [((signal.SIGUSR1,), 143), ((signal.SIGINT, signal.SIGINT), 130)])
def test_signals_end_it_with_one_line_and_no_leftovers(
    project: Path, tmp_path: Path, numbers: tuple[int, ...], code: int
) -> None:
    video = write_video(tmp_path / "v.mp4", square_frames(4000), fps=15)
    words = [sys.executable, "-m", "augrgb", "detect", str(video), "-m", str(project / "rgb"), "--device", "cpu"]
    with subprocess.Popen([*words, "--overlay", "-o", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True) as run:
        time.sleep(3)
        for number in numbers:
            run.send_signal(number)
            time.sleep(0.05)
        _, said = run.communicate(timeout=20)
    assert run.returncode == code and "Traceback" not in said and "resume" in said
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@real_clips
@pytest.mark.parametrize("name", ["demo", "v_GGSY1Qvo990"])
def test_real_clips(project: Path, tmp_path: Path, name: Any) -> None:
    clip = CLIPS / f"{name}.mp4"
    words = ("detect", clip, "--model", project / "rgb", "--out", tmp_path, "--min-score", 0.02, "--overlay", "--srt")
    expect_success(*words)
    count, duration_s = length_of(clip)
    copied, copied_s = length_of(tmp_path / f"{name}.overlay.mp4")
    info, copy = probe(clip), probe(tmp_path / f"{name}.overlay.mp4")
    assert (copy.width, copy.height) == (info.width, info.height)
    assert copy.fps == pytest.approx(info.fps, rel=1e-6) and abs(copied - count) <= 1
    assert copied_s == pytest.approx(duration_s, abs=0.1)
    if name == "v_GGSY1Qvo990":
        assert info.fps == pytest.approx(19.62) and info.has_audio
        assert "19.62 frames/s" in (tmp_path / f"{name}.html").read_text()
    ends = [row["segment"][1] for row in json.loads((tmp_path / "detections.json").read_text())["results"][name]]
    assert ends and max(ends) <= duration_s + 1e-6


@real_clips
def test_a_corrupted_clip_names_the_time_and_leaves_nothing(project: Path, tmp_path: Path) -> None:
    words = ("detect", CLIPS / "corrupted.mp4", "--model", project / "rgb", "--out", tmp_path / "out", "--overlay")
    outcome = run_cli(*words)
    assert outcome.code == 3 and "E-VID-003" in outcome.err and "corrupted.mp4" in outcome.err
    assert re.search(r"\d+\.\d s", outcome.err) and "keep-prefix" in outcome.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    kept = expect_success(*words, "--partial-video", "keep-prefix")
    assert "Kept the first" in kept.err
    page = (tmp_path / "out" / "corrupted.html").read_text()
    assert length_of(tmp_path / "out" / "corrupted.overlay.mp4")[0] > 0 and "Kept the first" in page
