"""Teachers of encoders from real folders: streams, snippet classifiers, joints, given weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.core.batch import Batch
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.encoders.files import load_encoder
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.features.snippet_bank import SnippetBank
from augrgb.features.store import open_features
from augrgb.recipe import EncoderRecipe, check_recipe
from augrgb.recipe.build import build_losses
from augrgb.recipe.encoder_assembly import open_encoder_teachers
from augrgb.streams.files import load_stream
from augrgb.streams.predict import filter_sequence
from augrgb.training import RunFolder
from augrgb.training.encoder_snippets import labelled_snippets
from augrgb.training.teachers.encoder_teachers import encoder_distillation
from augrgb.workflows.extract import extract
from augrgb.workflows.train_encoder import train_encoder
from support.sealed_files import edit_json
from support.tiny_project import CLOCK

TRAIN = {"steps": 4, "batch_size": 8, "validate_every": 2, "checkpoint_every": 2}


def recipe_of(project: Path, **parts: Any) -> EncoderRecipe:
    values = {
        "data": {"dataset": str(project / "world"), "frames": str(project / "frames")},
        "encoder": {"small_rgb": {"dim": 16}},
        "clock": CLOCK,
        "train": TRAIN,
    }
    data = {**values["data"], **parts.pop("data", {})}
    return check_recipe({**values, **parts, "data": data}, EncoderRecipe)


def taught_by(project: Path, **distill: Any) -> EncoderRecipe:
    return recipe_of(project, distill={"losses": {"logit_kd": {}}, **distill})


def terms_of(recipe: EncoderRecipe, project: Path, own_frames: Path) -> Any:
    """The terms of a recipe, and the training snippets that they are about."""
    dataset = load_dataset(recipe.data.dataset)
    roles = dataset.splits["cross_subject"]
    ids = (*roles["encoder"], *roles["encoder_unlabelled"])
    teachers = open_encoder_teachers(recipe)
    bank = SnippetBank(project / "frames", ids, "rgb", Clock(15.0, 8, 8))
    snippets = labelled_snippets(SmallRGB(), bank, dataset, set(roles["encoder"]))
    missing, frames = teachers.missing(dataset, ids), project / "frames"
    sources = teachers.sources(dataset, bank, missing, frames, own_frames)
    losses = build_losses(recipe.distill, recipe.train.steps)
    return encoder_distillation(losses, teachers, sources, None, snippets, 16).terms, bank, dataset


def outputs_of(term: Any, bank: SnippetBank) -> Any:
    count = len(bank)
    ones = torch.ones(count, 1, dtype=torch.bool)
    batch = Batch(ones, torch.zeros(count, 1, 1))
    return term.source.outputs(batch)


def test_a_stream_says_of_a_snippet_what_it_says_of_the_video(project: Path, tmp_path: Path) -> None:
    """Oracle: extract the features with the command's own function, and run the stream over them."""
    recipe = taught_by(project, streams=[str(project / "pose")])
    (term,), bank, dataset = terms_of(recipe, project, tmp_path)
    output, there = outputs_of(term, bank)
    assert term.name == "pose/logit_kd" and there.all()
    extract(dataset, project / "pose" / "encoder", tmp_path / "features", video_ids=bank.video_ids, workers=0)
    features, stream = open_features(tmp_path / "features"), load_stream(project / "pose").stream
    first = 0
    for video_id, count in zip(bank.video_ids, bank.counts.tolist(), strict=True):
        _, logits = filter_sequence(stream, torch.from_numpy(features.read(video_id).values))
        torch.testing.assert_close(output.logits[first : first + count, 0], logits[:count])
        first += count
    given = taught_by(project, streams=[str(project / "pose")], features={"pose": str(tmp_path / "features")})
    (other,), _, _ = terms_of(given, project, tmp_path)
    torch.testing.assert_close(outputs_of(other, bank)[0].logits, output.logits)


