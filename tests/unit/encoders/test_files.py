"""Encoder folders."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.encoders import SmallRGB
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.features.encode import extraction_recipe
from augrgb.training.encoder_start import inherited_options
from support.sealed_files import edit_json

SETTINGS = EncoderSettings(Clock(15, 8, 8), (32, 24), ("walk", "sit"), {"seed": 3})


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    torch.manual_seed(0)
    save_encoder(tmp_path / "e", SmallRGB(dim=16, width=8), SETTINGS)
    return tmp_path / "e"


def edit(folder: Any, **changes: Any) -> None:
    edit_json(folder / "model.json", **changes)


def resave(folder: Any, change: Any) -> None:
    state = safetensors.torch.load_file(folder / "model.safetensors")
    change(state)
    safetensors.torch.save_file(state, folder / "model.safetensors")
    from augrgb.core.opening import sha256_file

    edit(folder, sha256=sha256_file(folder / "model.safetensors"))


def test_round_trip(folder: Any) -> None:
    torch.manual_seed(0)
    original = SmallRGB(dim=16, width=8)
    loaded = load_encoder(folder)
    windows = np.random.default_rng(0).integers(0, 256, (3, 8, 24, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(encode_windows(loaded.encoder, windows), encode_windows(original, windows))
    assert loaded.settings == SETTINGS and len(loaded.checksum) == 64
    assert not loaded.encoder.training and not any(p.requires_grad for p in loaded.encoder.parameters())


def test_same_encoder_same_bytes(folder: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_encoder(tmp_path / "f", SmallRGB(dim=16, width=8), SETTINGS)
    for name in ("model.safetensors", "model.json"):
        assert (folder / name).read_bytes() == (tmp_path / "f" / name).read_bytes()


def test_an_option_of_a_later_version_makes_no_other_features(folder: Any) -> None:
    before = extraction_recipe(load_encoder(folder))
    edit_json(folder / "model.json", lambda model: model["options"].pop("flow_layer"))
    older = load_encoder(folder)
    assert older.encoder.options["flow_layer"] == "lucas_kanade"
    before["encoder"]["options"].pop("flow_layer")
    assert extraction_recipe(older) == before


def refused(folder: Any, code: Any, text: Any) -> None:
    with pytest.raises(InputRefused, match=text) as caught:
        load_encoder(folder)
    assert caught.value.code == code


def test_differences_are_listed(folder: Any) -> None:
    resave(folder, lambda state: (state.pop("net.project.bias"), state.update(extra=torch.zeros(1))))
    refused(folder, "E-MOD-002", "net.project.bias is missing; extra is unknown")


def test_shapes_and_kinds(folder: Any) -> None:
    resave(folder, lambda state: state.update({"net.project.bias": torch.zeros(17)}))
    refused(folder, "E-MOD-002", r"\(17,\), not torch.float32 \(16,\)")


def test_nan_weights(folder: Any) -> None:
    resave(folder, lambda state: state["net.project.bias"].fill_(float("nan")))
    refused(folder, "E-MOD-004", "NaN")


def test_changed_weights(folder: Any) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    refused(folder, "E-MOD-003", "SHA-256")


def test_pickles_and_rubbish_never_run(folder: Any, tmp_path: Path) -> None:
    class Gadget:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "pwned"), "w"))

    path = folder / "model.safetensors"
    whole = path.read_bytes()
    torch.save({"a": Gadget()}, path)
    refused(folder, "E-MOD-001", "pickle or PyTorch archive")
    path.write_bytes(pickle.dumps(Gadget()))
    refused(folder, "E-MOD-001", "pickle")
    for cut in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        refused(folder, "E-MOD-001", "damaged")
    path.write_bytes((2**40).to_bytes(8, "little") + whole[8:])
    refused(folder, "E-MOD-001", "damaged")
    path.unlink()
    refused(folder, "E-FILE-001", "weights")
    assert not (tmp_path / "pwned").exists()


def test_only_catalog_names_are_built(folder: Any) -> None:
    edit(folder, name="os.system")
    refused(folder, "E-MOD-006", "no such encoder")
    edit(folder, name="small_rgb", options={"dim": 16, "width": 8, "code": "x"})
    refused(folder, "E-MOD-006", "no such option")
    edit(folder, schema="augrgb.encoder/99")
    refused(folder, "E-MOD-006", "not a file of this version")
    (folder / "model.json").write_text("[1]")
    refused(folder, "E-MOD-006", "not a file of this version")


def test_encoders_saved_before_normalization_load_without_it(tmp_path: Path) -> None:
    encoder = SmallRGB(dim=8, width=4, normalize="none")
    save_encoder(tmp_path, encoder, SETTINGS)
    later = ("normalize", "sees", "flow_layer")
    edit_json(tmp_path / "model.json", lambda about: [about["options"].pop(name) for name in later])
    loaded = load_encoder(tmp_path).encoder
    assert loaded.options == {**encoder.options, "flow_layer": "lucas_kanade"}
    assert SmallRGB().options["normalize"] == "window" and SmallRGB().options["flow_layer"] == "inverse_search"
    assert inherited_options(tmp_path, "small_rgb") == {"normalize": "none", "flow_layer": "lucas_kanade"}
