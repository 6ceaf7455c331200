"""AGCN: graphs, streams, persons, and the contract of encoders."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.encoders import ENCODERS, Agcn
from augrgb.encoders.agcn import AgcnNet
from augrgb.encoders.augment import augment
from augrgb.encoders.files import load_encoder
from augrgb.encoders.import_weights import import_weights
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS, adjacency
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.encoders.weight_card import self_test
from augrgb.world.skeleton import JOINT_NAMES, PARENTS
from support.video_samples import STICK, STICK_PARENTS, stick_motion

SKELETON = {"names": STICK, "parents": tuple(STICK_PARENTS.tolist())}


def build(**options: Any) -> Any:
    torch.manual_seed(0)
    return Agcn(**{**SKELETON, **options})


def some_windows(count: Any, frames: Any = 8, seed: Any = 0) -> Any:
    return np.stack([stick_motion(frames, seed + number) for number in range(count)])


# --- graphs


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_trees_with_unique_names(name: Any) -> None:
    layout = LAYOUTS[name]
    assert len(set(layout.names)) == len(layout.names) == len(layout.parents) == int("".join(filter(str.isdigit, name)))
    assert layout.parents.count(-1) == 1
    graphs = adjacency(layout.parents)
    assert graphs.shape == (3, len(layout.names), len(layout.names))
    np.testing.assert_array_equal(graphs[0], np.eye(len(layout.names)))
    np.testing.assert_array_equal(graphs[1] > 0, graphs[2].T > 0)
    sums = graphs.sum(axis=1)
    assert np.isclose(sums, 1).sum() + (sums == 0).sum() == sums.size
    for joint, (own, parent) in enumerate(zip(layout.names, layout.parents, strict=True)):
        side = next((side for side in ("left_", "right_", "l_", "r_") if own.startswith(side)), None)
        if side is not None and parent >= 0:  # a limb never hangs on the other side
            other = {"left_": "right_", "right_": "left_", "l_": "r_", "r_": "l_"}[side]
            assert not layout.names[parent].startswith(other), joint


def test_the_worlds_layout_is_the_worlds() -> None:
    assert LAYOUTS["world21"].names == JOINT_NAMES and LAYOUTS["world21"].parents == PARENTS


def test_adjacency_by_hand() -> None:
    graphs = adjacency((-1, 0, 0))
    np.testing.assert_allclose(graphs[1], [[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(graphs[2], [[0, 0, 0], [0.5, 0, 0], [0.5, 0, 0]])


@pytest.mark.parametrize("parents", [(0,), (1, 0), (-1, 5), (-1, 2, 1), (-2, 0)])
def test_parents_that_are_no_tree_are_refused(parents: Any) -> None:
    with pytest.raises(UsageFault, match="leads to no root"):
        adjacency(parents)


# --- the network


def test_all_at_once_equals_one_matrix_after_the_other() -> None:
    torch.manual_seed(0)
    unit = AgcnNet(adjacency(SKELETON["parents"])).l5.gcn1
    torch.nn.init.normal_(unit.PA, std=0.1)
    x = torch.randn(2, 64, 6, len(STICK))
    total = 0
    for k in range(3):
        a, b = unit.conv_a[k](x), unit.conv_b[k](x)
        matrix = torch.einsum("nctv,nctw->nvw", a, b).div(a.shape[1] * a.shape[2]).softmax(1)
        total = total + unit.conv_d[k](torch.einsum("nctv,nvw->nctw", x, matrix + unit.graphs[k] + unit.PA[k]))
    expected = torch.relu(unit.bn(total) + unit.down(x))
    torch.testing.assert_close(unit(x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7, 16])
def test_any_number_of_frames(frames: Any) -> None:
    features = encode_windows(build(), some_windows(2, frames))
    assert features.shape == (2, 256) and np.isfinite(features).all()


def test_persons_beyond_the_first_are_zero_and_count() -> None:
    one, two = build(norm="stored"), build(norm="stored", persons=2)
    two.net.load_state_dict({k: v for k, v in one.net.state_dict().items() if "data_bn" not in k}, strict=False)
    x = one.prepare(some_windows(2))
    with torch.no_grad():
        alone, empty = one.net(x[..., :3].permute(0, 3, 1, 2)[..., None]), one.net(torch.zeros(2, 3, 8, len(STICK), 1))
        torch.testing.assert_close(two(x), (alone + empty) / 2, atol=1e-5, rtol=1e-4)


# --- the encoder


@pytest.mark.parametrize("stream", ["joint", "bone", "motion"])
@pytest.mark.parametrize("norm", ["group", "stored"])
def test_contract_of_encoders(stream: Any, norm: Any) -> None:
    encoder = build(stream=stream, norm=norm)
    windows = some_windows(5)
    together = encode_windows(encoder, windows, batch=4)
    assert together.shape == (5, encoder.dim) and np.isfinite(together).all() and together.std(axis=0).mean() > 1e-4
    np.testing.assert_array_equal(encode_windows(encoder, windows[4:], batch=4), together[4:])
    options = check_options(ENCODERS, "agcn", encoder.options, "encoder", "encoder")
    again = ENCODERS["agcn"](**options)
    again.load_state_dict(encoder.state_dict())
    np.testing.assert_array_equal(encode_windows(again, windows, batch=4), together)
    x = encoder.prepare(windows)
    moved = augment("pose", x, torch.Generator().manual_seed(1))
    assert moved.shape == x.shape
    encoder.train()
    torch.testing.assert_close(encoder(moved)[:2], encoder(moved[:2]), atol=1e-4, rtol=1e-4)
    encoder(moved).square().mean().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    assert sum(bool(p.grad.abs().sum() > 0) for p in encoder.parameters()) > 0.8 * len(list(encoder.parameters()))


def test_streams_see_what_they_say() -> None:
    windows = some_windows(2)
    lifted = windows + np.float32([0.1, 0.2, 0.3])
    for stream in ("bone", "motion", "joint"):  # none sees where the body stands
        encoder = build(stream=stream, axes="camera")
        np.testing.assert_allclose(encode_windows(encoder, lifted), encode_windows(encoder, windows), atol=1e-3)
    stretched = windows.copy()
    stretched[:, :, -1] += np.float32([0.0, 0.3, 0.0])  # one joint, in all frames alike
    for stream, sees in (("bone", True), ("motion", False), ("joint", True)):
        encoder = build(stream=stream, axes="camera")
        change = np.abs(encode_windows(encoder, stretched) - encode_windows(encoder, windows)).max()
        assert (change > 1e-2) == sees, stream
    still = np.repeat(windows[:, :1], 8, axis=1)
    motion = build(stream="motion", norm="stored")
    np.testing.assert_array_equal(*encode_windows(motion, np.stack([still[0], still[1]])))


def test_skeletons_without_hips_take_the_cameras_axes() -> None:
    layout = LAYOUTS["coco17"]
    names = tuple(name.replace("hip", "thigh") for name in layout.names)
    options = {"names": names, "parents": layout.parents}
    with pytest.raises(UsageFault, match="no root joint"):
        Agcn(**options)
    encoder = Agcn(**options, axes="camera")
    windows = np.random.default_rng(0).random((2, 8, 17, 3), dtype=np.float32)
    x = encoder.prepare(windows)
    assert x.dtype == torch.float32 and x.shape == (2, 8, 17, 6) and (x[:, 0, encoder.seen.root] == 0).all()
    np.testing.assert_allclose(x[:, 1:, :, 3:], 10 * np.diff(windows, axis=1), atol=1e-5)
    assert encoder(x).shape == (2, 256)
    with pytest.raises(InputRefused, match="E-ENC-015"):
        encoder.prepare(windows[:, :, :16])


def test_wrong_options() -> None:
    with pytest.raises(UsageFault, match="names but"):
        build(parents=(-1, 0))
    with pytest.raises(UsageFault, match="at least 1"):
        build(persons=0)
    with pytest.raises(UsageFault, match="did you mean 'stream'"):
        check_options(ENCODERS, "agcn", {**build().options, "streem": "bone"}, "encoder", "encoder")


def test_it_learns_from_nothing() -> None:
    """Raised or lowered last joint: a few steps tell them apart."""
    encoder, rng = build(), np.random.default_rng(0)
    windows = some_windows(8)
    side = np.arange(8) % 2
    windows[:, :, -1, 1] += np.where(side, 0.4, -0.4)[:, None].astype(np.float32)
    windows += rng.normal(0, 0.02, windows.shape).astype(np.float32)
    x, y = encoder.prepare(windows), torch.from_numpy(side).float()
    head = torch.nn.Linear(256, 1)
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], 1e-3)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(head(encoder(x))[:, 0], y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 < losses[0]


def test_published_weights_become_an_encoder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = AgcnNet(adjacency(LAYOUTS["kinect25"].parents), persons=2)
    state = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    state |= {"module.fc.weight": torch.zeros(60, 256), "module.fc.bias": torch.zeros(60)}
    state["module.data_bn.num_batches_tracked"] = torch.tensor(3)
    path = tmp_path / "ntu.pt"
    torch.save(state, path, _use_new_zipfile_serialization=False)  # most published files are of the old format
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    card = import_weights(path, "agcn", tmp_path / "e", sha256=checksum, trust=True, options={"stream": "bone"})
    loaded = load_encoder(tmp_path / "e")
    assert (
        isinstance(loaded.encoder, Agcn) and loaded.encoder.seen.persons == 2 and loaded.encoder.seen.stream == "bone"
    )
    assert loaded.settings.size is None and self_test(loaded.encoder, card).difference < 1e-5
    torch.testing.assert_close(loaded.encoder.net.l3.gcn1.PA, net.l3.gcn1.PA, rtol=0, atol=0)
