"""`augrgb import-weights` and `augrgb check-encoder`, and that `extract` takes what they write."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.timeline import Clock
from augrgb.encoders import I3dRgb
from augrgb.encoders.agcn import AgcnNet
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS, adjacency
from augrgb.encoders.stgcn_pp import StgcnPpNet
from augrgb.encoders.weight_card import read_card
from support.tiny_project import expect_success, run_cli, write


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A skeleton checkpoint for the world's figure, and its checksum."""
    path = tmp_path_factory.mktemp("weights") / "j.pth"
    torch.manual_seed(0)
    net = StgcnPpNet(adjacency(LAYOUTS["world21"].parents))
    state = {f"backbone.{name}": tensor for name, tensor in net.state_dict().items()}
    torch.save({"meta": {"epoch": 3}, "state_dict": state}, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def imported(weights: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path, checksum = weights
    out = tmp_path_factory.mktemp("imported") / "e"
    words = ["import-weights", "stgcn_pp", path, "--out", out, "--sha256", checksum, "--trust", "--layout", "world21"]
    words += ["--license", "Apache-2.0", "--url", "https://example.org/j.pth", "--name", "stgcn_pp_world"]
    outcome = expect_success(*words, "--set", "persons=1", "--set", "stream=bone", "--clock", "15,8,8")
    return out, outcome


def words_of(outcome: Any) -> Any:
    return " ".join(outcome.out.split())


def test_a_folder_with_its_card(imported: Any, weights: Any) -> None:
    folder, outcome = imported
    card, loaded = read_card(folder / "card.json"), load_encoder(folder)
    assert (card.name, card.license, card.source_url) == ("stgcn_pp_world", "Apache-2.0", "https://example.org/j.pth")
    assert card.sha256 == weights[1] and len(card.self_test.expected) == card.self_test.count
    assert loaded.encoder.options["stream"] == "bone" and loaded.encoder.options["persons"] == 1
    assert loaded.settings.clock == Clock(15.0, 8, 8)
    told = words_of(outcome)
    assert "stgcn_pp: 256 features, 1.4 M parameters" in told and "license Apache-2.0" in told and weights[1] in told


def test_check_runs_the_self_test(imported: Any) -> None:
    told = words_of(expect_success("check-encoder", imported[0]))
    assert "features equal the card's within 0.0e+00" in told and "verified equal to a second, plain reading" in told


def test_check_finds_other_weights(imported: Any, tmp_path: Path) -> None:
    loaded = load_encoder(imported[0])
    with torch.no_grad():
        loaded.encoder.net.gcn[9].tcn.bn.weight.mul_(2.0)
    save_encoder(tmp_path / "e", loaded.encoder, loaded.settings)
    (tmp_path / "e" / "card.json").write_bytes((imported[0] / "card.json").read_bytes())
    outcome = run_cli("check-encoder", tmp_path / "e")
    assert outcome.code == 3 and "E-MOD-014" in outcome.err


def test_check_without_a_card(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_encoder(tmp_path / "e", I3dRgb(side=32, fit="stretch"), EncoderSettings(Clock(15, 8, 8), (64, 48)))
    told = words_of(expect_success("check-encoder", tmp_path / "e"))
    assert "features differ between windows" in told and "rgb, 8 frames at 15 a second, every 8, 64 x 48" in told


def test_a_card_must_come_out(imported: Any, weights: Any, tmp_path: Path) -> None:
    path, checksum = weights
    words = ["import-weights", "stgcn_pp", path, "--sha256", checksum, "--trust", "--layout", "world21"]
    words += ["--set", "persons=1", "--set", "stream=bone"]
    expect_success(*words, "--out", tmp_path / "same", "--card", imported[0] / "card.json")
    card = json.loads((imported[0] / "card.json").read_text())
    card["self_test"]["expected"][0][0] += 0.1 * max(map(max, card["self_test"]["expected"]))
    (tmp_path / "other.json").write_text(json.dumps(card))
    outcome = run_cli(*words, "--out", tmp_path / "other", "--card", tmp_path / "other.json")
    assert outcome.code == 3 and "E-MOD-014" in outcome.err and not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--sha256", "0" * 64], 2, "E-MOD-015"),
        (["--trust"], 2, "--sha256: is required"),
        (["--trust", "--sha256", "0" * 64], 3, "E-MOD-003"),
        (["--layout", "world22"], 2, "did you mean 'world21'"),
        (["--clock", "25"], 2, "expected FPS,WINDOW,STRIDE"),
        (["--size", "340"], 2, "expected WIDTHxHEIGHT"),
        (["--set", "stream"], 2, "not an override"),
    ],
)
def test_wrong_words(weights: Any, tmp_path: Path, words: Any, code: Any, text: Any) -> None:
    outcome = run_cli("import-weights", "stgcn_pp", weights[0], "--out", tmp_path / "e", *words)
    assert outcome.code == code and text in outcome.err and not (tmp_path / "e").exists()


def test_an_encoder_without_published_weights(weights: Any, tmp_path: Path) -> None:
    outcome = run_cli("import-weights", "small_rgb", weights[0], "--out", tmp_path / "e", "--sha256", weights[1])
    assert outcome.code == 2 and "E-CFG-002" in outcome.err


def test_weights_of_another_network_list_differences(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(AgcnNet(adjacency(LAYOUTS["kinect25"].parents), persons=2).state_dict(), path)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    outcome = run_cli("import-weights", "stgcn_pp", path, "--out", tmp_path / "e", "--sha256", checksum, "--trust")
    assert outcome.code == 3 and "net.gcn.0.gcn.A is missing" in outcome.err


def test_list_and_show_include_encoders() -> None:
    told = words_of(expect_success("list", "encoders"))
    assert "stgcn_pp" in told and "hf" in told and "boundary_saliency" not in told
    assert run_cli("list", "encoder").code == 2
    told = words_of(expect_success("show", "stgcn_pp"))
    assert "Verified: equal to a second" in told and "persons" in told


@pytest.mark.slow
def test_extract_takes_the_folder(imported: Any, project: Path, tmp_path: Path) -> None:
    expect_success("extract", project / "world", imported[0], "--out", tmp_path / "features")
    from augrgb.features.store import open_features

    features = open_features(tmp_path / "features")
    values = np.concatenate([features.read(video_id).values for video_id in features.ids()])
    assert features.dim == 256 and np.isfinite(values).all() and values.std(axis=0).mean() > 1e-4


@pytest.mark.slow
def test_a_model_folder_imports_and_extracts(project: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra `hf` is not installed")
    from safetensors.torch import save_file

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = transformers.Dinov2Model(transformers.Dinov2Config(image_size=32, patch_size=16, mlp_ratio=2, **sizes))
    folder = tmp_path / "tiny_dino"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
    pictures = {"size": {"height": 32, "width": 32}, "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    words = ["import-weights", "hf", folder, "--out", tmp_path / "e", "--license", "Apache-2.0"]
    told = words_of(expect_success(*words, "--clock", "15,8,8", "--size", "64x48", "--set", "frames=2"))
    assert "hf: 32 features" in told and read_card(tmp_path / "e" / "card.json").license == "Apache-2.0"
    expect_success("check-encoder", tmp_path / "e")
    expect_success("extract", project / "world", tmp_path / "e", "--out", tmp_path / "features")
    from augrgb.features.store import open_features

    assert open_features(tmp_path / "features").dim == 32
    recipe = {
        "data": {"dataset": str(project / "world"), "tracks": str(project / "tracks")},
        "encoder": {"hf": {}},
        "clock": {"fps": 15, "window": 8, "stride": 8},
        "train": {"steps": 2, "batch_size": 4, "validate_every": 2, "checkpoint_every": 2},
    }
    write(tmp_path / "recipe.yaml", recipe)
    outcome = run_cli("train-encoder", tmp_path / "recipe.yaml", "--out", tmp_path / "none")
    assert outcome.code == 2 and "E-ENC-012" in outcome.err
    write(tmp_path / "recipe.yaml", {**recipe, "init": {"folder": str(tmp_path / "e"), "freeze": ["net.embeddings*"]}})
    expect_success("train-encoder", tmp_path / "recipe.yaml", "--out", tmp_path / "run")
    before, after = (load_encoder(tmp_path / name).encoder.state_dict() for name in ("e", "run"))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and not any(name.startswith("net.embeddings") for name in moved)
