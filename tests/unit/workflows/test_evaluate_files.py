"""Foreign predictions: every kind of file, coverage, and clear refusals."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.prediction_files import read_predictions
from augrgb.detection.predictions import Predictions, save_predictions
from augrgb.detection.writers import write_activitynet, write_csv, write_pku
from augrgb.metrics.protocols import PROTOCOLS
from augrgb.workflows.evaluate_files import evaluate_files

CLASSES = ("run", "walk")
EVENTS = {"a": [("walk", 1.0, 4.0), ("run", 5.0, 9.0)], "b": [("run", 0.0, 6.0)], "c": [("walk", 2.0, 8.0)]}
PERFECT = [Detection(v, label, start, end, 0.9) for v, rows in EVENTS.items() for label, start, end in rows]


@pytest.fixture
def truth(tmp_path: Path) -> Any:
    database = {
        video: {
            "subset": "Test" if video != "c" else "training",
            "duration": 10.0,
            "annotations": [{"label": label, "segment": [start, end]} for label, start, end in rows],
        }
        for video, rows in EVENTS.items()
    }
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({"database": database}))
    return path


def scores_of(count: Any = 20) -> Any:
    """Perfect scores: 1 at snippets whose middle is in an event."""
    middles = (np.arange(count) + 0.5) * 10.0 / count
    return {
        video: np.stack(
            [sum(((middles >= s) & (middles < e)) * (label == name) for label, s, e in rows) for name in CLASSES], 1
        ).astype(np.float32)
        for video, rows in EVENTS.items()
    }


def values(found: Any) -> Any:
    return {result.protocol: result.value for result in found.evaluation.results}


def write_scores(tmp_path: Path, kind: Any, scores: Any, clock: Any = None) -> Any:
    folder = tmp_path / kind
    folder.mkdir()
    if kind == "npz":
        np.savez(folder / "all.npz", **scores)
        return folder / "all.npz"
    if kind == "safetensors":
        # In another order of classes than the annotations have.
        predictions = Predictions(CLASSES[::-1], clock, {v: s[:, ::-1].copy() for v, s in scores.items()})
        save_predictions(folder / "p.safetensors", predictions)
        return folder / "p.safetensors"
    for video, array in scores.items():
        if kind == "npy folder":
            np.save(folder / f"{video}.npy", array)
        else:
            np.savez(folder / f"{video}.npz", scores=array)
    return folder


@pytest.mark.parametrize("kind", ["npy folder", "npz folder", "npz", "safetensors"])
def test_scores_of_every_kind(tmp_path: Path, truth: Any, kind: Any) -> None:
    clock = Clock(fps=2.0, window=1, stride=1)
    path = write_scores(tmp_path, kind, scores_of(), clock)
    found = evaluate_files(path, truth, clock=clock if "npy" in kind else None)
    assert values(found) == pytest.approx({"frame-map/present": 1.0, "event-map": 1.0})
    assert {result.coverage for result in found.evaluation.results} == {"3 of 3 videos scored"}


@pytest.mark.parametrize("kind", ["json", "csv", "txt"])
def test_detections_of_every_kind(tmp_path: Path, truth: Any, kind: Any) -> None:
    path = tmp_path / f"p.{kind}"
    if kind == "json":
        write_activitynet(path, PERFECT, list(EVENTS))
    elif kind == "csv":
        write_csv(path, PERFECT)
    else:
        write_pku(path, PERFECT, list(EVENTS), {"run": 1, "walk": 2}, fps=25.0)
    protocols = ("event-map", "thumos14/tiou", "pku-mmd/event@0.5")
    found = evaluate_files(path, truth, protocols=protocols, fps=25.0)
    assert values(found) == pytest.approx(dict.fromkeys(protocols, 1.0))


def test_every_protocol_can_be_named(tmp_path: Path, truth: Any) -> None:
    path = write_scores(tmp_path, "npy folder", scores_of(100))
    found = evaluate_files(path, truth, protocols=tuple(PROTOCOLS))
    assert list(values(found)) == list(PROTOCOLS)
    assert values(found)["tsu/event@0.5"] > 0.9 and values(found)["charades/localize-present"] > 0.9


def test_without_a_clock_snippets_are_spread_evenly(tmp_path: Path, truth: Any) -> None:
    path = write_scores(tmp_path, "npy folder", {v: scores_of(n)[v] for v, n in zip(EVENTS, (20, 40, 33), strict=True)})
    assert values(evaluate_files(path, truth))["frame-map/present"] == pytest.approx(1.0)
    shifted = write_scores(tmp_path, "npz folder", {v: np.roll(s, 5, axis=0) for v, s in scores_of().items()})
    assert values(evaluate_files(shifted, truth))["frame-map/present"] < 0.9


def test_less_than_full_coverage_is_refused_unless_allowed(tmp_path: Path, truth: Any) -> None:
    write_csv(tmp_path / "p.csv", [d for d in PERFECT if d.video_id != "b"])
    with pytest.raises(InputRefused, match=r"E-MET-010 .*2 of 3 videos .*without: b.*--allow-missing 1"):
        evaluate_files(tmp_path / "p.csv", truth)
    found = evaluate_files(tmp_path / "p.csv", truth, allow_missing=1)
    (result,) = found.evaluation.results
    assert (result.videos_scored, result.videos_total, result.details["missing"]) == (2, 3, "zero")
    assert result.value == pytest.approx(0.75)  # one of two runs and both walks are found


def test_a_subset_by_any_case_leaves_the_others_aside_and_says_so(tmp_path: Path, truth: Any) -> None:
    write_csv(tmp_path / "p.csv", PERFECT)
    found = evaluate_files(tmp_path / "p.csv", truth, only="test")
    assert found.evaluation.results[0].coverage == "2 of 2 videos scored" and found.evaluation.role == "test"
    assert "1 videos outside test" in " ".join(found.notes)
    with pytest.raises(UsageFault, match=r"E-SPL-007.*Test \(2\)"):
        evaluate_files(tmp_path / "p.csv", truth, only="tset")
    with pytest.raises(UsageFault, match="E-SPL-001"):
        evaluate_files(tmp_path / "p.csv", truth, split="cross_view")


def test_detections_have_no_scores(tmp_path: Path, truth: Any) -> None:
    write_csv(tmp_path / "p.csv", PERFECT)
    with pytest.raises(UsageFault, match=r"E-MET-011 .*needs scores"):
        evaluate_files(tmp_path / "p.csv", truth, protocols=("frame-map/present",))
    with pytest.raises(UsageFault, match=r"E-MET-012.*event-map"):
        evaluate_files(tmp_path / "p.csv", truth, protocols=("event-mpa",))


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"video_id": "d"}, "E-MET-003", "'d'"),
        ({"label": "wlak"}, "E-MET-004", "did you mean 'walk'"),
        ({"start_s": 100.0, "end_s": 400.0}, "E-DET-009", "frame numbers"),
        ({"start_s": 5.0, "end_s": 4.0}, "E-DET-008", "before it starts"),
        ({"score": "nan"}, "E-DET-007", "finite"),
    ],
)
def test_bad_detections(tmp_path: Path, truth: Any, change: Any, code: Any, told: Any) -> None:
    bad = {"video_id": "a", "label": "walk", "start_s": 1.0, "end_s": 2.0, "score": 0.5, **change}
    lines = ["video_id,label,start_s,end_s,score", *(",".join(map(str, row.values())) for row in [bad])]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(AugrgbError) as caught:
        evaluate_files(tmp_path / "p.csv", truth, allow_missing=3)
    assert caught.value.code == code and told in str(caught.value)


@pytest.mark.parametrize(
    ("array", "clock", "code", "told"),
    [
        (np.full((20, 2), np.nan), None, "E-MET-002", "NaN"),
        (np.full((20, 2), 3.0), None, "E-MET-002", "sigmoid"),
        (np.zeros((20, 3)), None, "E-MET-001", "(T, 2)"),
        (np.zeros((2, 20)), None, "E-MET-001", "transpose it"),
        (np.zeros(20), None, "E-MET-001", "(20,)"),
        (np.zeros((20, 2)), Clock(fps=1.0, window=1, stride=1), "E-FEA-004", "20.00 s, but the video lasts 10.00 s"),
    ],
)
def test_bad_scores(tmp_path: Path, truth: Any, array: Any, clock: Any, code: Any, told: Any) -> None:
    path = write_scores(tmp_path, "npy folder", {**scores_of(), "b": array})
    with pytest.raises(AugrgbError) as caught:
        evaluate_files(path, truth, clock=clock, protocols=("frame-map/present",))
    assert code in str(caught.value) and told in str(caught.value) and "b" in str(caught.value)


def test_files_that_are_no_predictions(tmp_path: Path, truth: Any) -> None:
    durations = dict.fromkeys(EVENTS, 10.0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "p.pkl").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "p.npy").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "q.npz").write_bytes(b"PK\x03\x04 cut off")
    np.savez(tmp_path / "objects.npz", a=np.array([{}], object))
    for name, code in [
        ("absent", "E-FILE-001"),
        ("empty", "E-DET-010"),
        ("p.pkl", "E-DET-010"),
        ("p.npy", "E-FILE-013"),
        ("q.npz", "E-DET-012"),
        ("objects.npz", "E-FILE-013"),
    ]:
        with pytest.raises(InputRefused) as caught:
            read_predictions(tmp_path / name, CLASSES, durations)
        assert caught.value.code == code, name


def test_other_classes_and_unknown_durations(tmp_path: Path, truth: Any) -> None:
    clock = Clock(fps=2.0, window=1, stride=1)
    save_predictions(tmp_path / "p.safetensors", Predictions(("run", "jump"), clock, scores_of()))
    with pytest.raises(InputRefused, match=r"E-MET-004.*jump, walk"):
        evaluate_files(tmp_path / "p.safetensors", truth)
    (tmp_path / "truth.csv").write_text("video,label,start,end\na,run,5,9\na,walk,1,4\nb,run,0,6\nc,walk,2,8\n")
    write_csv(tmp_path / "p.csv", PERFECT)
    assert values(evaluate_files(tmp_path / "p.csv", tmp_path / "truth.csv")) == {"event-map": 1.0}
    with pytest.raises(AugrgbError, match="E-ANN-024"):
        evaluate_files(write_scores(tmp_path, "npz", scores_of()), tmp_path / "truth.csv")


def test_pku_text_is_compared_in_frames_but_seconds_at_the_labels_rate(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "v.txt").write_text("1,0,50,1\n1,60,90,1\n")
    # 35 of 50 frames: an overlap of exactly 0.7, which division by 30 makes smaller.
    write_pku(tmp_path / "pred", [Detection("v", "c001", 1, 36, 0.9)], ["v"], {"c001": 1}, fps=1.0)
    name = "pku-mmd/event@0.7"
    for fps, expected in ((None, 0.5), (30.0, 0.0)):
        found = evaluate_files(tmp_path / "pred", tmp_path / "truth", protocols=(name,), fps=fps)
        assert values(found)[name] == pytest.approx(expected), fps
    write_csv(tmp_path / "p.csv", [Detection("v", "c001", 0.0, 50 / 30, 0.9), Detection("v", "c001", 2.0, 3.0, 0.8)])
    assert values(evaluate_files(tmp_path / "p.csv", tmp_path / "truth"))["event-map"] == pytest.approx(1.0)


def test_own_protocols_count_repaired_events_and_published_ones_events_as_written(tmp_path: Path, truth: Any) -> None:
    content = json.loads(truth.read_text())
    content["database"]["b"]["annotations"].append({"label": "walk", "segment": [9.0, 11.0]})
    truth.write_text(json.dumps(content))
    names = ("event-map", "thumos14/tiou")
    for end_s, best in ((11.0, "thumos14/tiou"), (10.0, "event-map")):  # each finds what it counts, and only that
        write_csv(tmp_path / "p.csv", [*PERFECT, Detection("b", "walk", 9.0, end_s, 0.5)])
        found = evaluate_files(tmp_path / "p.csv", truth, protocols=names)
        assert {name for name in names if values(found)[name] > 1 - 1e-9} == {best}
    assert found.notes == (
        "1 events clipped: ends past the video (E-ANN-011); published protocols count them as written",
    )


def test_wrong_annotations_are_refused(tmp_path: Path, truth: Any) -> None:
    content = json.loads(truth.read_text())
    content["database"]["b"]["annotations"][0]["segment"][0] = float("nan")
    truth.write_text(json.dumps(content))
    write_csv(tmp_path / "p.csv", PERFECT)
    with pytest.raises(AugrgbError, match="E-ANN"):
        evaluate_files(tmp_path / "p.csv", truth)


def test_thumos_detections(tmp_path: Path, truth: Any) -> None:
    """`video start end class score`: numbers from 1, from 0 with an option, or names; the numbering is noted."""
    for first, options in ((1, {}), (0, {"first_class": 0})):
        path = tmp_path / f"from{first}.txt"
        lines = [f"{d.video_id} {d.start_s} {d.end_s} {CLASSES.index(d.label) + first} {d.score}" for d in PERFECT]
        path.write_text("\n".join(lines) + "\n")
        found = evaluate_files(path, truth, protocols=["thumos14/tiou"], **options)
        assert values(found) == {"thumos14/tiou": 1.0}
        assert any(f"{first} = run" in note for note in found.notes)
    named = tmp_path / "names.txt"
    named.write_text("".join(f"{d.video_id}\t{d.start_s}\t{d.end_s}\t{d.label}\t0.5\n" for d in PERFECT))
    assert values(evaluate_files(named, truth, protocols=["thumos14/tiou"])) == {"thumos14/tiou": 1.0}
    (tmp_path / "bad.txt").write_text("a 1 4 2 0.9\nb 1 2 9 0.9\na 3 1 1 0.9\nc 1 2\n")
    with pytest.raises(AugrgbError) as caught:
        evaluate_files(tmp_path / "bad.txt", truth, protocols=["thumos14/tiou"])
    for text in ("unknown class '9'", "--first-class", "ends at 1", "line 4"):
        assert text in str(caught.value)


def test_thumos_numbers_of_the_development_kit(tmp_path: Path) -> None:
    """THUMOS14's 20 classes have the numbers 7, 9, 12, ... 97 in the development kit."""
    classes = tuple(f"class{k:02d}" for k in range(20))
    path = tmp_path / "run.txt"
    path.write_text("video_test_0000004 1.0 2.0 7 0.9\nvideo_test_0000004 3.0 4.0 97 0.8\n")
    found = read_predictions(path, classes, {"video_test_0000004": 10.0})
    assert [d.label for d in found.detections] == ["class00", "class19"]
    path.write_text("video_test_0000004 1.0 2.0 1 0.9\nvideo_test_0000004 3.0 4.0 20 0.8\n")
    assert [d.label for d in read_predictions(path, classes, {"video_test_0000004": 10.0}).detections] == [
        "class00",
        "class19",
    ]


