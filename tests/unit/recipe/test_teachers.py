"""Teachers of streams through the command line: ensembles, learned weights, gaps in teachers and labels, other clocks,
other modalities as students, and fusion with a second stream."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.annotations.labels import rasterise
from augrgb.core.timeline import Clock
from augrgb.features.store import open_features, write_features
from augrgb.metrics.frame_map import frame_ap, mean_present_classes
from augrgb.streams import load_stream, predict
from support.tiny_project import expect_success, run_cli, write
from support.toy_comparison import make_features, toy_values

TRAIN = ("v00", "v01", "v02", "v03")
UNLABELLED = ("v04", "v05")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Toy features, and three seeds of a pose teacher, one of rgb."""
    folder = tmp_path_factory.mktemp("teachers")
    make_features(folder)
    for name, modality, seed in (("pose", "pose", 0), ("pose1", "pose", 1), ("pose2", "pose", 2), ("rgb", "rgb", 0)):
        train(folder, folder, name, modality, seed=seed)
    return folder


def train(root: Path, out: Path, name: str, modality: str, *, command: str = "train", **sections: Any) -> Path:
    values = toy_values(root)["stream"]
    for key, value in sections.items():
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    values["student"] = {**values["student"], "modality": modality}
    expect_success(command, write(out / f"{name}.yaml", values), "--out", out / name)
    return out / name


def metrics(run: Any) -> Any:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "terms" in line]


def distill(losses: Any, **teachers: Any) -> Any:
    teachers = {name: [str(one) for one in v] if isinstance(v, list) else str(v) for name, v in teachers.items()}
    return {"teachers": teachers, "losses": {name: {} for name in losses}}


def test_an_ensemble_of_seeds(root: Any, tmp_path: Path) -> None:
    members = [root / name for name in ("pose", "pose1", "pose2")]
    taught = distill(["hint", "logit_kd"], pose=members)
    run = train(root, tmp_path, "taught", "rgb", command="distill", distill=taught)
    assert set(metrics(run)[0]["terms"]) == {"detection", "loss", "pose/hint", "pose/logit_kd"}
    for line in metrics(run):
        assert line["snippets"]["pose/logit_kd"] > line["snippets"]["detection"]


def test_members_of_other_features_are_refused(root: Any, tmp_path: Path) -> None:
    values = toy_values(root)["stream"]
    values["distill"] = distill(["logit_kd"], mixed=[root / "pose", root / "rgb"])
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    assert outcome.code == 3 and "E-MOD-017" in outcome.err
    values["distill"] = distill(["logit_kd"], nobody=[])
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    assert outcome.code == 2 and "teachers.nobody: give at least one run" in outcome.err


def test_learned_weights_of_teachers(root: Any, tmp_path: Path) -> None:
    section = distill(["logit_kd", "hint", "global_relation"], pose=root / "pose", self=root / "rgb")
    section |= {"teacher_mixing": "learned"}
    run = train(root, tmp_path, "taught", "rgb", command="distill", distill=section)
    told = json.loads((run / "teacher_mixing.json").read_text())
    assert told["snippets"] == 4 * 16
    for name in ("walk", "sit", "drink"):
        assert told["weights"]["pose"][name] + told["weights"]["self"][name] == pytest.approx(1)
    lines = metrics(run)
    terms = {"pose+self/logit_kd", "pose/hint", "self/hint", "pose/global_relation", "self/global_relation"}
    assert set(lines[-1]["terms"]) - {"loss", "detection"} == terms
    seen, steps = {name: sum(line["snippets"][name] for line in lines) for name in terms}, 6
    assert seen["pose+self/logit_kd"] == seen["pose/global_relation"] == steps * 4 * 16
    shared = seen["pose/hint"] + seen["self/hint"]
    assert 0.7 * steps * 64 < shared < 1.3 * steps * 64, "each snippet has about one teacher"
    identity = json.loads((run / "run.json").read_text())["identity"]["task"]["terms"]
    assert identity["pose/hint"] + identity["self/hint"] == pytest.approx(1, abs=1e-3)
    again = train(root, tmp_path, "taught", "rgb", command="distill", distill=section)
    assert metrics(again) == lines


