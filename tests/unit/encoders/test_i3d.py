"""I3D: padding, fast reading, preparation; import of published weights and their self-tests."""

import argparse
import copy
import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.encoders import ENCODERS, I3dFlow, I3dRgb
from augrgb.encoders.augment import augment
from augrgb.encoders.files import load_encoder
from augrgb.encoders.import_weights import import_weights
from augrgb.encoders.parts.fixed_norm import FixedBatchNorm
from augrgb.encoders.parts.i3d_parts import SamePool, same_padding
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.encoders.weight_card import WeightCard, read_card, self_test, self_test_windows, write_card
from augrgb.video.flow.settings import FlowSettings
from augrgb.weights.self_tests import SelfTest

SMALL = {"side": 32, "fit": "stretch"}
QUICK = SelfTest(frames=8, height=32, width=32)


def randomised(encoder: Any, seed: Any = 0) -> Any:
    """Running statistics and scales that would show if they were left out."""
    generator = torch.Generator().manual_seed(seed)
    for module in encoder.modules():
        if isinstance(module, FixedBatchNorm):
            for tensor in (module.weight.data, module.running_var):
                tensor.copy_(0.7 + 0.6 * torch.rand(tensor.shape, generator=generator))
            for tensor in (module.bias.data, module.running_mean):
                tensor.copy_(0.2 * torch.randn(tensor.shape, generator=generator))
    return encoder


@pytest.fixture(scope="module")
def rgb() -> Any:
    torch.manual_seed(0)
    return randomised(I3dRgb(**SMALL))