def test_frame_wise_results(tmp_path: Path) -> None:
    """The files that MS-TCN writes, against events: the frames of `a` are all right, one of four of `b` is wrong."""
    events = {"a": [("walk", 1.0, 4.0)], "b": [("run", 0.0, 4.0)]}
    path = tmp_path / "truth.json"
    database = {
        video: {"duration": 4.0, "annotations": [{"label": label, "segment": [s, e]} for label, s, e in rows]}
        for video, rows in events.items()
    }
    path.write_text(json.dumps({"database": database}))
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "a").write_text("### Frame level recognition: ###\nbackground walk walk walk")
    (folder / "b").write_text("### Frame level recognition: ###\nrun run walk run")
    protocols = ["mstcn/mof", "mstcn/edit", "mstcn/f1@50"]
    found = values(evaluate_files(folder, path, protocols=protocols))
    # b: run walk run against run: edit 1 - 2/3; at 0.5 the first run (2 of 4 frames) is right
    assert found == pytest.approx({"mstcn/mof": 7 / 8, "mstcn/edit": (1 + 1 / 3) / 2, "mstcn/f1@50": 2 / 3})
    (folder / "b").write_text("run\nrun\nstir\nrun\n")
    with pytest.raises(AugrgbError, match="stir"):
        evaluate_files(folder, path, protocols=protocols)