def test_snippet_logits_of_a_teacher_encoder(project: Path, tmp_path: Path) -> None:
    recipe = taught_by(project, teachers={"pose": str(project / "encoder_pose")})
    (term,), bank, _ = terms_of(recipe, project, tmp_path)
    output, _ = outputs_of(term, bank)
    loaded = load_encoder(project / "encoder_pose").encoder
    tensors = load_file(project / "encoder_pose" / "classifier.safetensors")
    own = SnippetBank(project / "frames", bank.video_ids, "pose", Clock(15.0, 8, 8))
    with torch.no_grad():
        features = loaded(loaded.prepare(own.windows(np.arange(5))))
        expected = torch.nn.functional.linear(features, tensors["weight"], tensors["bias"])
    torch.testing.assert_close(output.logits[:5, 0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("how", ["equal", "learned", "validated"])
def test_teachers_share_the_weight_of_each_loss(project: Path, tmp_path: Path, how: Any) -> None:
    """Class scores come from one voice; features are taught by each teacher, as often as its share says."""
    teachers = {"pose": str(project / "encoder_pose"), "rgb": str(project / "encoder_rgb")}
    losses = {
        "logit_kd": {"weight": 0.5, "teachers": ["pose_stream", "rgb_stream"]},
        "atomic_contrastive": {"weight": 0.4, "teachers": ["pose", "rgb"], "decay": 0.5},
    }
    streams = {"pose_stream": str(project / "pose"), "rgb_stream": str(project / "rgb")}
    recipe = recipe_of(
        project, distill={"teachers": teachers, "streams": streams, "losses": losses, "teacher_mixing": how}
    )
    train_encoder(recipe, tmp_path / "run", workers=0)
    task = json.loads((tmp_path / "run" / "run.json").read_text())["identity"]["task"]
    terms = task["terms"]
    assert terms["pose_stream+rgb_stream/logit_kd"] == 0.5
    shares = [terms[f"{name}/atomic_contrastive"] for name in teachers]
    assert sum(shares) == pytest.approx(0.4, abs=2e-4) and min(shares) >= 0
    assert task["fading"] == {"pose/atomic_contrastive": 2, "rgb/atomic_contrastive": 2}
    told = tmp_path / "run" / "teacher_mixing.json"
    assert told.exists() == (how != "equal") and (shares == [0.2, 0.2] or how != "equal")
    if how != "equal":
        weights = json.loads(told.read_text())["weights"]
        for group in (list(teachers), list(streams)):
            for label in weights["pose"]:
                assert sum(weights[name][label] for name in group) == pytest.approx(1, abs=1e-5)
    if how == "learned":
        snippets = next(line for line in RunFolder(tmp_path / "run").metrics.read() if "snippets" in line)["snippets"]
        seen = [snippets[f"{name}/atomic_contrastive"] for name in teachers]
        everything = snippets["pose_stream+rgb_stream/logit_kd"]
        assert all(0 < count < everything for count in seen), "each teaches some of the snippets"


@pytest.mark.parametrize("how", ["equal", "learned", "validated"])
def test_weights_cannot_be_shared_by_teachers_without_scores(project: Path, tmp_path: Path, how: Any) -> None:
    folder = tmp_path / "encoder_pose"
    shutil.copytree(project / "encoder_pose", folder)
    (folder / "classifier.safetensors").unlink()
    losses = {"atomic_contrastive": {}}
    recipe = taught_by(project, teachers={"pose": str(folder)}, losses=losses, teacher_mixing=how)
    with pytest.raises(AugrgbError, match=r"E-TRN-005.*pose cannot score"):
        train_encoder(recipe, tmp_path / "run", workers=0)


def test_several_teachers_through_their_own_losses_and_joints(project: Path, tmp_path: Path) -> None:
    recipe = recipe_of(
        project,
        distill={
            "teachers": {"encoder": str(project / "encoder_pose")},
            "streams": {"stream": str(project / "pose")},
            "losses": {
                "atomic_regression": {"weight": 0.5},
                "logit_kd": {"teachers": ["stream"], "only_unlabelled": True},
            },
            "joints": {"frames": 2, "weight": 0.3},
            "teacher_mixing": {"stream": 2.0},
        },
    )
    train_encoder(recipe, tmp_path / "run", workers=0)
    run = json.loads((tmp_path / "run" / "run.json").read_text())["identity"]["task"]
    assert run["terms"] == {
        "encoder/atomic_regression": 0.5,
        "stream/atomic_regression": 1.0,
        "stream/logit_kd": 2.0,
        "joints/joint_regression": 0.3,
    }
    line = next(line for line in RunFolder(tmp_path / "run").metrics.read() if "snippets" in line)
    assert line["snippets"]["stream/atomic_regression"] == 2 * line["snippets"]["detection"] == 32
    assert load_encoder(tmp_path / "run").settings.notes["teachers"] == ["encoder", "joints", "stream"]
    kept = load_file(tmp_path / "run" / "model.safetensors")
    plain = load_encoder(project / "encoder_rgb").encoder.state_dict()
    assert {name: tensor.shape for name, tensor in kept.items()} == {n: t.shape for n, t in plain.items()}


def test_the_map_learns_where_joints_lie_and_what_poses_attend_to(project: Path, tmp_path: Path) -> None:
    distill = {
        "teachers": {"pose": str(project / "encoder_pose"), "twin": str(project / "encoder_rgb")},
        "losses": {"pose_induction": {"teachers": ["pose"]}, "d3d": {"teachers": ["twin"]}},
        "joint_cells": {"weight": 1.6},
        "attention": {"weight": 0.5, "teachers": ["pose"]},
    }
    train_encoder(recipe_of(project, distill=distill), tmp_path / "run", workers=0)
    run = json.loads((tmp_path / "run" / "run.json").read_text())["identity"]["task"]
    assert run["terms"] == {
        "pose/pose_induction": 1.0,
        "twin/d3d": 1.0,
        "joint_cells/joint_cells": 1.6,
        "pose/attention": 0.5,
    }
    line = next(line for line in RunFolder(tmp_path / "run").metrics.read() if "terms" in line)
    assert all(value > 0 for value in line["terms"].values())
    assert load_encoder(tmp_path / "run").settings.notes["teachers"] == ["joint_cells", "pose", "twin"]
    kept = load_file(tmp_path / "run" / "model.safetensors")
    assert set(kept) == set(load_encoder(project / "encoder_rgb").encoder.state_dict())
    (tmp_path / "flow").mkdir()
    other = recipe_of(project, encoder={"small_flow": {}}, distill={"joint_cells": {}})
    with pytest.raises(AugrgbError, match="E-ENC-017 distill: small_flow gives no map"):
        train_encoder(other, tmp_path / "flow", workers=0)


def without_poses(project: Path, tmp_path: Path) -> Path:
    """The world, in which one unlabelled video has no poses; decoded frames serve as they are."""
    dataset = load_dataset(project / "world")
    video_id = dataset.splits["cross_subject"]["encoder_unlabelled"][0]
    videos = {**dataset.videos, video_id: replace(dataset.videos[video_id], poses=None)}
    shutil.copytree(project / "world", tmp_path / "world")
    save_dataset(
        replace(load_dataset(tmp_path / "world"), videos=_moved(videos, project, tmp_path)), tmp_path / "world"
    )
    return tmp_path / "world"


def _moved(videos: Any, project: Path, tmp_path: Path) -> Any:
    def moved(path: Path | None) -> Path | None:
        return tmp_path / "world" / path.relative_to((project / "world").resolve()) if path is not None else None

    return {
        name: replace(record, file=moved(record.file), poses=moved(record.poses)) for name, record in videos.items()
    }


@pytest.mark.parametrize(
    "distill",
    [
        {"teachers": {"pose": "encoder_pose"}, "losses": {"atomic_regression": {}}},
        {"streams": {"pose": "pose"}, "losses": {"logit_kd": {}}},
        {"joints": {}},
    ],
)
def test_videos_that_a_teacher_cannot_see_are_masked_and_counted(project: Path, tmp_path: Path, distill: Any) -> None:
    for kind in ("teachers", "streams"):
        if kind in distill:
            distill = {**distill, kind: {"pose": str(project / distill[kind]["pose"])}}
    name = "pose" if "joints" not in distill else "joints"
    data = {"dataset": str(without_poses(project, tmp_path)), "frames": str(tmp_path / "frames")}
    with pytest.raises(AugrgbError, match=rf"E-FEA-002 teacher {name}: cannot see 1 of 4 videos.*allow_missing=1"):
        train_encoder(recipe_of(project, data=data, distill=distill), tmp_path / "run", workers=0)
    recipe = recipe_of(project, data={**data, "allow_missing": 1}, distill={**distill, "unlabelled_share": 0.5})
    train_encoder(recipe, tmp_path / "run", workers=0)
    line = next(line for line in RunFolder(tmp_path / "run").metrics.read() if "snippets" in line)
    (taught,) = [count for term, count in line["snippets"].items() if term != "detection"]
    assert line["snippets"]["detection"] == 16 and 16 <= taught < 32


def test_a_stream_without_an_encoder_or_of_other_classes(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "pose", tmp_path / "pose", ignore=shutil.ignore_patterns("encoder"))
    with pytest.raises(AugrgbError, match=r"E-ENC-005 distill.streams.pose: .* distill.features.pose"):
        terms_of(taught_by(project, streams=[str(tmp_path / "pose")]), project, tmp_path)
    shutil.copytree(project / "pose", tmp_path / "other")
    path = tmp_path / "other" / "model.json"
    edit_json(path, classes=[f"{name}!" for name in json.loads(path.read_text())["classes"]])
    with pytest.raises(AugrgbError, match="E-MOD-008"):
        train_encoder(taught_by(project, streams=[str(tmp_path / "other")]), tmp_path / "run", workers=0)


def test_a_teacher_of_another_frame_rate_gets_its_own_tracks(project: Path, tmp_path: Path) -> None:
    recipe = recipe_of(
        project,
        data={"frames": str(tmp_path / "frames")},
        clock={"fps": 10, "window": 6, "stride": 6},
        distill={"streams": {"pose": str(project / "pose")}, "losses": {"logit_kd": {}}},
    )
    train_encoder(recipe, tmp_path / "run", workers=0)
    assert next(path.name for path in (tmp_path / "run" / "teacher_frames").iterdir()).startswith("64x48-15fps")
    assert not (tmp_path / "frames" / "pose").exists()
    line = next(line for line in RunFolder(tmp_path / "run").metrics.read() if "snippets" in line)
    assert line["snippets"]["pose/logit_kd"] == 32


def test_given_weights_frozen_parts_and_the_head(project: Path, tmp_path: Path) -> None:
    init = {"folder": str(project / "encoder_augmented"), "freeze": ["net.layers.0*"]}
    train_encoder(recipe_of(project, init=init), tmp_path / "run", workers=0)
    start = load_file(project / "encoder_augmented" / "model.safetensors")
    end = load_file(tmp_path / "run" / "model.safetensors")
    frozen = {name for name in start if name.startswith("net.layers.0")}
    assert frozen and all(torch.equal(start[name], end[name]) for name in frozen)
    assert any(not torch.equal(start[name], end[name]) for name in start)
    first = load_file(tmp_path / "run" / "checkpoints" / "step-000000002.safetensors")
    head = load_file(project / "encoder_augmented" / "classifier.safetensors")["weight"]
    assert (first["student.classifier.weight"] - head).abs().max() < 0.01, "the head is taken over"
    train_encoder(recipe_of(project, init={**init, "classifier": False}), tmp_path / "fresh", workers=0)
    fresh = load_file(tmp_path / "fresh" / "checkpoints" / "step-000000002.safetensors")
    assert (fresh["student.classifier.weight"] - head).abs().max() > 0.1


def test_augmented_from_given_weights(project: Path, tmp_path: Path) -> None:
    recipe = recipe_of(
        project,
        init=str(project / "encoder_rgb"),
        distill={"streams": [str(project / "pose")], "losses": {"logit_kd": {}}},
    )
    assert train_encoder(recipe, tmp_path / "run", workers=0).steps == 4


def test_rgb_that_begins_as_the_flow_teacher(project: Path, tmp_path: Path) -> None:
    recipe = recipe_of(project, encoder={"small_flow": {"dim": 16}}, init=None)
    train_encoder(recipe, tmp_path / "flow", workers=0)
    student = recipe_of(project, encoder={"small_rgb": {"dim": 16, "sees": "motion"}}, init=str(tmp_path / "flow"))
    train_encoder(student, tmp_path / "rgb", workers=0)
    teacher = load_file(tmp_path / "flow" / "model.safetensors")
    weights = load_file(tmp_path / "rgb" / "model.safetensors")
    assert all((weights[name] - value).abs().max() < 0.05 for name, value in teacher.items())
    other = recipe_of(project, encoder={"small_rgb": {"dim": 16}}, init=str(tmp_path / "flow"))
    with pytest.raises(AugrgbError, match="E-ENC-002"):
        train_encoder(other, tmp_path / "both", workers=0)


def test_validation_in_the_scenes_of_training_is_a_warning(
    project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = recipe_of(project)
    dataset = load_dataset(recipe.data.dataset)
    videos = {name: replace(video, scene="hall") for name, video in dataset.videos.items()}
    save_dataset(replace(dataset, videos=videos), recipe.data.dataset)
    try:
        train_encoder(recipe, tmp_path / "run", workers=0)
    finally:
        save_dataset(dataset, recipe.data.dataset)
    assert "are from scenes that training has seen" in caplog.text


@pytest.mark.parametrize(
    ("encoder", "init", "message"),
    [
        (
            {"small_rgb": {"dim": 16}},
            "encoder_pose",
            "E-ENC-001 init: .* is a small_pose, the recipe trains a small_rgb",
        ),
        ({"small_rgb": {"dim": 8}}, "encoder_rgb", r"E-ENC-002 init: .* is \(16, .*\), not \(8, .*'dim': 16"),
        ({"small_rgb": {"dim": 16}}, "nowhere", "E-FILE-001"),
        ({"small_rgb": {"dim": 16}}, {"folder": "encoder_rgb", "freeze": ["x.*"]}, "E-ENC-003 init.freeze: no weight"),
    ],
)
def test_weights_that_do_not_fit(project: Path, tmp_path: Path, encoder: Any, init: Any, message: Any) -> None:
    section = {"folder": init} if isinstance(init, str) else dict(init)
    section["folder"] = str(project / section["folder"])
    with pytest.raises(AugrgbError, match=message):
        train_encoder(recipe_of(project, encoder=encoder, init=section), tmp_path / "run", workers=0)


def test_pseudo_labels_of_the_same_modality_and_a_mean_teacher(project: Path, tmp_path: Path) -> None:
    pseudo = recipe_of(
        project,
        distill={"teachers": {"self": str(project / "encoder_rgb")}, "losses": {"pseudo_labels": {"positive": 0.3}}},
    )
    mean = recipe_of(project, semi_supervised={"mean_teacher": {"ramp_steps": 1}, "unlabelled_share": 0.25})
    seen = {}
    for name, recipe in (("pseudo", pseudo), ("mean", mean)):
        train_encoder(recipe, tmp_path / name, workers=0)
        seen[name] = next(line for line in RunFolder(tmp_path / name).metrics.read() if "snippets" in line)["snippets"]
    assert seen["pseudo"] == {"detection": 16, "self/pseudo_labels": 32}
    assert seen["mean"] == {"detection": 24, "self/mean_teacher": 32}


def test_augmentation_of_a_recipe(project: Path, tmp_path: Path) -> None:
    classes = load_dataset(project / "world").classes
    swapped = {"flip": 0.5, "swap": [[classes[0], classes[1]]], "jitter_frames": 2, "noise": 0}
    train_encoder(recipe_of(project, augment=swapped, average=0.9), tmp_path / "run", workers=0)
    run = json.loads((tmp_path / "run" / "run.json").read_text())["identity"]["task"]
    assert run["mirror_classes"][:3] == [1, 0, 2] and run["terms"] == {"self/average": 1.0}
    for swap in (["nobody", classes[0]], [classes[0], classes[0]]):
        with pytest.raises(AugrgbError, match=r"E-ENC-016 augment.swap"):
            train_encoder(recipe_of(project, augment={"flip": 0.5, "swap": [swap]}), tmp_path / "bad", workers=0)


def test_decoding_is_told_to_the_end_and_in_several_processes(project: Path, tmp_path: Path) -> None:
    frames = {"frames": str(tmp_path / "frames")}
    recipe = recipe_of(project, data=frames)
    told: list[tuple[int, int]] = []
    train_encoder(recipe, tmp_path / "one", workers=2, decoding=lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (4, 4), "two labelled and two validation videos"
    again: list[tuple[int, int]] = []
    train_encoder(recipe, tmp_path / "two", workers=0, decoding=lambda done, total: again.append((done, total)))
    assert again[-1] == (4, 4), "videos that lie there already count"
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
