"""`augrgb info`: every kind of thing is recognized by what it holds, damage is its fault, nothing changes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import AugrgbError
from augrgb.detection.writers import write_activitynet, write_csv
from augrgb.features.frame_folder import FrameFolder, FrameSettings
from augrgb.pipelines.fitting.summary import Summary, write_summary
from augrgb.pipelines.info import Info, describe_path
from support.causal_bundle import make_causal_bundle
from support.tiny_project import run_cli


@pytest.fixture
def toy(toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(toy_folder, tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "toy"


def bytes_of(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_each_kind_is_recognized_with_what_to_type_next(toy: Path) -> None:
    clips = toy / "clips"
    (toy / "events.csv").write_text("video,label,start,end\na,walk,0,1\nb,sit,0,0.5\n")
    project = "dataset: clips\nsplit: random\nclock: {fps: 12, window: 4, stride: 4}\nlayers: 2\n"
    (toy / "project.yaml").write_text(project)
    FrameFolder.create(toy / "frames", FrameSettings(12.0, (32, 32)))
    write_csv(toy / "found" / "detections.csv", [])
    write_activitynet(toy / "found" / "detections.json", [], ["a"])
    np.savez(toy / "a.npz", values=np.zeros((20, 8, 8), np.float32), fps=8.0)
    shutil.copytree(clips, toy / "plain")
    (toy / "plain" / "dataset.json").unlink()
    before = bytes_of(toy)
    expected = {
        clips: ("dataset", "augrgb data"),
        clips / "dataset.json": ("dataset", "augrgb data"),
        toy / "project.yaml": ("project of augrgb fit", "--dry-run"),
        toy / "model": ("bundle", "augrgb detect"),
        toy / "model" / "model.safetensors": ("bundle", "augrgb detect"),
        toy / "encoder": ("encoder", "augrgb extract"),
        toy / "features" / "rgb": ("features", "data.features"),
        toy / "rgb.yaml": ("recipe of a stream", "augrgb train"),
        toy / "compare.yaml": ("recipe of a comparison", "augrgb compare"),
        toy / "events.csv": ("annotations", "augrgb data check"),
        toy / "frames": ("cached frames", "training reads it"),
        toy / "found": ("detections", "augrgb evaluate"),
        toy / "found" / "detections.csv": ("detections", "augrgb evaluate"),
        toy / "a.npz": ("sensor file (grid)", "--grid"),
        toy / "plain": ("folder of videos", "augrgb init"),
        clips / "a.mp4": ("video", "augrgb detect"),
    }
    for path, (kind, next_words) in expected.items():
        found = describe_path(path)
        assert found.kind == kind, (path, found)
        assert not found.faults and next_words in found.next[0], (path, found)
    assert bytes_of(toy) == before


def test_damage_is_said_with_its_code_and_ends_with_an_error(toy: Path) -> None:
    weights = toy / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    video = toy / "clips" / "a.mp4"
    video.write_text("no video")
    (toy / "clips" / "b.mp4").unlink()
    (toy / "rgb.yaml").write_text("student: {modality: rgb}\nsurprise: 1\n")

    def codes(found: Info) -> str:
        return " ".join(found.faults)

    assert "E-M" in codes(describe_path(toy / "model"))
    assert "E-VID" in codes(describe_path(video)) and "explain E-VID" in describe_path(video).next[0]
    assert "absent, such as b" in codes(describe_path(toy / "clips"))
    assert "surprise" in codes(describe_path(toy / "rgb.yaml"))
    outcome = run_cli("info", toy / "model")
    assert outcome.code == 3 and "E-M" in outcome.err and "augrgb explain" in outcome.out


def test_damaged_files_of_a_fit_are_faults_and_not_crashes(toy: Path) -> None:
    fit = toy / "fit"
    fit.mkdir()
    settings = {"project": {"dataset": "clips"}, "budget_s": 60.0}
    (fit / "settings.json").write_text(json.dumps(settings))
    assert describe_path(fit).kind == "fit, not finished"
    write_summary(fit, Summary("rgb", "No clear difference.", ("flow",), held_out={"frame_map": {"rgb": None}}))
    found = describe_path(fit)
    assert found.kind == "finished fit" and ("result", "No clear difference.") in found.facts and not found.faults
    summary = fit / "summary.json"
    for damaged in ("[]", "{}", summary.read_text().replace("flow", "pose")):
        summary.write_text(damaged)
        assert "E-FILE-018" in " ".join(describe_path(fit).faults), damaged
    (toy / "clips" / "settings.json").write_text('{"project": 3}')  # of an editor
    assert describe_path(toy / "clips").kind == "dataset"


def test_a_damaged_video_of_any_known_ending_is_a_video(toy: Path) -> None:
    for name in ("a.wmv", "a.ts", "a.3gp"):
        (toy / name).write_bytes(bytes(100))
        assert describe_path(toy / name).kind == "video that cannot be read"


def test_what_is_nothing_of_ours_is_said_to_be_nothing(toy: Path) -> None:
    (toy / "notes.txt").write_text("remember the milk")
    (toy / "empty").mkdir()
    for path, code in ((toy / "notes.txt", "E-FILE-006"), (toy / "empty", "E-FILE-006"), (toy / "none", "E-FILE-001")):
        with pytest.raises(AugrgbError, match=code):
            describe_path(path)


def test_the_command_prints_lines_or_json(toy: Path) -> None:
    outcome = run_cli("info", toy / "model")
    assert outcome.code == 0 and "bundle" in outcome.out and "Next: augrgb detect" in outcome.out
    values = json.loads(run_cli("info", toy / "model", "--json").out)
    assert values["kind"] == "bundle" and values["facts"]["classes"].startswith("2:") and not values["faults"]


def test_a_bundle_is_offered_to_watch_only_if_it_can(toy: Path) -> None:
    found = describe_path(toy / "model")
    assert not any("watch" in line for line in found.next) and dict(found.facts)["live"].startswith("no")
    make_causal_bundle(toy / "causal", 2)
    found = describe_path(toy / "causal")
    assert any(line.startswith("augrgb watch SOURCE") for line in found.next)
    assert dict(found.facts)["live"].startswith("yes: it sees 2 snippets")