def test_teachers_are_chosen_by_validation_videos(root: Any, tmp_path: Path) -> None:
    section = distill(["logit_kd", "hint"], pose=root / "pose", self=root / "rgb") | {"teacher_mixing": "validated"}
    run = train(root, tmp_path, "taught", "rgb", command="distill", distill=section)
    told = json.loads((run / "teacher_mixing.json").read_text())
    for name in ("walk", "sit", "drink"):
        shares = sorted((told["weights"]["pose"][name], told["weights"]["self"][name]))
        assert shares == pytest.approx([0.001 / 1.001, 1 / 1.001]) or shares == pytest.approx([0.5, 0.5])
    lines = metrics(run)
    assert set(lines[-1]["terms"]) - {"loss", "detection"} <= {"pose+self/logit_kd", "pose/hint", "self/hint"}
    again = train(root, tmp_path, "taught", "rgb", command="distill", distill=section)
    assert metrics(again) == lines


def test_equal_weights_are_an_ensemble_with_a_term_for_each_member(root: Any, tmp_path: Path) -> None:
    members = {name: root / name for name in ("pose", "pose1")}
    section = distill(["logit_kd", "hint"], **members) | {"teacher_mixing": "equal"}
    run = train(root, tmp_path, "taught", "rgb", command="distill", distill=section)
    line = metrics(run)[-1]
    assert set(line["terms"]) - {"loss", "detection"} == {"pose+pose1/logit_kd", "pose/hint", "pose1/hint"}
    assert len(set(line["snippets"].values()) - {line["snippets"]["detection"]}) == 1, "everyone sees every snippet"
    half = line["terms"]["pose/hint"] / 2 + line["terms"]["pose1/hint"] / 2 + line["terms"]["pose+pose1/logit_kd"]
    assert line["terms"]["loss"] == pytest.approx(line["terms"]["detection"] + half, rel=1e-4)
    assert not (run / "teacher_mixing.json").exists()
    # the same voice as that of one teacher with two members
    one = distill(["logit_kd"], both=list(members.values()))
    two = distill(["logit_kd"], **members) | {"teacher_mixing": "equal"}
    runs = [train(root, tmp_path, n, "rgb", command="distill", distill=d) for n, d in (("one", one), ("two", two))]
    first, second = (metrics(run)[0]["terms"]["loss"] for run in runs)
    assert first == pytest.approx(second, rel=1e-5)


def test_numbers_and_learned_are_the_only_weights(root: Any, tmp_path: Path) -> None:
    values = toy_values(root)["stream"]
    values["distill"] = distill(["logit_kd"], pose=root / "pose") | {"teacher_mixing": "lerned"}
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    assert outcome.code == 2 and "distill.teacher_mixing" in outcome.err


def copied(root: Path, target: Path, *, pose: Any = None, rgb: Any = None, audio: Any = None) -> Path:
    """The dataset with other features: functions (video id, values) -> (values, clock) or None for a missing video."""
    data = load_dataset(root / "data")
    save_dataset(data, target / "data")
    source = make_arrays(root)
    for name, change in {"rgb": rgb, "pose": pose, "audio": audio}.items():
        for video_id, values in source["rgb" if name == "audio" else name].items():
            new = change(video_id, values) if change else (values, Clock(16.0, 8, 8))
            if new is not None:
                write_features(target / "features" / name, video_id, new[0], new[1], {"recipe": name})
    return target


def make_arrays(root: Path) -> dict[str, dict[str, np.ndarray]]:
    folders = {name: open_features(root / "features" / name) for name in ("rgb", "pose")}
    return {name: {i: folder.read(i).values for i in folder.ids()} for name, folder in folders.items()}


def test_videos_without_a_teacher_are_masked_counted_and_reported(
    root: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = (TRAIN[1], UNLABELLED[0])
    place = copied(root, tmp_path, pose=lambda i, x: None if i in gone else (x, Clock(16.0, 8, 8)))
    section = distill(["logit_kd"], pose=root / "pose")
    values = toy_values(place)["stream"] | {"distill": section}
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "refused")
    assert outcome.code == 3 and "E-FEA-002" in outcome.err and "v01, v04" in outcome.err
    run = train(place, tmp_path, "taught", "rgb", command="distill", distill=section, data={"allow_missing": 2})
    seen = sum(line["snippets"]["pose/logit_kd"] for line in metrics(run))
    # 6 steps of 2 labelled and 2 unlabelled videos: 3 rounds of v00..v03, 6 of v04 and v05
    assert seen == (3 * 3 + 6 * 1) * 16
    assert sum(line["snippets"]["detection"] for line in metrics(run)) == 3 * 4 * 16


def test_snippets_without_a_teacher_are_masked(root: Any, tmp_path: Path) -> None:
    """The pose sensor starts three snippets late: what is farther than a snippet from anything seen has no teacher."""
    place = copied(root, tmp_path, pose=lambda i, x: (x[3:], Clock(16.0, 8, 8, offset=24)))
    run = train(place, tmp_path, "taught", "rgb", command="distill", distill=distill(["logit_kd"], pose=root / "pose"))
    line = metrics(run)[0]
    videos = line["snippets"]["detection"] // 16 * 2
    assert line["snippets"]["pose/logit_kd"] == videos * (16 - 2)