@pytest.fixture(scope="module")
def published(rgb: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A file as others publish them: old names, counters, a classifier."""
    path = tmp_path_factory.mktemp("published") / "weights.pt"
    state = {name.removeprefix("net."): tensor.clone() for name, tensor in rgb.state_dict().items()}
    state |= {name.replace("weight", "num_batches_tracked"): torch.tensor(5) for name in state if "bn.weight" in name}
    state |= {"logits.conv3d.weight": torch.zeros(7, 1024, 1, 1, 1), "logits.conv3d.bias": torch.zeros(7)}
    torch.save(state, path)
    return path


def sha256(path: Any) -> Any:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def some_windows(
    encoder: Any, count: Any = 3, frames: Any = 8, height: Any = 24, width: Any = 32, seed: Any = 0
) -> Any:
    rng = np.random.default_rng(seed)
    if encoder.modality == "rgb":
        return rng.integers(0, 256, (count, frames, height, width, 3), dtype=np.uint8)
    return rng.integers(-127, 128, (count, frames, height, width, 2)).astype(np.int8)


# --- the network


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (1, 2), (2, 2), (3, 1), (3, 2), (7, 2)])
def test_padding_gives_the_size_rounded_up(size: Any, kernel: Any, stride: Any) -> None:
    before, after = same_padding(size, kernel, stride)
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride)
    assert after - before in (0, 1)


@pytest.mark.parametrize(("kernel", "stride"), [((1, 3, 3), (1, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((2, 2, 2), (2, 2, 2))])
@pytest.mark.parametrize("sizes", [(4, 6, 8), (5, 7, 9), (1, 2, 3), (2, 1, 1)])
def test_fast_pooling(kernel: Any, stride: Any, sizes: Any) -> None:
    x = torch.rand(2, 3, *sizes).contiguous(memory_format=torch.channels_last_3d)
    before = x.clone()
    for pool in (SamePool(kernel, stride), SamePool((3, 3, 3), (1, 1, 1))):
        torch.testing.assert_close(pool.fast()(x), pool(x), rtol=0, atol=0)
    assert torch.equal(x, before)


@pytest.mark.parametrize("kind", [I3dRgb, I3dFlow])
@pytest.mark.parametrize("shape", [(8, 32, 32), (9, 40, 33)])
def test_fast_reading_equals_the_plain_one(kind: Any, shape: Any) -> None:
    torch.manual_seed(1)
    net = randomised(kind()).net
    x = torch.randn(2, 3 if kind is I3dRgb else 2, *shape)
    with torch.no_grad():
        plain = net(x)
        assert plain.std() > 0.1
        torch.testing.assert_close(net.fast(x), plain, atol=1e-4, rtol=1e-4)


def test_fast_reading_in_double_precision() -> None:
    torch.manual_seed(1)
    net = randomised(I3dFlow()).net.double()
    x = torch.randn(1, 2, 9, 33, 40, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(net.fast(x), net(x), atol=1e-9, rtol=1e-9)


def test_statistics_stay_in_training(rgb: Any) -> None:
    encoder = copy.deepcopy(rgb).train()
    x = encoder.prepare(some_windows(encoder, 2))
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    both = encoder(x)
    torch.testing.assert_close(encoder(x[:1]), both[:1], atol=1e-4, rtol=1e-4)
    both.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_a_fresh_network_neither_explodes_nor_dies() -> None:
    torch.manual_seed(3)
    encoder = I3dRgb(**SMALL)
    features = encode_windows(encoder, some_windows(encoder))
    assert features.shape == (3, 1024) and 0.01 < features.std() < 10


# --- preparation


def test_rgb_is_cropped_in_the_middle() -> None:
    encoder = I3dRgb(side=32)
    windows = some_windows(encoder, 2, 3, 40, 51)
    x = encoder.prepare(windows)
    expected = windows[:, :, 4:36, 9:41].astype(np.float32) / 255 * 2 - 1
    np.testing.assert_allclose(x.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(24, 32), (32, 24), (33, 64), (7, 90)])
def test_small_pictures_are_enlarged(height: Any, width: Any) -> None:
    for kind in (I3dRgb, I3dFlow):
        encoder = kind(side=32)
        x = encoder.prepare(some_windows(encoder, 1, 2, height, width))
        assert x.shape[:4] == (1, 2, 32, 32) and x.dtype == torch.float32 and x.abs().max() <= 1


def test_stretched_pictures_show_everything() -> None:
    encoder = I3dRgb(side=32, fit="stretch")
    windows = np.zeros((1, 1, 64, 128, 3), np.uint8)
    windows[..., :8, :] = 255
    assert encoder.prepare(windows)[0, 0, :, 0].min() > 0.9
    assert I3dRgb(side=32).prepare(windows).max() == -1  # the crop does not


def test_kept_pictures_and_empty_input() -> None:
    encoder = I3dRgb(side=32, fit="keep")
    assert encoder.prepare(some_windows(encoder, 1, 2, 20, 70)).shape == (1, 2, 20, 70, 3)
    for fit in ("crop", "stretch", "keep"):
        assert len(encode_windows(I3dRgb(side=32, fit=fit), some_windows(encoder, 0))) == 0


def test_flow_keeps_its_meaning_when_enlarged() -> None:
    windows = np.full((1, 2, 32, 64, 2), 16, np.int8)  # one pixel right and down
    np.testing.assert_allclose(I3dFlow(side=32).prepare(windows).numpy(), 1 / 20, atol=1e-6)
    enlarged = I3dFlow(side=64).prepare(windows).numpy()
    np.testing.assert_allclose(enlarged, 2 / 20, atol=1e-6)
    stretched = I3dFlow(side=32, fit="stretch").prepare(windows).numpy()
    np.testing.assert_allclose(stretched[..., 0], 0.5 / 20, atol=1e-6)
    np.testing.assert_allclose(stretched[..., 1], 1 / 20, atol=1e-6)


@pytest.mark.parametrize("kind", [I3dRgb, I3dFlow])
def test_contract_of_encoders(kind: Any) -> None:
    torch.manual_seed(0)
    encoder = kind(**SMALL)
    options = check_options(ENCODERS, kind.name, encoder.options, "encoder", "encoder")
    assert {key: value for key, value in options.items() if value is not None} == encoder.options
    windows = some_windows(encoder, 3)
    together = encode_windows(encoder, windows, batch=4)
    again = ENCODERS[kind.name](**options)
    again.load_state_dict(encoder.state_dict())
    np.testing.assert_array_equal(encode_windows(again, windows[1:], batch=4), together[1:])
    x = encoder.prepare(windows)
    before = x.clone()
    assert augment(encoder.modality, x, torch.Generator().manual_seed(3)).shape == x.shape
    assert torch.equal(x, before)
    with pytest.raises(InputRefused, match="E-ENC-015"):
        encoder.prepare(some_windows(encoder, 1).astype(np.int16))
    with pytest.raises(UsageFault, match="at least 32"):
        kind(side=8)


# --- weights of others


def test_published_weights_become_an_encoder(published: Any, rgb: Any, tmp_path: Path) -> None:
    card = WeightCard("mine", "i3d_rgb", "https://example.org/w.pt", sha256(published), "CC BY 4.0", QUICK)
    made = import_weights(
        published, "i3d_rgb", tmp_path / "e", sha256=card.sha256.upper(), trust=True, card=card, options=SMALL
    )
    loaded = load_encoder(tmp_path / "e")
    windows = some_windows(rgb)
    np.testing.assert_array_equal(encode_windows(loaded.encoder, windows), encode_windows(rgb, windows))
    assert loaded.settings.clock == Clock(25.0, 16, 16) and loaded.settings.size == (340, 256)
    assert loaded.settings.notes["license"] == "CC BY 4.0"
    assert read_card(tmp_path / "e" / "card.json") == made and len(made.self_test.expected) == 3
    assert self_test(loaded.encoder, made).difference < 1e-5
    assert {path.name for path in tmp_path.iterdir()} == {"e"}


def test_imported_flow_weights_see_the_published_flow_unless_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.pt").write_bytes(b"not read here")
    state = randomised(I3dFlow(**SMALL)).net.state_dict()
    monkeypatch.setattr("augrgb.encoders.import_weights.read_pickle", lambda *_: state)
    card = WeightCard("mine", "i3d_flow", "", sha256(tmp_path / "w.pt"), "?", QUICK)
    found = []
    for options in ({}, {"flow": {"method": "tvl1_opencv"}}):  # of the flow's settings one by one
        arguments = {"sha256": card.sha256, "trust": True, "card": card, "options": {**SMALL, **options}}
        import_weights(tmp_path / "w.pt", "i3d_flow", tmp_path / "e", **arguments)
        found.append(load_encoder(tmp_path / "e").encoder.flow)
    assert found == [FlowSettings("tvl1", bound=20), FlowSettings("tvl1_opencv", bound=20)]


def refuse(source: Any, tmp_path: Path, code: Any, text: Any, **changes: Any) -> None:
    arguments = {"sha256": sha256(source), "trust": True, "options": SMALL} | changes
    with pytest.raises((InputRefused, UsageFault), match=text) as caught:
        import_weights(source, changes.pop("encoder", "i3d_rgb"), tmp_path / "e", **arguments)
    assert caught.value.code == code and not (tmp_path / "e").exists()


def test_nothing_is_read_without_trust_or_with_another_hash(published: Any, tmp_path: Path) -> None:
    refuse(published, tmp_path, "E-MOD-015", "only with permission", trust=False)
    refuse(published, tmp_path, "E-MOD-003", "expected 00", sha256="0" * 64)
    card = WeightCard("other", "i3d_rgb", "", "1" * 64, "?", QUICK)
    refuse(published, tmp_path, "E-MOD-003", "the card other", card=card)
    with pytest.raises(UsageFault, match="no such encoder with published weights"):
        import_weights(published, "small_rgb", tmp_path / "e", sha256="", trust=True)
    with pytest.raises(InputRefused, match="no such weights file"):
        import_weights(tmp_path / "none.pt", "i3d_rgb", tmp_path / "e", sha256="", trust=True)


def test_differences_are_listed(published: Any, tmp_path: Path) -> None:
    state = torch.load(published, weights_only=True)
    state["Conv3d_1a_7x7.conv3d.weight"] = torch.zeros(64, 2, 7, 7, 7)
    del state["Mixed_3b.b0.bn.bias"]
    state["extra"] = torch.zeros(1)
    path = tmp_path / "w.pt"
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, path)
    refuse(path, tmp_path, "E-MOD-002", r"Mixed_3b.b0.bn.bias is missing; net.extra is unknown; .*\(64, 2, 7, 7, 7\)")


def test_weights_that_give_other_numbers_than_their_card_are_caught(published: Any, tmp_path: Path) -> None:
    rows = ((0.0,) * 8,) * 3
    card = WeightCard("mine", "i3d_rgb", "", sha256(published), "?", replace(QUICK, expected=rows))
    refuse(published, tmp_path, "E-MOD-014", "differ from the card", card=card)


def test_constant_weights_are_caught(published: Any, tmp_path: Path) -> None:
    state = torch.load(published, weights_only=True)
    for name, tensor in state.items():  # what is wrong with flow_charades.pt: whatever it sees, it says the same
        if name.startswith("Mixed_5c") and name.endswith("bn.weight"):
            tensor.zero_()
        if name.startswith("Mixed_5c") and name.endswith("bn.bias"):
            tensor.fill_(0.5)
    path = tmp_path / "constant.pt"
    torch.save(state, path)
    refuse(path, tmp_path, "E-MOD-013", "same features for different windows")


def test_self_tests_refuse_other_encoders_and_nan(rgb: Any) -> None:
    with pytest.raises(InputRefused, match="not of i3d_rgb"):
        self_test(rgb, WeightCard("x", "i3d_flow", "", "", ""))
    broken = copy.deepcopy(rgb)
    next(broken.parameters()).data.fill_(float("nan"))
    with pytest.raises(InputRefused, match="NaN"):
        self_test(broken, WeightCard("x", "i3d_rgb", "", "", "", QUICK))


class Gadget:
    def __init__(self, path: Any) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {self.path}",))


@pytest.mark.parametrize("raw", [False, True])
def test_a_pickle_that_runs_a_program_is_refused(tmp_path: Path, raw: Any) -> None:
    path, proof = tmp_path / "w.pt", tmp_path / "pwned"
    pickle.loads(pickle.dumps(Gadget(proof)))  # the gadget works
    proof.unlink()
    if raw:
        path.write_bytes(pickle.dumps({"a": Gadget(proof)}))
    else:
        torch.save({"a": torch.zeros(2), "b": Gadget(proof)}, path)
    refuse(path, tmp_path, "E-MOD-001", "holds more than tensors")
    assert not proof.exists()


def test_the_message_names_the_object_and_passes_on_no_advice(tmp_path: Path) -> None:
    """PyTorch's own text says how to load the file without protection."""
    path = tmp_path / "w.pt"
    torch.save({"state_dict": {"a": torch.zeros(2)}, "args": argparse.Namespace(b=1)}, path)
    with pytest.raises(InputRefused) as refusal:
        import_weights(path, "i3d_rgb", tmp_path / "e", sha256=sha256(path), trust=True, options=SMALL)
    text = str(refusal.value)
    assert "holds more than tensors: argparse.Namespace" in text
    assert "weights_only" not in text and "two options" not in text and "trust" not in text


def test_rubbish_is_refused(published: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(published.read_bytes()[:5000])
    refuse(path, tmp_path, "E-MOD-001", "damaged|cannot be read")
    torch.save({"a": 3}, path)
    refuse(path, tmp_path, "E-MOD-001", "'a' is a int, not a tensor")


def test_reading_may_not_take_forever(published: Any, tmp_path: Path) -> None:
    refuse(published, tmp_path, "E-JOB-003", "no result in 0 s", timeout_s=0.01)


def test_a_file_that_grows_in_memory_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"a": torch.zeros(1).expand(2**31)}, path)  # 8 GiB of one stored number
    refuse(path, tmp_path, "E-JOB-002", "needs more memory", memory_mib=300)


