"""Exported models: what the bundle gives, without torch, at any length and step by step."""

from __future__ import annotations

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
from augrgb.detection.calibration import Scaling
from augrgb.detection.event_rule import EventRule
from augrgb.encoders import ENCODERS, SmallRGB
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.inference import Detector
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.inference.export import write
from augrgb.inference.export.folder import ExportedModel, onnx_session
from augrgb.inference.export.write import SNIPPETS, export_bundle
from augrgb.inference.stepping import StepModel
from augrgb.inference.thresholds import Thresholds, write_thresholds
from augrgb.streams.files import StreamSettings, build_stream, load_stream, save_stream
from augrgb.video.decode import frames_by_time
from augrgb.watching.cutter import SnippetCutter
from augrgb.watching.scorer import LiveScorer
from support.video_samples import square_frames, write_video

CLOCK = Clock(fps=15.0, window=8, stride=8)
CLASSES = ("walk", "sit", "drink")
WITHOUT_TORCH = """
import sys
ABSENT = "torch safetensors lightning_fabric matplotlib onnx onnxscript transformers"
sys.modules |= dict.fromkeys(ABSENT.split())
from augrgb.cli.main import main
main(sys.argv[1:])
"""


def make_bundle(folder: Path, filter: str = "sd_tcn", **options: Any) -> Path:
    torch.manual_seed(0)
    save_encoder(folder / ENCODER_FOLDER, SmallRGB(dim=8, width=4), EncoderSettings(CLOCK, (64, 48)))
    settings = StreamSettings("rgb", filter, 8, CLASSES, CLOCK, options)
    stream = build_stream(settings)
    stream.set_statistics(torch.full((8,), 0.1), torch.full((8,), 0.7))
    save_stream(folder, stream, settings)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"), layers=3, width=8, look_ahead_snippets=2)


@pytest.fixture(scope="module")
def exported(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "exported"
    found = export_bundle(bundle, out)
    assert set(found.differences) == set(SNIPPETS) and 1 in SNIPPETS and max(found.differences.values()) < 1e-5
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in found.files)
    return out


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "v.mp4", square_frames(75, 96, 64), fps=15)


def test_an_export_detects_what_the_bundle_detects(bundle: Path, exported: Path, video: Path) -> None:
    one, other = Detector(bundle, "cpu")(video, min_score=0.1), Detector(exported)(video, min_score=0.1)
    np.testing.assert_allclose(other.raw_scores, one.raw_scores, atol=1e-5)
    assert len(one.detections) == len(other.detections) > 0 and one.classes == other.classes
    assert one.duration_s == other.duration_s


def test_detect_runs_without_torch(exported: Path, video: Path, tmp_path: Path) -> None:
    words = ["detect", video, "--model", exported, "--runtime", "onnx", "--min-score", 0.1, "--out", tmp_path / "out"]
    words += ["--srt", "--vtt", "--eaf", "--overlay"]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / "out" / "detections.json").read_text())["results"]["v"]
    assert "onnxruntime" in (tmp_path / "out" / "v.html").read_text()


def test_watch_runs_without_torch_and_scores_what_detect_scores(exported: Path, video: Path, tmp_path: Path) -> None:
    found, watched = Detector(exported)(video), []
    scorer, cutter = LiveScorer(StepModel(exported)), SnippetCutter(CLOCK)
    for index, frame in enumerate(frames_by_time(video, CLOCK.fps, (64, 48))):
        for snippet in cutter.push(index, frame):
            watched += list(scorer.push(snippet.number, snippet.window))
    for snippet in cutter.finish():
        watched += list(scorer.push(snippet.number, snippet.window))
    watched += list(scorer.close())
    np.testing.assert_allclose(np.concatenate([rows.scores for rows in watched]), found.scores, rtol=0, atol=1e-5)
    words = ["watch", video, "--model", exported, "--speed", 0, "--min-score", 0.1, "--out", tmp_path / "events.jsonl"]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    ends = [row for row in map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines()) if row["end"]]
    events = Detector(exported)(video, min_score=0.1).detections
    assert {(row["class"], row["end_s"]) for row in ends} == {(one.label, round(one.end_s, 3)) for one in events}


@pytest.mark.parametrize("chunk", [1, 3, 17])
def test_steps_are_the_whole(exported: Path, chunk: int) -> None:
    model = ExportedModel(exported, threads=1)
    settings, features = model.settings, np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    whole = model.session("stream")({"features": features})[0]
    ahead = settings.look_ahead or 0
    late = np.concatenate([features, np.ones((ahead, 8), np.float32)])
    real = np.concatenate([np.ones(50, np.float32), np.zeros(ahead, np.float32)])
    step, states, found = model.session("step"), [np.zeros(shape, np.float32) for shape in settings.states], []
    for start in range(0, len(late), chunk):
        inputs = {f"state_{number}": state for number, state in enumerate(states)}
        inputs |= {"features": late[start : start + chunk], "real": real[start : start + chunk]}
        scores, _, shown, *states = step(inputs)
        found.append(scores[shown > 0])
    np.testing.assert_allclose(np.concatenate(found), whole, rtol=0, atol=1e-5)


