import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from augrgb.core.errors import AugrgbError, FaultList, UsageFault
from augrgb.losses import LOSSES
from augrgb.pipelines.compare import plan_comparison
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.load import check_comparison, load_comparison
from augrgb.pipelines.comparison.values import Places, encoder_values, stream_values
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe
from augrgb.recipe.build import recipe_to_json
from support.places import RECIPES, ROOT
from support.toy_comparison import toy_values

SHIPPED = sorted((RECIPES / "compare").glob("*.yaml"))
REAL = sorted(path for path in (RECIPES / "real").glob("*.yaml") if path.stem != "base")


def with_encoders() -> Any:
    return {
        "stream": {"data": {"dataset": "d", "split": "s"}, "train": {"steps": 5}},
        "encoder": {"train": {"steps": 7}},
        "encoders": {
            "flow": {"encoder": {"small_flow": {}}, "seeds": "shared"},
            "pose": {"encoder": {"small_pose": {}}, "seeds": "shared", "set": {"seed": 9}},
            "rgb": {"encoder": {"small_rgb": {}}},
            "taught": {
                "encoder": {"small_rgb": {}},
                "distill": {"teachers": ["pose"], "losses": {"atomic_contrastive": {"weight": 0.3}}},
                "set": {"data.split": "full", "train": {"batch_size": 3}},
            },
        },
        "methods": {
            "rgb": {"encoder": "rgb"},
            "flow": {"encoder": "flow", "sensors": ["flow"]},
            "pose": {"encoder": "pose", "sensors": ["pose"]},
            "best": {
                "encoder": "taught",
                "filter": {"pdan": {"width": 16}},
                "teachers": ["flow", "pose"],
                "losses": {"logit_kd": {"weight": 0.5, "temperature": 2.0}},
                "set": {"train": {"steps": 9}, "distill.unlabelled_share": 0.25},
            },
        },
        "baseline": "rgb",
        "seeds": [3, 4],
    }


def told(values: Any) -> Any:
    with pytest.raises(AugrgbError) as caught:
        check_comparison(values, where="c.yaml")
    assert isinstance(caught.value, AugrgbError) and caught.value.exit_code == 2
    return str(caught.value).splitlines()


def test_an_encoder_that_starts_from_another_one() -> None:
    values = with_encoders()
    values["encoders"]["taught"]["start"] = "flow"
    recipe = check_comparison(values)
    made = encoder_values(recipe, Places(Path("out"), recipe), "taught", 4)
    assert made["init"] == {"folder": "out/encoders/flow"}
    cells = Cells(recipe, Path("out"))
    assert cells.encoders_in_use() == ["flow", "pose", "rgb", "taught"]
    values["methods"] = {"rgb": {"encoder": "taught"}}
    assert Cells(check_comparison(values), Path("out")).encoders_in_use() == ["flow", "pose", "taught"]
    values["encoders"]["taught"]["start"] = "flaw"
    assert any("encoders.taught.start" in line and "'flaw'" in line for line in told(values))
    values["encoders"]["taught"]["start"] = "taught"
    assert any("E-CFG-035" in line for line in told(values))


def test_a_method_becomes_an_ordinary_stream_recipe() -> None:
    recipe = check_comparison(with_encoders())
    places = Places(Path("out"), recipe)
    values = stream_values(recipe, places, "best", 4)
    assert values == {
        "data": {
            "dataset": "d",
            "split": "s",
            "features": {"rgb": "out/features/taught-4", "flow": "out/features/flow", "pose": "out/features/pose"},
        },
        "student": {"modality": "rgb", "filter": {"pdan": {"width": 16}}},
        "distill": {
            "teachers": {"flow": "out/streams/flow-4", "pose": "out/streams/pose-4"},
            "teacher_mixing": {"flow": 0.5, "pose": 0.5},
            "losses": {"logit_kd": {"weight": 0.5, "temperature": 2.0}},
            "unlabelled_share": 0.25,
        },
        "train": {"steps": 9},
        "seed": 4,
    }
    assert check_recipe(values, StreamRecipe).student.modality == "rgb"
    assert stream_values(recipe, places, "pose", 3)["student"]["modality"] == "pose"