def test_the_walls_hold_by_themselves(tmp_path: Path) -> None:
    proof = tmp_path / "pwned"
    deeds = (
        f"os.system('touch {proof}')",
        f"subprocess.run(['touch', '{proof}'])",
        f"open('{proof}', 'w')",
        f"os.posix_spawn('/bin/touch', ['touch', '{proof}'], {{}})",
        f"os.execv('/bin/touch', ['touch', '{proof}'])",
        "socket.socket()",
        f"os.mkdir('{proof}')",
        "os.fork()",
        "bytearray(2**31)",
    )
    code = f"""
import os, socket, subprocess
from augrgb.parallel.walled_child import raise_walls
from augrgb.weights.self_tests import SelfTest
raise_walls({str(tmp_path / "out")!r}, 256)
open('/dev/null').close()
for deed in {deeds!r}:
    try:
        eval(deed)
        print('done', deed)
    except Exception as error:
        print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n") == ["PermissionError"] * 8 + ["MemoryError", ""]
    assert not proof.exists()


def test_cards_round_trip(tmp_path: Path, rgb: Any) -> None:
    card = WeightCard("a", "i3d_rgb", "u", "0" * 64, "l", replace(QUICK, expected=((1.0, 2.0), (3.0, 4.0))), "n")
    write_card(tmp_path / "c.json", card)
    assert read_card(tmp_path / "c.json") == card
    (tmp_path / "c.json").write_text('{"schema": "augrgb.weights/1", "name": "x", "self_test": {"seed": 1}}')
    with pytest.raises(InputRefused, match="E-MOD-006"):
        read_card(tmp_path / "c.json")
    (tmp_path / "c.json").write_text("[]")
    with pytest.raises(InputRefused, match="not a weight card"):
        read_card(tmp_path / "c.json")
    with pytest.raises(UsageFault, match="two windows"):
        SelfTest(count=1)
    with pytest.raises(InputRefused, match="E-MOD-014"):
        self_test(rgb, replace(card, self_test=replace(QUICK, expected=((1.0,),))))


@pytest.mark.parametrize("name", ["small_rgb", "small_flow"])
def test_self_test_windows_are_a_function_of_the_recipe(name: Any) -> None:
    encoder = ENCODERS[name]()
    one, two = (self_test_windows(encoder, QUICK) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one[0], one[1]) and one.shape[:4] == (3, 8, 32, 32)
    assert not np.array_equal(one, self_test_windows(encoder, replace(QUICK, seed=1)))
    assert F.mse_loss(torch.from_numpy(one[:, 0]).float(), torch.from_numpy(one[:, 5]).float()) > 0