def test_videos_without_labels_teach_through_the_teacher_only(root: Any, tmp_path: Path) -> None:
    """`events: null` is fine in an unlabelled role, and refused in a labelled one."""
    place = copied(root, tmp_path)
    data = load_dataset(place / "data")
    videos = {i: replace(v, events=None) if i in UNLABELLED else v for i, v in data.videos.items()}
    save_dataset(replace(data, videos=videos), place / "data")
    section = distill(["logit_kd"], pose=root / "pose")
    run = train(place, tmp_path, "taught", "rgb", command="distill", distill=section)
    reference = train(root, tmp_path, "reference", "rgb", command="distill", distill=section)
    assert metrics(run) == metrics(reference), "labels of unlabelled videos were never looked at"
    line = metrics(run)[0]
    assert line["snippets"]["detection"] * 2 == line["snippets"]["pose/logit_kd"]
    videos = {i: replace(v, events=None) if i == TRAIN[0] else v for i, v in data.videos.items()}
    save_dataset(replace(data, videos=videos), place / "data")
    values = toy_values(place)["stream"]
    outcome = run_cli("train", write(tmp_path / "s.yaml", values), "--out", tmp_path / "refused")
    assert outcome.code == 3 and "E-SPL-005" in outcome.err


def test_teachers_clock_differs_from_the_students(root: Any, tmp_path: Path) -> None:
    """A pose teacher at twice the rate: the student's snippets take what the teacher says at their time."""
    fast = Clock(16.0, 4, 4)
    place = copied(root, tmp_path, pose=lambda i, x: (np.repeat(x, 2, axis=0), fast))
    teacher = train(place, tmp_path, "fast", "pose")
    assert load_stream(teacher).settings.clock == fast
    run = train(
        place, tmp_path, "taught", "rgb", command="distill", distill=distill(["logit_kd", "hint"], pose=teacher)
    )
    line = metrics(run)[0]
    assert line["snippets"]["pose/hint"] == 2 * line["snippets"]["detection"] and line["terms"]["pose/hint"] > 0


def test_an_audio_student_is_taught_by_rgb(root: Any, tmp_path: Path) -> None:
    """Any modality can be student, and rgb a teacher; names mean nothing to the program."""
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(6, 4)).astype(np.float32)
    slow = Clock(16.0, 16, 16)
    place = copied(root, tmp_path, audio=lambda i, x: ((x[::2] @ mix).astype(np.float32), slow))
    features = {name: str(place / "features" / name) for name in ("rgb", "audio")}
    section = distill(["atomic_contrastive", "boundary_saliency", "logit_kd"], rgb=root / "rgb")
    data = {"features": features}
    run = train(place, tmp_path, "heard", "audio", command="distill", distill=section, data=data)
    settings = load_stream(run).settings
    assert (settings.modality, settings.dim_in, settings.clock) == ("audio", 4, slow)
    assert metrics(run)[0]["snippets"]["rgb/logit_kd"] > 0
    scored = tmp_path / "scores.json"
    expect_success("evaluate", run, "--protocol", "frame-map/present", "--out", scored)
    assert '"videos_scored": 2' in scored.read_text()


def test_an_augmented_stream_is_fused_with_a_real_second_one(root: Any, tmp_path: Path) -> None:
    run = train(root, tmp_path, "taught", "rgb", command="distill", distill=distill(["logit_kd"], pose=root / "pose"))
    scored = tmp_path / "scores.json"
    expect_success("evaluate", run, root / "pose", "--protocol", "frame-map/present", "--out", scored)
    found = json.loads(scored.read_text())
    assert found["evaluated"] == ["taught", "pose"]
    data, arrays = load_dataset(root / "data"), make_arrays(root)
    members = {"rgb": load_stream(run).stream, "pose": load_stream(root / "pose").stream}
    ids = data.splits["subject"]["test"]
    fused = [np.mean([predict(stream, arrays[name][i]) for name, stream in members.items()], axis=0) for i in ids]
    truth = [rasterise(data.videos[i].events or (), data.classes, Clock(16.0, 8, 8), 16) for i in ids]
    expected = mean_present_classes(frame_ap(np.concatenate(fused), np.concatenate(truth)))
    assert found["results"][0]["value"] == pytest.approx(expected, abs=1e-6)
    assert (found["results"][0]["videos_scored"], found["results"][0]["videos_total"]) == (2, 2)