def test_encoders_are_shared_or_one_per_seed() -> None:
    recipe = check_comparison(with_encoders())
    places = Places(Path("out"), recipe, Path("kept"))
    values = encoder_values(recipe, places, "taught", 4)
    assert values["distill"]["teachers"] == {"pose": "kept/encoders/pose"}
    assert values["data"] == {"dataset": "d", "split": "full", "frames": "kept/frames/64x48-15fps"}
    assert values["train"] == {"steps": 7, "batch_size": 3} and values["seed"] == 4
    assert encoder_values(recipe, places, "pose", 3) == encoder_values(recipe, places, "pose", 4)
    assert encoder_values(recipe, places, "pose", 3)["seed"] == 9
    assert check_recipe(values, EncoderRecipe).clock.stride == 8
    plan = plan_comparison(recipe, Path("nowhere"))
    assert (plan.encoders, plan.streams) == (6, 8)
    jobs = {job.name: job for job in plan.jobs}
    assert jobs["stream best-4"].after == (
        "stream flow-4", "stream pose-4", "features taught-4", "features flow", "features pose",
    )  # fmt: skip
    assert jobs["encoder taught-3"].after == ("encoder pose",)
    assert jobs["evaluation best-3"].after == ("stream best-3", "features taught-3")


def test_all_mistakes_are_reported_together() -> None:
    values = with_encoders()
    values["stream"]["train"]["stepz"] = 1
    values["encoder"]["clok"] = {}
    values["encoders"]["rgb"]["encoder"] = {"small_rgbb": {}}
    values["encoders"]["flow"]["sedes"] = "shared"
    values["methods"]["best"]["losses"] = {"logit_kdd": {}, "hint": {"bia": True}}
    values["methods"]["best"]["teachers"] = ["flow", "poze"]
    values["methods"]["rgb"]["encodr"] = "x"
    values["methods"]["bad/key"] = {}
    values["methods"]["seed-1"] = {}
    values["methods"]["lonely"] = {"encoder": "rgb", "teachers": ["pose"]}
    values["fusions"] = {"two": {"members": ["rgb", "flwo"]}}
    values["protocols"] = ["frame-map/presnt"]
    values["seeds"] = [1, 1]
    values["baseline"] = "rbg"
    text = "\n".join(told(values))
    for part in (
        "c.yaml: stream: train.stepz: no such key. did you mean 'steps'?",
        "c.yaml: encoder: clok: no such key. did you mean 'clock'?",
        "c.yaml: encoders.rgb: encoder.small_rgbb: no such encoder. did you mean 'small_rgb'?",
        "c.yaml: encoders.flow: sedes: no such key. did you mean 'seeds'?",
        "c.yaml: methods.best: distill.losses.logit_kdd: no such loss. did you mean 'logit_kd'?",
        "c.yaml: methods.best: distill.losses.hint.bia: no such option. did you mean 'bias'?",
        "c.yaml: methods.best.teachers: no such method as 'poze'. did you mean 'pose'?",
        "c.yaml: methods.rgb: encodr: no such key. did you mean 'encoder'?",
        "c.yaml: methods.bad/key: keys name folders",
        "c.yaml: methods.seed-1: keys name folders",
        "c.yaml: methods.lonely: has teachers but no losses",
        "c.yaml: fusions.two.members: no such method as 'flwo'. did you mean 'flow'?",
        "c.yaml: protocols: no such protocol as 'frame-map/presnt'",
        "c.yaml: seeds: something is listed twice",
        "c.yaml: baseline: no such method or fusion as 'rbg'. did you mean 'rgb'?",
    ):
        assert text.count(part) == 1, f"{part}\n---\n{text}"
    assert len(text.splitlines()) == 15


