from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from augrgb.core.errors import AugrgbError
from augrgb.core.opening import sha256_file
from augrgb.core.timeline import Clock
from augrgb.detection.late_fusion import late_fusion
from augrgb.streams import StreamSettings, build_stream, filter_sequence, load_stream, predict, save_stream
from support.sealed_files import edit_json

CLOCK = Clock(16.0, 8, 8)
SETTINGS = StreamSettings("rgb", "sd_tcn", 6, ("walk", "sit", "drink"), CLOCK, {"width": 8, "layers": 3})


@pytest.fixture
def stream() -> Any:
    torch.manual_seed(0)
    stream = build_stream(SETTINGS)
    stream.set_statistics(torch.arange(6.0), torch.tensor([0.0, 1, 2, 3, 4, 5]))
    return stream


def test_standardises_and_survives_a_constant_channel(stream: Any) -> None:
    x = torch.randn(2, 5, 6)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    out = stream.eval()(x, mask)
    assert out.features.shape == (2, 5, 8) and out.logits.shape == (2, 5, 3) and len(out.hidden) == 3
    assert torch.isfinite(out.logits).all() and out.logits[1, 3:].abs().max() == 0
    std = torch.tensor([1.0, 1, 2, 3, 4, 5])
    features, _ = stream.filter((x - torch.arange(6.0)) / std * mask[..., None], mask)
    torch.testing.assert_close(out.features, features)


def test_another_width_is_refused(stream: Any) -> None:
    with pytest.raises(AugrgbError, match=r"E-FEA-017.* 7 channels, the model 6"):
        stream(torch.zeros(1, 2, 7), torch.ones(1, 2, dtype=torch.bool))


@pytest.mark.parametrize("window", [1, 3, 10, 64, 1000])
def test_the_window_never_changes_a_prediction(stream: Any, window: Any) -> None:
    features = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
    whole = stream.eval()(torch.from_numpy(features)[None], torch.ones(1, 64, dtype=torch.bool)).logits[0].sigmoid()
    stream.train()
    scores = predict(stream, features, window=window)
    assert stream.training, "the mode is put back"
    np.testing.assert_allclose(scores, whole.detach().numpy(), atol=1e-6)


def test_empty_and_unavailable(stream: Any) -> None:
    assert predict(stream, np.zeros((0, 6), np.float32)).shape == (0, 3)
    there = torch.tensor([True, False, True])
    features = torch.randn(3, 6)
    nan = features.clone()
    nan[1] = torch.nan
    for left, right in zip(
        filter_sequence(stream, features, available=there), filter_sequence(stream, nan, available=there), strict=True
    ):
        torch.testing.assert_close(left, right)


