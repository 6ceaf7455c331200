"""`--dry-run` on small made-up downloads in the published layouts: complete ones, and broken in every way at once."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from augrgb.annotations import published
from augrgb.annotations.published import PUBLISHED, Published
from augrgb.core.seeds import rng_at
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe, load_recipe
from augrgb.workflows.dry_run_encoder import dry_run_encoder
from augrgb.workflows.dry_run_stream import dry_run_stream
from support.places import RECIPES
from support.tiny_project import expect_success, run_cli

FOLDERS = ("charades", "multithumos", "thumos14", "pku_mmd", "tsu")
CLOCK = {"fps": 24, "window": 16, "stride": 8}


def charades_like(root: Any, train: Any = 4, test: Any = 2) -> None:
    """`charades.json`, two folders of features in the layouts the field shares, and their recipes."""
    videos = {}
    for number in range(train + test):
        start = 2.0 * (number % 3)
        actions = [[k, start + k, start + k + 3.0] for k in range(3)]
        subset = "training" if number < train else "testing"
        videos[f"V{number:03d}"] = {"subset": subset, "duration": 12.0 + number, "actions": actions}
    (root / "charades.json").write_text(json.dumps(videos))
    for name, shape in (("rgb", (-1, 1, 1, 8)), ("flow", (-1, 8))):
        (root / "features" / name).mkdir(parents=True)
        for video_id, video in videos.items():
            count = round(video["duration"] * 24 / 8) - 1
            values = rng_at(0, name, video_id).standard_normal((count, 8)).astype(np.float16).reshape(shape)
            np.save(root / "features" / name / f"{video_id}.npy", values)
    expect_success("data", "convert", root / "charades.json", "--out", root / "charades", "--to", "augrgb")
    base = {
        "data": {
            "dataset": str(root / "charades"),
            "split": "given",
            "published": "charades",
            "features": {m: {"folder": str(root / "features" / m), "clock": CLOCK} for m in ("rgb", "flow")},
        },
        "student": {"filter": {"sd_tcn": {"width": 8, "layers": 2}}},
        "train": {"steps": 2, "batch_size": 3},
    }
    (root / "base.yaml").write_text(yaml.safe_dump(base))
    (root / "rgb.yaml").write_text("base: base.yaml\n")
    (root / "flow.yaml").write_text("base: base.yaml\nstudent: {modality: flow}\n")
    losses = {"atomic_contrastive": {"weight": 0.1}, "boundary_saliency": {}}
    distill = {"teachers": {"flow": str(root / "runs" / "flow")}, "losses": losses}
    (root / "augmented.yaml").write_text(yaml.safe_dump({"base": "base.yaml", "distill": distill}))


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    counts = {"given": {"train": (4,), "test": (2,)}}
    monkeypatch.setitem(published.PUBLISHED, "charades", Published(3, (6,), counts, "made up"))
    charades_like(tmp_path)
    return tmp_path


def test_a_complete_download_is_ready_and_nothing_is_written(download: Any) -> None:
    before = sorted(download.rglob("*"))
    outcome = expect_success("train", download / "rgb.yaml", "--out", download / "runs" / "rgb", "--dry-run")
    assert "Ready to train." in outcome.out and "fault" not in outcome.out
    for expected in ("annotations", "train videos", "rgb features", "one step", "memory", "disk"):
        assert expected in outcome.out
    assert sorted(download.rglob("*")) == before


def test_a_teacher_is_checked_and_used(download: Any) -> None:
    run = download / "runs" / "flow"
    missing = run_cli("distill", download / "augmented.yaml", "--dry-run")
    assert missing.code == 3 and "E-FILE-001" in missing.err
    expect_success("train", download / "flow.yaml", "--out", run)
    ready = expect_success("distill", download / "augmented.yaml", "--dry-run")
    assert "teacher flow" in ready.out and "Ready to train." in ready.out


def test_everything_that_is_broken_is_told_at_once(download: Any) -> None:
    features = download / "features" / "rgb"
    (features / "V000.npy").unlink()
    np.save(features / "V001.npy", np.zeros((40, 1, 1, 9), np.float16))
    np.save(features / "V002.npy", np.full(np.load(features / "V002.npy").shape, np.nan, np.float16))
    np.save(features / "V003.npy", np.load(features / "V003.npy")[:10])
    (features / "V005.npy").write_bytes((features / "V005.npy").read_bytes()[:100])
    shutil.copy(features / "V004.npy", features / "stranger.npy")
    data = json.loads((download / "charades" / "dataset.json").read_text())
    data["splits"]["given"]["train"].remove("V003")
    (download / "charades" / "dataset.json").write_text(json.dumps(data))
    outcome = run_cli("distill", download / "augmented.yaml", "--dry-run")
    assert outcome.code == 3
    expected = {
        "E-DRY-001": "3 train videos, published: 4",
        "E-FILE-001": "flow",  # the teacher was never trained
        "E-FEA-002": "1 of 5 videos have no rgb: V000",
        "E-FEA-017": "V001",
        "E-FEA-005": "V002",
        "E-FEA-007": "V005",
    }
    for code, text in expected.items():
        assert code in outcome.err and text in outcome.err, (code, outcome.err)
    assert "skipped because of the faults above" in " ".join(outcome.out.split())
    assert "Ready to train" not in outcome.out


def test_features_of_another_clock_are_refused(download: Any) -> None:
    outcome = run_cli("train", download / "rgb.yaml", "data.features.rgb.clock.stride=4", "--dry-run")
    assert outcome.code == 3 and "E-FEA-004" in outcome.err and "Declare the clock" in outcome.err


def test_annotations_that_cannot_be_read_do_not_hide_the_rest(download: Any) -> None:
    (download / "charades" / "dataset.json").write_text("{")
    outcome = run_cli("distill", download / "augmented.yaml", "--dry-run")
    assert outcome.code == 3 and "dataset.json: not valid JSON" in outcome.err and "E-FILE-001" in outcome.err


def test_an_unknown_dataset_and_a_missing_split(download: Any) -> None:
    outcome = run_cli("train", download / "rgb.yaml", "data.published=charade", "data.split=CS", "--dry-run")
    assert outcome.code == 2 and "did you mean 'charades'" in outcome.err and "no split 'CS'" in outcome.err


def test_more_faults_of_one_kind_than_anyone_reads_are_counted(tmp_path: Path) -> None:
    charades_like(tmp_path, train=20)
    for path in (tmp_path / "features" / "rgb").glob("*.npy"):
        np.save(path, np.zeros((3, 8)))
    outcome = run_cli("train", tmp_path / "rgb.yaml", "data.published=null", "--dry-run")
    assert outcome.err.count("E-FEA-004") == 1 and "21 more like it: V001" in outcome.err


def test_an_encoder_s_recipe(project: Path) -> None:
    ready = expect_success("train-encoder", project / "encoder_augmented.yaml", "--dry-run", "--out", project / "no")
    assert "teacher pose" in ready.out and "Ready to train." in ready.out and not (project / "no").exists()
    data = project / "world"
    broken = run_cli(
        "train-encoder", project / "encoder_augmented.yaml", f"data.dataset={data}/none", "distill.teachers.pose=x",
        "--dry-run",
    )  # fmt: skip
    assert broken.code == 3 and "no such dataset" in broken.err and "no such encoder description" in broken.err


def test_an_encoder_s_recipe_is_assembled_as_training_assembles_it(project: Path, tmp_path: Path) -> None:
    """Losses against teachers, weights to start from, a stream without its encoder: found before any decoding."""
    recipe, run = project / "encoder_augmented.yaml", tmp_path / "run"
    streams = f"distill.streams={{pose_stream: {project / 'pose'}}}"
    words = ("train-encoder", recipe, "--dry-run", "--out", run, streams)
    joints = ("distill.joints.frames=2", "average=0.9")
    learned = ("distill.teacher_mixing=learned", "distill.losses.logit_kd.teachers=[pose_stream]")
    for more in (joints, learned, (f"init={project / 'encoder_rgb'}",)):
        ready = expect_success(*words, *more)
        assert "teacher pose_stream" in ready.out and "Ready to train." in ready.out
    shutil.copytree(project / "encoder_pose", tmp_path / "pose")
    (tmp_path / "pose" / "classifier.safetensors").unlink()
    for more, code in (
        (("distill.losses.logit_kd.weight=1", f"distill.teachers.pose={tmp_path / 'pose'}"), "E-MOD-008"),
        (("distill.teacher_mixing=equal", f"distill.teachers.pose={tmp_path / 'pose'}"), "E-TRN-005"),
        ((f"init={project / 'encoder_pose'}",), "E-ENC-001"),
        ((f"distill.streams={{bare: {project / 'encoder_rgb'}}}",), "E-MOD-006"),
    ):
        outcome = run_cli(*words, *more)
        assert outcome.code in (2, 3) and code in outcome.err, outcome.err
    assert not run.exists()


def test_flow_that_cannot_be_made_here_is_told_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.registration", None)
    values = {"data": {"dataset": str(tmp_path / "none"), "size": [32, 24]}, "train": {"batch_size": 2}}
    found = []
    for flow in ({"method": "tvl1"}, None):
        encoder = {"small_flow": {"dim": 8, "width": 4, "flow": flow}}
        report = dry_run_encoder(check_recipe({**values, "encoder": encoder}, EncoderRecipe), tmp_path / "run")
        found.append({fault.code for fault in report.faults})
    assert found == [{"E-FILE-001", "E-ENV-003"}, {"E-FILE-001"}]


@pytest.mark.parametrize("name", ["small_grid", "signal_tcn"])
def test_the_encoder_of_a_sensor_without_a_dataset_is_no_bug(name: str, tmp_path: Path) -> None:
    values = {"data": {"dataset": str(tmp_path / "none")}, "encoder": {name: {}}}
    report = dry_run_encoder(check_recipe(values, EncoderRecipe), tmp_path / "run")
    assert {fault.code for fault in report.faults} == {"E-FILE-001"}


def test_a_device_that_is_not_there_is_a_fault_beside_the_others(tmp_path: Path) -> None:
    encoder = {"data": {"dataset": str(tmp_path / "none")}, "encoder": {"small_rgb": {"dim": 8}}}
    report = dry_run_encoder(check_recipe(encoder, EncoderRecipe), tmp_path / "run", device="gpu")
    assert [check.verdict for check in report.checks if check.what == "device"] == ["fault"]
    stream = {"data": {"dataset": str(tmp_path / "none"), "features": {"rgb": str(tmp_path)}}}
    both = dry_run_stream(check_recipe(stream, StreamRecipe), tmp_path / "run", device="gpu")
    assert {"device", "annotations"} <= {check.what for check in both.checks if check.verdict == "fault"}


@pytest.mark.parametrize("path", sorted(p for f in FOLDERS for p in (RECIPES / f).glob("*.yaml")), ids=str)
def test_shipped_recipes(path: Any) -> None:
    text = path.read_text()
    recipe = load_recipe(path, StreamRecipe)
    assert recipe.data.published in PUBLISHED and recipe.data.published == path.parent.name
    known = PUBLISHED[recipe.data.published]
    assert recipe.data.split in known.splits
    if path.name == "base.yaml":
        assert all(word in text for word in ("Features:", "Files:", "Dataset:", "augrgb data"))
        return
    verb = "distill" if recipe.distill is not None else "train"
    assert f"augrgb {verb} {path.parent.name}/{path.stem} " in text and "--dry-run" in text
    assert "# Reaches: " in text and "augrgb evaluate runs/" in text
    assert recipe.student.modality in recipe.data.features
    if recipe.distill is not None:
        for teacher in recipe.distill.teachers.values():
            own = path.parent / f"{teacher.name.removeprefix(path.parent.name + '_')}.yaml"
            assert f"-o {teacher} " in own.read_text()


def test_published_splits_add_up() -> None:
    for known in PUBLISHED.values():
        for roles in known.splits.values():
            sums = {a + b for a in roles["train"] for b in roles["test"]}
            assert sums & set(known.videos)


def test_a_base_has_no_base_and_lists_replace_lists(tmp_path: Path) -> None:
    values = {"dataset": "d", "features": {"rgb": "f"}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"data": values, "train": {"steps": 5, "batch_size": 2}}))
    (tmp_path / "b.yaml").write_text("base: a.yaml\ntrain: {steps: 7}\n")
    (tmp_path / "c.yaml").write_text("base: b.yaml\n")
    (tmp_path / "d.yaml").write_text("base: [a.yaml]\n")
    recipe = load_recipe(tmp_path / "b.yaml", StreamRecipe, ["train.batch_size=3"])
    assert (recipe.train.steps, recipe.train.batch_size) == (7, 3)
    for name, message in (("c", "has a base itself"), ("d", "expected the name")):
        with pytest.raises(Exception, match=f"E-CFG-00[69].*{message}"):
            load_recipe(tmp_path / f"{name}.yaml", StreamRecipe)


def actions_json(path: Any, ids: Any, first: Any, per_second: Any) -> None:
    """The layout of super-events and TSU: three videos to train on, two to test."""
    rows = {}
    for number, video_id in enumerate(ids):
        actions = [[first + k, (2 + k) * per_second, (5 + k) * per_second] for k in range(3)]
        subset = "training" if number < 3 else "testing"
        rows[video_id] = {"subset": subset, "duration": 20 * per_second, "actions": actions}
    path.write_text(json.dumps(rows))


def activitynet_json(path: Any, ids: Any) -> None:
    """The layout of ActionFormer's thumos14.json."""
    events = [{"label": f"Act{k}", "segment": [2.0 + k, 5.0 + k]} for k in range(3)]
    rows = {
        video_id: {"subset": "Validation" if n < 3 else "Test", "duration": 20.0, "annotations": events}
        for n, video_id in enumerate(ids)
    }
    path.write_text(json.dumps({"version": "x", "database": rows}))