def change(values: Any, path: Any, value: Any) -> None:
    *sections, last = path.split("/")
    for section in sections:
        values = values[section]
    values[last] = value


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("methods/pose/teachers", ["best"], "methods.best: teaches itself"),
        ("encoders/pose/distill", {"teachers": ["rgb"], "losses": {"mars": {}}}, "is shared by all seeds, but"),
        ("methods/rgb/losses", {"hint": {}}, "methods.rgb: has losses but no teachers"),
        ("methods/best/set", {"data": {"dataset": "other"}}, "all methods have one dataset"),
        ("methods/best/set", {"data": 3}, "methods.best: data: Input should be"),
        ("methods/best/set", {"train.steps": 0}, "methods.best: train.steps: Input should be greater than 0"),
        ("methods/rgb/encoder", None, "rgb has no rgb features. Name an `encoder`"),
        ("methods/best/teachers", ["rgb", "pose"], "rgb brings other rgb features"),
        ("stream/distill", {}, "stream.distill: belongs to the comparison"),
        ("encoder/data", 3, "encoder"),
        ("encoders/rgb/set", {"clock": 3}, "encoders.rgb: clock: Input should be"),
        ("methods", {}, "methods"),
        ("methods", ["rgb"], "methods: Input should be a valid dictionary"),
        ("methods/rgb", "plain", "methods.rgb: expected a mapping"),
        ("stream", {}, "stream: data: this key is required"),
        ("fusions", {"rgb": {"members": ["rgb", "pose"]}}, "a method has this key too"),
        ("gaps", ["rgb+pose"], "gaps: no such method or fusion as 'rgb+pose'"),
        ("seeds", 0, "seeds"),
        ("seeds", [-1], "seeds"),
    ],
)
def test_each_mistake_is_named(path: Any, value: Any, expected: Any) -> None:
    values = with_encoders()
    change(values, path, value)
    assert expected in "\n".join(told(values))


def test_overrides_reach_every_method(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(toy_values(tmp_path), sort_keys=False))
    recipe = load_comparison(path, ["seeds=5", "methods.logits.losses.logit_kd.weight=0.25"])
    assert recipe.seeds == [0, 1, 2, 3, 4]
    assert recipe.methods["logits"].losses["logit_kd"].weight == 0.25
    assert list(recipe.rows) == ["rgb", "logits", "pose", "both"]
    assert (recipe.against("both"), recipe.against("rgb")) == ("rgb", None)


def test_a_key_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("methods:\n  rgb: {encoder: a}\n  pose: &p {encoder: b}\n  rgb: {<<: *p, encoder: c}\n")
    with pytest.raises(UsageFault, match=r"E-CFG-024 .*the key 'rgb' is given twice .*line 4"):
        load_comparison(path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_come_to_sound_cells_without_data(path: Any, tmp_path: Path) -> None:
    recipe = load_comparison(path)
    plan = plan_comparison(recipe, tmp_path / "out")
    assert plan.stages()["streams"] == plan.streams == len(recipe.methods) * len(recipe.seeds) >= 25
    trials = {key: 6 if method.trials is None else method.trials for key, method in recipe.methods.items()}
    assert recipe.search is not None and plan.trials == sum(trials.values())
    assert trials["flow"] == trials["pose"] == 0  # teachers make none
    assert len(path.read_text().splitlines()) <= 60
    assert f"augrgb compare {path.stem}" in path.read_text()


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_recipes_for_real_video_come_to_sound_cells_without_data(path: Any, tmp_path: Path) -> None:
    recipe = load_comparison(path)
    plan = plan_comparison(recipe, tmp_path / "out")
    assert plan.streams == len(recipe.methods) * len(recipe.seeds) and len(recipe.seeds) == 5
    text = path.read_text()
    assert len(text.splitlines()) <= 60 and f"augrgb compare real/{path.stem}" in text
    assert "# Needs:" in text and "# Should reach:" in text


def test_recipes_that_share_cells_agree_on_them(tmp_path: Path) -> None:
    known: dict[Path, tuple[str, Any]] = {}
    for path in REAL:
        for shared in re.findall(r"--shared (\S+)", path.read_text()):
            for run in Cells(load_comparison(path), tmp_path, Path(shared)).runs():
                recipe = recipe_to_json(run.recipe)
                other, expected = known.setdefault(run.folder, (path.stem, recipe))
                assert recipe == expected, f"{run.folder} of {path.stem} and of {other}"
    assert len(known) > 100


def test_the_recipe_in_the_manual_is_sound() -> None:
    manual = (ROOT / "docs" / "compare.md").read_text()
    values = yaml.safe_load(manual.split("```yaml\n")[1].split("```")[0])
    recipe = check_comparison(values)
    assert recipe.methods["both"].against == "kd" and recipe.methods["kd"].teachers == {"pose": 1.0}


def test_the_rivals_are_all_there() -> None:
    recipe = load_comparison(next(path for path in SHIPPED if path.stem == "rivals"))
    assert {name for method in recipe.methods.values() for name in method.losses} == set(LOSSES)


def test_faults_survive_a_process_border() -> None:
    import pickle

    values = with_encoders()
    values["baseline"], values["gaps"] = "x", ["y"]
    with pytest.raises(FaultList) as caught:
        check_comparison(values)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
