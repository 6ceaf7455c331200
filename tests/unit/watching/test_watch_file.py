"""Watching a file gives what detecting in it gives."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.detection.calibration import Scaling
from augrgb.detection.event_rule import EventRule
from augrgb.inference import Detector
from augrgb.inference.stepping import StepModel
from augrgb.inference.thresholds import Thresholds, write_thresholds
from augrgb.video.live.read_stream import StreamSettings
from augrgb.video.live.source import source_of
from augrgb.video.view import View, view_of
from augrgb.watching.sink import Sink
from augrgb.watching.watcher import Watcher, WatchSettings
from support.causal_bundle import CLASSES, CLOCK, make_causal_bundle
from support.tiny_project import run_cli
from support.video_samples import square_frames, write_video

FAST = WatchSettings(name="hall", speed=0.0, begin=0.0)


class Kept(Sink):
    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, message: Any) -> None:
        self.messages.append(dict(message))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    frames = square_frames(321, 96, 64, step=5.0)
    for start in range(0, 321, 23):
        frames[start : start + 23] = np.clip(frames[start : start + 23] * rng.uniform(0.3, 1.3), 0, 255)
    return write_video(tmp_path_factory.mktemp("video") / "a walk.mp4", frames, fps=15)


def watched(bundle: Path, video: Path, rules: Any = None, settings: WatchSettings = FAST) -> Any:
    model, kept, rows = StepModel(bundle, "cpu"), Kept(), []
    watcher = Watcher(
        model, source_of(str(video)), rules or model.detector.changed_rules({}), [kept], settings, on_rows=rows.append
    )
    report = watcher.run()
    return kept.messages, np.concatenate([row.scores for row in rows]), report, rows


def test_a_masked_area_changes_no_score_and_a_crop_changes_them(tmp_path: Path, video: Path) -> None:
    bundle = make_causal_bundle(tmp_path)
    other = write_video(tmp_path / "other.mp4", square_frames(321, 96, 64, step=2.0), fps=15)

    def scores(of: Path, view: View) -> Any:
        return watched(bundle, of, settings=replace(FAST, stream=StreamSettings(view=view)))[1]

    blind = view_of(None, ["0,0 1,0 1,1 0,1"])
    assert np.array_equal(scores(video, blind), scores(other, blind))  # nothing is seen of either
    assert not np.allclose(scores(video, View()), scores(other, View()), atol=1e-3)
    assert not np.allclose(scores(video, view_of("0.25,0.25,0.5,0.5")), scores(video, View()), atol=1e-3)


@pytest.mark.parametrize(
    ("look_ahead", "clock"),
    [(0, CLOCK), (2, CLOCK), (7, CLOCK), (1, Clock(15.0, 8, 8, 3)), (0, Clock(6.0, 2, 5))],
)
def test_scores_and_events_are_those_of_the_whole_file(
    tmp_path: Path, video: Path, look_ahead: int, clock: Any
) -> None:
    bundle = make_causal_bundle(tmp_path, look_ahead, clock=clock)
    detector = Detector(bundle, "cpu")
    whole = detector(video)
    rules = {
        label: EventRule(float(np.quantile(whole.scores[:, k], 0.6)), min_gap=0.5, pad_after=0.3)
        for k, label in enumerate(CLASSES)
    }
    rules["sit"] = EventRule(rules["sit"].on, off=rules["sit"].on * 0.97, min_duration=0.6, cooldown=2.0)
    write_thresholds(tmp_path, Thresholds(rules, {"walk": Scaling(1.2, 0.1)}), CLASSES)
    whole = Detector(bundle, "cpu")(video)
    messages, scores, report, rows = watched(bundle, video)
    np.testing.assert_allclose(scores, whole.scores, atol=1e-5, rtol=0)
    ends = {(m["class"], m["start_s"], m["end_s"], m["peak_score"]) for m in messages if m["type"] == "end"}
    expected = {(d.label, round(d.start_s, 3), round(d.end_s, 3), round(d.score, 6)) for d in whole.detections}
    assert len(ends) == len(expected) > 4
    for one, other in zip(sorted(ends), sorted(expected), strict=True):
        assert one[0] == other[0] and one[1:] == pytest.approx(other[1:], abs=1e-5)
    assert report.snippets == len(scores) and report.dropped == report.missing == 0
    assert [row.warming_up for row in rows[:40]] == [t < 14 - look_ahead for t in range(min(40, len(rows)))]


def test_messages_of_an_event_belong_together(tmp_path: Path, video: Path) -> None:
    bundle = make_causal_bundle(tmp_path)
    on = float(np.median(Detector(bundle, "cpu")(video).scores))
    settings = WatchSettings(name="hall", speed=0.0, begin=0.0, update_every_s=0.5)
    messages = watched(bundle, video, dict.fromkeys(CLASSES, EventRule(on, off=on)), settings)[0]
    assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
    by_id: dict[str, list[Any]] = {}
    for message in messages:
        assert message["schema"] == "augrgb.event/1" and message["source"] == "hall"
        by_id.setdefault(message["id"], []).append(message)
    assert any(len(group) > 2 for group in by_id.values())
    for group in by_id.values():
        assert [m["type"] for m in group] == ["start", *["update"] * (len(group) - 2), "end"]
        assert len({(m["class"], m["start"], m["threshold"], m["score"]) for m in group}) == 1
        assert group[-1]["end"] > group[0]["start"] and group[0]["end"] is None
        assert group[-1]["peak_score"] >= group[0]["score"] >= on - 1e-6
    assert messages[0]["start"].startswith("1970-01-01T00:00:")


def test_more_events_than_a_minute_may_have_are_counted(tmp_path: Path, video: Path) -> None:
    bundle = make_causal_bundle(tmp_path)
    on = float(np.median(Detector(bundle, "cpu")(video).scores))
    rules = dict.fromkeys(CLASSES, EventRule(on, off=on))
    all_of_them = watched(bundle, video, rules)[2]
    settings = WatchSettings(speed=0.0, max_per_minute=2)
    messages, _, report, _ = watched(bundle, video, rules, settings)
    assert report.events == 2 and report.suppressed == all_of_them.events - 2 > 0
    assert [m["type"] for m in messages].count("end") == 2


def test_a_model_that_needs_the_whole_video_is_refused_with_the_recipe_key(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"E-MOD-040.*sees the whole video.*look_ahead_snippets: 0"):
        StepModel(make_causal_bundle(tmp_path, None), "cpu")


def test_a_file_plays_at_its_own_pace(tmp_path: Path, video: Path) -> None:
    import time

    begun = time.monotonic()
    watched(make_causal_bundle(tmp_path), video, settings=WatchSettings(speed=20.0))
    assert time.monotonic() - begun > 321 / 15 / 20


def test_the_command_writes_one_json_object_per_line(tmp_path: Path, video: Path) -> None:
    bundle = make_causal_bundle(tmp_path / "bundle")
    lines = tmp_path / "events.jsonl"
    lines.write_text('{"torn":')
    done = run_cli("watch", video, "-m", bundle, "--speed", 0, "--on", 0.5, "-o", lines)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in lines.read_text().splitlines()[1:]]
    assert {row["type"] for row in rows} == {"start", "end"} and rows[0]["source"] == "a walk"
    assert "snippets" in done.err and "latency" in done.err
    done = run_cli("watch", tmp_path / "absent.mp4", "-m", bundle)
    assert done.code == 3 and "E-FILE-001" in done.err
    done = run_cli("watch", video, "-m", bundle, "--speed", 0, "--on", 0.5, "-o", lines, "--name", "hall \udcff\0")
    assert done.code == 0, done.err  # a name of bytes that are no text
    assert json.loads(lines.read_text().splitlines()[-1])["source"] == "hall \\udcff\\x00"
    done = run_cli("watch", video, "-m", bundle, "--cooldown", "1e999")
    assert done.code == 2 and "E-CFG-003 --cooldown" in done.err
    done = run_cli("watch", "http://camera/video", "-m", bundle)
    assert done.code == 2 and "E-CFG-026" in done.err


def test_a_file_that_breaks_off_ends_with_its_fault_and_its_events(tmp_path: Path, video: Path) -> None:
    bundle = make_causal_bundle(tmp_path / "bundle")
    cut = write_video(tmp_path / "cut.mkv", square_frames(150), fps=15)
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * 0.6)])
    messages, _, report, _ = watched(bundle, cut, dict.fromkeys(CLASSES, EventRule(0.0)))
    assert report.fault is not None and report.fault.code == "E-VID-003"
    assert [m["type"] for m in messages].count("end") == 3