def test_the_files_say_what_they_are(exported: Path) -> None:
    import onnx

    for name in ("encoder", "stream", "detector", "step"):
        model = onnx.load(exported / f"{name}.onnx")
        said = json.loads(next(one.value for one in model.metadata_props if one.key == "augrgb"))
        assert tuple(said["classes"]) == CLASSES and said["clock"]["stride"] == 8 and said["size"] == [64, 48]
        assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    first = onnx.load(exported / "detector.onnx").graph.input[0].type.tensor_type
    assert first.elem_type == onnx.TensorProto.UINT8
    card = (exported / "CARD.md").read_text()
    assert "walk, sit, drink" in card and "2 snippets" in card


@pytest.mark.parametrize("count", [1, 2, 37])
def test_the_torch_programs_take_any_length(exported: Path, bundle: Path, count: int) -> None:
    program = torch.export.load(str(exported / "stream.pt2")).module()
    features = torch.randn(count, 8)
    scores = ExportedModel(exported).session("stream")({"features": features.numpy()})[0]
    np.testing.assert_allclose(program(features)[0].detach().numpy(), scores, atol=1e-5)


def test_scores_near_zero_and_one_keep_their_digits(tmp_path: Path, video: Path) -> None:
    """A calibration with a small slope shows steps of a float32 sigmoid, and what runtimes do to it near 0."""
    folder = make_bundle(tmp_path / "bundle", layers=3, width=8, look_ahead_snippets=2)
    loaded = load_stream(folder)
    with torch.no_grad():
        loaded.stream.classifier.bias.copy_(torch.tensor([-15.0, 15.0, 28.0]))
    save_stream(folder, loaded.stream, loaded.settings)
    calibrations = {"walk": Scaling(0.11), "sit": Scaling(0.11), "drink": Scaling(0.11)}
    write_thresholds(folder, Thresholds(dict.fromkeys(CLASSES, EventRule()), calibrations), CLASSES)
    found = export_bundle(folder, tmp_path / "exported")
    assert max(found.differences.values()) < 1e-5
    one, other = Detector(folder, "cpu")(video), Detector(tmp_path / "exported")(video)
    np.testing.assert_allclose(other.scores, one.scores, rtol=0, atol=1e-6)
    assert len(np.unique(one.scores[:, 2])) > 1  # a float32 sigmoid of 28 is 1


def test_an_export_tests_itself(exported: Path, tmp_path: Path) -> None:
    from support.tiny_project import run_cli

    outcome = run_cli("detect", "--model", exported, "--self-test", "--json")
    passed = json.loads(outcome.out)
    assert outcome.code == 0 and passed["snippets"] == 9 and passed["difference"] < 1e-4
    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    kept = json.loads((tmp_path / "sample.json").read_text())
    kept["raw_scores"][4][1] += 0.01
    (tmp_path / "sample.json").write_text(json.dumps(kept))
    outcome = run_cli("detect", "--model", tmp_path, "--self-test")
    assert outcome.code == 3 and "E-MOD-039" in outcome.err and "0.01" in outcome.err
    (tmp_path / "sample.mp4").unlink()
    outcome = run_cli("detect", "--model", tmp_path, "--self-test")
    assert outcome.code == 3 and "E-MOD-038" in outcome.err


def test_a_changed_file_is_refused(exported: Path, tmp_path: Path) -> None:
    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "stream.onnx").write_bytes(b"other")
    with pytest.raises(InputRefused, match="E-MOD-003"):
        Detector(tmp_path)
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(InputRefused, match="E-MOD-037"):
        Detector(tmp_path)


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    make_bundle(tmp_path / "model", layers=2, width=8)
    save_encoder(tmp_path / "model" / ENCODER_FOLDER, ENCODERS["small_flow"](dim=8), EncoderSettings(CLOCK, (64, 48)))
    with pytest.raises(UsageFault, match=r"E-MOD-035.*flow"):
        export_bundle(tmp_path / "model", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_other_results_are_refused(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_pool3d", lambda x, size: x.new_zeros(*x.shape[:2], *size))
    monkeypatch.setattr(write, "_DECOMPOSED", {torch.ops.aten.adaptive_avg_pool3d.default: write._pool3d})
    with pytest.raises(InputRefused, match="E-MOD-036"):
        export_bundle(bundle, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_model_for_another_runtime_names_both(exported: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="exporting is not installed")
    model = onnx.load(next(exported.glob("*.onnx")))
    model.opset_import[0].version = 9999  # of a time to come
    (tmp_path / "later.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputRefused, match=r"E-MOD-024 .*onnxruntime \d+\.\d+.*Update onnxruntime"):
        onnx_session(tmp_path / "later.onnx")


def test_the_runtime_must_fit_the_model(bundle: Path, exported: Path, video: Path, tmp_path: Path) -> None:
    from support.tiny_project import run_cli

    for model, runtime in ((bundle, "onnx"), (exported, "torch")):
        outcome = run_cli("detect", video, "--model", model, "--runtime", runtime, "--out", tmp_path)
        assert outcome.code == 2 and "E-CFG-013" in outcome.err
    outcome = run_cli("detect", video, "--model", exported, "--device", "cuda", "--out", tmp_path)
    assert outcome.code == 2 and "processor" in outcome.err