@pytest.mark.parametrize("name", ["charades", "multithumos", "thumos14", "tsu"])
def test_the_shipped_recipe_and_its_commands_on_a_download_laid_out_as_it_says(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ids = [f"P{n:02d}T01C01" if name == "tsu" else f"V{n}" for n in (3, 4, 6, 2, 10)]  # TSU's subjects tell its split
    file = {"charades": "charades.json", "multithumos": "multithumos.json", "thumos14": "thumos14.json"}.get(
        name, "smarthome_CS_51.json"
    )
    if name == "thumos14":
        activitynet_json(Path(file), ids)
    else:
        actions_json(Path(file), ids, first=int(name == "multithumos"), per_second=20 if name == "tsu" else 1)
        if name == "multithumos":
            Path(file).write_text(Path(file).read_text().replace('"V', '"video_validation_'))
            ids = [video_id.replace("V", "video_validation_") for video_id in ids]
    known = PUBLISHED[name]
    splits = {split: {"train": (3,), "test": (2,)} for split in known.splits}
    monkeypatch.setitem(published.PUBLISHED, name, Published(3, (5,), splits, "made up"))
    base = (RECIPES / name / "base.yaml").read_text()
    told = next(line for line in base.splitlines() if line.startswith("# Dataset:"))
    expect_success(*shlex.split(told.removeprefix("# Dataset:"))[1:])
    clock = yaml.safe_load(base)["data"]["features"]["rgb"]["clock"]
    count = round((20 * clock["fps"] - clock["window"]) / clock["stride"]) + 1
    folder = Path(name, "features", "rgb")
    folder.mkdir(parents=True)
    for video_id in ids:
        np.save(folder / f"{video_id}.npy", rng_at(0, video_id).standard_normal((count, 32)).astype(np.float16))
    recipe = RECIPES / name / ("cs_rgb.yaml" if name == "tsu" else "rgb.yaml")
    ready = expect_success("train", recipe, "student.filter.sd_tcn.width=8", "--dry-run")
    assert "Ready to train." in ready.out
    (folder / f"{ids[0]}.npy").unlink()
    assert run_cli("train", recipe, "--dry-run").code == 3