def test_saving_and_loading_is_exact_and_bytes_repeat(stream: Any, tmp_path: Path) -> None:
    save_stream(tmp_path / "a", stream, SETTINGS)
    loaded = load_stream(tmp_path / "a", classes=SETTINGS.classes)
    assert loaded.settings.classes == SETTINGS.classes and loaded.settings.clock == CLOCK
    expected = {"width": 8, "layers": 3, "dropout": 0.5, "mask_input": True, "look_ahead_snippets": None}
    assert loaded.settings.options == expected
    assert not loaded.stream.training
    for name, value in stream.state_dict().items():
        assert torch.equal(loaded.stream.state_dict()[name], value)
    save_stream(tmp_path / "b", loaded.stream, loaded.settings)
    for file in ("model.json", "model.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def refused(folder: Any, code: str, **arguments: Any) -> str:
    with pytest.raises(AugrgbError) as caught:
        load_stream(folder, **arguments)
    assert caught.value.code == code, caught.value
    return str(caught.value)


def edit(folder: Any, **changes: Any) -> None:
    edit_json(folder / "model.json", **changes)


def test_other_classes_are_told_apart(stream: Any, tmp_path: Path) -> None:
    save_stream(tmp_path, stream, SETTINGS)
    assert "another order" in refused(tmp_path, "E-MOD-007", classes=("sit", "walk", "drink"))
    told = refused(tmp_path, "E-MOD-007", classes=("walk", "sit", "run", "eat"))
    assert "only in the model: ['drink']" in told and "only asked for: ['run', 'eat']" in told


def test_other_architecture_lists_the_differences(stream: Any, tmp_path: Path) -> None:
    save_stream(tmp_path, stream, SETTINGS)
    edit(tmp_path, options={"width": 16, "layers": 4})
    told = refused(tmp_path, "E-MOD-002")
    assert "filter.blocks.3.mix.weight is missing" in told and "filter.enter.weight is torch.float32 (8, 6, 1)" in told


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "encoder"}, "E-MOD-006"),
        ({"schema": "augrgb.stream/9"}, "E-MOD-006"),
        ({"dim_in": "many"}, "E-MOD-006"),
        ({"filter": "os.system"}, "E-CFG-002"),
        ({"options": {"widht": 8}}, "E-CFG-001"),
        ({"sha256": "0" * 64}, "E-MOD-003"),
    ],
)
def test_settings_that_do_not_fit(stream: Any, tmp_path: Path, changes: Any, code: Any) -> None:
    save_stream(tmp_path, stream, SETTINGS)
    edit(tmp_path, **changes)
    refused(tmp_path, code)


def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(stream: Any, tmp_path: Path) -> None:
    save_stream(tmp_path, stream, SETTINGS)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["classifier.bias"][0] = torch.nan
    save_file(tensors, tmp_path / "model.safetensors")
    edit(tmp_path, sha256=sha256_file(tmp_path / "model.safetensors"))
    assert "classifier.bias" in refused(tmp_path, "E-MOD-004")
    with torch.no_grad():
        stream.classifier.bias.fill_(torch.inf)
    with pytest.raises(AugrgbError, match="E-MOD-004"):
        save_stream(tmp_path / "bad", stream, SETTINGS)
    assert not (tmp_path / "bad" / "model.safetensors").exists()


class _Bomb:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("exploded",))


def test_a_pickle_in_disguise_is_not_opened(stream: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_stream(tmp_path, stream, SETTINGS)
    for content in (pickle.dumps(_Bomb()), b"", b"<html>"):
        (tmp_path / "model.safetensors").write_bytes(content)
        refused(tmp_path, "E-MOD-001")
    torch.save({"x": _Bomb()}, tmp_path / "model.safetensors")
    refused(tmp_path, "E-MOD-001")
    assert not (tmp_path / "exploded").exists()
    (tmp_path / "model.safetensors").unlink()
    refused(tmp_path, "E-FILE-001")


def test_late_fusion_is_the_mean_by_time() -> None:
    rgb = np.array([[0.2], [0.4], [0.6], [0.8]], np.float32)
    pose = np.linspace(0, 0.7, 8, dtype=np.float32)[:, None]  # twice as dense, ends at the same time
    fused, voices = late_fusion([(rgb, CLOCK), (pose, Clock(16.0, 4, 4))], CLOCK, 4)
    assert voices.tolist() == [2, 2, 2, 2]
    own = np.array([pose[[2 * t, 2 * t + 1]] for t in range(4)])[..., 0]
    assert all(min(o) - 1e-6 <= 2 * f - r <= max(o) + 1e-6 for f, r, o in zip(fused[:, 0], rgb[:, 0], own, strict=True))
    short, voices = late_fusion([(rgb, CLOCK), (rgb[:1] + 0.2, CLOCK)], CLOCK, 4)
    assert voices.tolist() == [2, 2, 1, 1]
    np.testing.assert_allclose(short[:, 0], [0.3, 0.4, 0.6, 0.8], atol=1e-6)
    with pytest.raises(AugrgbError, match="E-MOD-005"):
        late_fusion([(rgb, CLOCK), (np.zeros((4, 2), np.float32), CLOCK)], CLOCK, 4)
