"""ST-GCN++: a plain reading of the paper, permutations of joints, missing joints, the axes of published weights."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.encoders import ENCODERS, Agcn, StgcnPp
from augrgb.encoders.files import load_encoder
from augrgb.encoders.import_weights import import_weights
from augrgb.encoders.parts.body_frame import landmarks
from augrgb.encoders.parts.fixed_norm import FixedBatchNorm
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS, adjacency
from augrgb.encoders.parts.spine_frame import SPINE_PARTS, spine_frame
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.encoders.stgcn_pp import StgcnPpNet
from augrgb.encoders.weight_card import self_test
from support.video_samples import STICK, STICK_PARENTS, stick_motion

SKELETON = {"names": STICK, "parents": tuple(STICK_PARENTS.tolist())}
KINECT = LAYOUTS["kinect25"]


def build(kind: Any = StgcnPp, seed: Any = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    return kind(**{**SKELETON, **options})


def some_windows(count: Any, frames: Any = 8, seed: Any = 0) -> Any:
    return np.stack([stick_motion(frames, seed + number) for number in range(count)])


def shaken(net: Any, seed: Any = 1) -> Any:
    """Statistics, scales and edges that would show if they were left out or transposed."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, FixedBatchNorm):
            for tensor in (module.weight.data, module.running_var):
                tensor.copy_(0.7 + 0.6 * torch.rand(tensor.shape, generator=generator))
            for tensor in (module.bias.data, module.running_mean):
                tensor.copy_(0.2 * torch.randn(tensor.shape, generator=generator))
    for name, tensor in net.named_parameters():
        if name.endswith(".A") or (name.endswith(".bias") and tensor.abs().sum() == 0):
            tensor.data.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return net


# --- a second reading, from the paper and the names of the state alone


def plain(state: Any, x: Any) -> Any:
    """(N, 3, t, V, M) -> (N, 256), one person, subset and branch after the other."""

    def bn(y: Any, name: Any) -> Any:
        return F.batch_norm(
            y,
            state[f"{name}.running_mean"],
            state[f"{name}.running_var"],
            state[f"{name}.weight"],
            state[f"{name}.bias"],
            False,
            0.0,
            1e-5,
        )

    def conv(y: Any, name: Any, **options: Any) -> Any:
        return F.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    people = []
    for person in range(x.shape[4]):
        y = x[..., person]
        coordinates, joints = y.shape[1], y.shape[3]
        flat = torch.stack([y[:, c, :, v] for v in range(joints) for c in range(coordinates)], dim=1)
        flat = bn(flat, "data_bn")
        y = torch.stack(
            [torch.stack([flat[:, v * coordinates + c] for v in range(joints)], -1) for c in range(coordinates)], 1
        )
        for layer in range(10):
            at, before, stride = f"gcn.{layer}", y, 2 if layer in (4, 7) else 1
            parts = conv(y, f"{at}.gcn.conv").chunk(3, dim=1)
            mixed = sum(torch.einsum("nctv,vw->nctw", parts[k], state[f"{at}.gcn.A"][k]) for k in range(3))
            down = y
            if f"{at}.gcn.down.0.weight" in state:
                down = bn(conv(y, f"{at}.gcn.down.0"), f"{at}.gcn.down.1")
            y = torch.relu(bn(mixed, f"{at}.gcn.bn") + down)
            branches = []
            for branch in range(5):
                place = f"{at}.tcn.branches.{branch}"
                z = torch.relu(bn(conv(y, f"{place}.0"), f"{place}.1"))
                if branch < 4:
                    step = branch + 1
                    z = conv(z, f"{place}.3.conv", stride=(stride, 1), padding=(step, 0), dilation=(step, 1))
                else:
                    padded = F.pad(z, (0, 0, 1, 1), value=-torch.inf)
                    z = torch.stack([padded[:, :, o : o + z.shape[2]] for o in range(3)]).amax(0)[:, :, ::stride]
                branches.append(z)
            branches.append(conv(y[:, :, ::stride], f"{at}.tcn.branches.5"))
            z = torch.relu(bn(torch.cat(branches, 1), f"{at}.tcn.transform.0"))
            z = bn(conv(z, f"{at}.tcn.transform.2"), f"{at}.tcn.bn")
            if layer == 0:
                around = 0
            elif f"{at}.residual.conv.weight" in state:
                around = bn(conv(before[:, :, ::stride], f"{at}.residual.conv"), f"{at}.residual.bn")
            else:
                around = before
            y = torch.relu(z + around)
        people.append(y.flatten(2).mean(2))
    return torch.stack(people).mean(0)


@pytest.mark.parametrize(("frames", "persons"), [(1, 1), (7, 2), (16, 1)])
def test_equals_a_plain_reading(frames: Any, persons: Any) -> None:
    torch.manual_seed(0)
    net = shaken(StgcnPpNet(adjacency(KINECT.parents))).double().eval()
    x = torch.randn(2, 3, frames, 25, persons, dtype=torch.float64)
    with torch.no_grad():
        expected = plain(net.state_dict(), x)
        assert expected.std() > 1e-3
        torch.testing.assert_close(net(x), expected, atol=1e-9, rtol=1e-9)


def test_published_names_and_size() -> None:
    names = set(StgcnPpNet(adjacency(KINECT.parents)).state_dict())
    assert {
        "data_bn.running_mean",
        "gcn.0.gcn.A",
        "gcn.0.gcn.conv.weight",
        "gcn.0.gcn.down.1.running_var",
        "gcn.9.tcn.branches.0.3.conv.weight",
        "gcn.9.tcn.branches.4.1.bias",
        "gcn.9.tcn.branches.5.weight",
        "gcn.4.tcn.transform.2.bias",
        "gcn.4.tcn.bn.weight",
        "gcn.7.residual.conv.weight",
    } <= names
    assert not any(name.startswith(("gcn.0.residual", "gcn.1.residual")) for name in names)
    size = sum(p.numel() for p in StgcnPpNet(adjacency(KINECT.parents)).parameters())
    assert 1.3e6 < size < 1.5e6  # the paper says 1.39 M with its 60 classes


# --- properties


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(STICK))), st.sampled_from(["joint", "bone", "motion"]))
def test_the_order_of_joints_does_not_matter(order: Any, stream: Any) -> None:
    """Joints, their parents and their weights in another order: the same features."""
    encoder = build(stream=stream)
    shaken(encoder.net)
    place = {joint: number for number, joint in enumerate(order)}
    other = build(
        names=tuple(STICK[joint] for joint in order),
        parents=tuple(place.get(int(STICK_PARENTS[joint]), -1) for joint in order),
        stream=stream,
    )
    state = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    for name, tensor in state.items():
        if name.endswith(".A"):
            state[name] = tensor[:, order][:, :, order]
        elif "data_bn" in name:
            state[name] = tensor.view(-1, 3)[order].flatten()
    other.load_state_dict(state)
    windows = some_windows(2)
    np.testing.assert_allclose(
        encode_windows(other, windows[:, :, order]), encode_windows(encoder, windows), atol=1e-4, rtol=1e-4
    )


def test_a_fresh_network_needs_no_reordering() -> None:
    """Its edges are the skeleton's, so the parents alone say which joint is which."""
    order = list(np.random.default_rng(0).permutation(len(STICK)))
    place = {joint: number for number, joint in enumerate(order)}
    parents = tuple(place.get(int(STICK_PARENTS[joint]), -1) for joint in order)
    other = build(names=tuple(STICK[joint] for joint in order), parents=parents)
    windows = some_windows(2)
    found, expected = encode_windows(other, windows[:, :, order]), encode_windows(build(), windows)
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-4)
    wrong = build(names=tuple(STICK[joint] for joint in order), parents=SKELETON["parents"])
    assert np.abs(encode_windows(wrong, windows[:, :, order]) - expected).max() > 1e-2


@pytest.mark.parametrize("kind", [StgcnPp, Agcn])
@pytest.mark.parametrize("axes", ["body", "camera"])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_missing_joints_stand_at_the_origin(kind: Any, axes: Any, data: Any) -> None:
    encoder = build(kind, axes=axes)
    windows = some_windows(2)
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=windows[..., 0].size, max_size=windows[..., 0].size)))
    gone = gone.reshape(windows.shape[:3])
    x = encoder.prepare(np.where(gone[..., None], np.float32(np.nan), windows))
    assert torch.isfinite(x).all() and (x[torch.from_numpy(gone)] == 0).all()
    assert (x[:, 1:, :, 3:][torch.from_numpy(gone[:, :-1])] == 0).all()  # coming into sight is no movement
    assert torch.isfinite(encoder(x)).all()


def test_a_missing_hand_changes_nothing_else() -> None:
    encoder, windows = build(axes="camera"), some_windows(2)
    holed = windows.copy()
    holed[0, 3:5, -1] = np.nan
    whole, x = encoder.prepare(windows), encoder.prepare(holed)
    different = (whole != x).any(dim=-1)
    assert not different[1].any() and not different[0, :, :-1].any() and different[0, 3:5, -1].all()
    assert (x[0, 5, -1, 3:] == 0).all() and torch.equal(x[0, 6:, -1], whole[0, 6:, -1])


def test_empty_persons_count() -> None:
    one, two = build(norm="stored"), build(norm="stored", persons=2)
    two.load_state_dict(one.state_dict())
    x = one.prepare(some_windows(2))
    with torch.no_grad():
        empty = one.net(torch.zeros(2, 3, 8, len(STICK), 1))
        torch.testing.assert_close(two(x), (one(x) + empty) / 2, atol=1e-5, rtol=1e-4)


# --- the axes of published weights


def rotation(axis: Any, angle: Any) -> Any:
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)


@pytest.mark.parametrize("every_frame", [False, True])
def test_spine_axes_by_hand(every_frame: Any) -> None:
    """Axis and angle, one window after the other; then what must be where."""
    rng = np.random.default_rng(0)
    marks = landmarks(KINECT.names, SPINE_PARTS)
    assert marks == {"root": 0, "spine": 1, "left_shoulder": 4, "right_shoulder": 8}
    windows = rng.normal(size=(4, 5, 25, 3)).astype(np.float32)
    found = spine_frame(windows, marks, every_frame=every_frame)
    for window, result in zip(windows.astype(float) * [-1, 1, 1], found, strict=True):
        placed = window - (window[:, 1:2] if every_frame else window[0, 1])
        for tail, head, axis in ((0, 1, [0, 0, 1.0]), (4, 8, [1.0, 0, 0])):
            line = placed[0, head] - placed[0, tail]
            angle = np.arccos(line @ axis / np.linalg.norm(line))
            placed = placed @ rotation(np.cross(line, axis), angle).T
        np.testing.assert_allclose(result[..., [0, 2, 1]], placed, atol=1e-4)
        np.testing.assert_allclose(result[1:, :, 3:], 10 * np.diff(result[..., :3], axis=0), atol=1e-3)
        shoulders = result[0, 8, :3] - result[0, 4, :3]
        np.testing.assert_allclose(shoulders[1:], 0, atol=1e-5)
        assert shoulders[0] > 0


def test_the_body_looks_along_the_third_axis() -> None:
    """A figure that faces the camera (x right, z away) and stretches its right hand out in front."""
    marks = landmarks(KINECT.names, SPINE_PARTS)
    pose = np.zeros((25, 3), np.float32)
    pose[:] = (0, 0.2, 3)
    pose[0], pose[1], pose[4], pose[8] = (0, 0, 3), (0, 0.2, 3), (0.2, 0.5, 3), (-0.2, 0.5, 3)
    pose[11] = (-0.2, 0.5, 2.4)
    seen = spine_frame(pose[None, None], marks)[0, 0, :, :3]
    np.testing.assert_allclose(seen[11], [0.2, 0.3, 0.6], atol=1e-5)  # right, up, in front


def test_lines_without_length_turn_nothing() -> None:
    still = np.zeros((2, 3, 25, 3), np.float32)
    assert (spine_frame(still, landmarks(KINECT.names, SPINE_PARTS)) == 0).all()


# --- the encoder


@pytest.mark.parametrize("norm", ["group", "stored"])
def test_contract_of_encoders(norm: Any) -> None:
    encoder = build(norm=norm, stream="bone")
    windows = some_windows(5)
    together = encode_windows(encoder, windows, batch=4)
    assert together.shape == (5, encoder.dim) and np.isfinite(together).all() and together.std(axis=0).mean() > 1e-4
    np.testing.assert_array_equal(encode_windows(encoder, windows[4:], batch=4), together[4:])
    again = ENCODERS["stgcn_pp"](**check_options(ENCODERS, "stgcn_pp", encoder.options, "encoder", "encoder"))
    again.load_state_dict(encoder.state_dict())
    np.testing.assert_array_equal(encode_windows(again, windows, batch=4), together)
    encoder.train()
    x = encoder.prepare(windows)
    torch.testing.assert_close(encoder(x)[:2], encoder(x[:2]), atol=1e-4, rtol=1e-4)
    encoder(x).square().mean().backward()
    assert sum(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in encoder.parameters()) > 0.95 * len(
        list(encoder.parameters())
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout: Any) -> None:
    names, parents = LAYOUTS[layout].names, LAYOUTS[layout].parents
    encoder = build(names=names, parents=parents, axes="camera")
    windows = np.random.default_rng(0).random((2, 8, len(names), 3), dtype=np.float32)
    assert encode_windows(encoder, windows).shape == (2, 256)
    with pytest.raises(InputRefused, match="E-ENC-015"):
        encoder.prepare(windows[:, :, 1:])


def test_wrong_options() -> None:
    with pytest.raises(UsageFault, match="names but"):
        build(parents=(-1, 0))
    with pytest.raises(UsageFault, match="at least 1"):
        build(persons=0)
    with pytest.raises(UsageFault, match="no spine joint"):
        build(names=("root", "neck", "a", "b", "c"), axes="spine")


def test_it_learns_from_nothing() -> None:
    encoder = build()
    windows = some_windows(8)
    side = np.arange(8) % 2
    windows[:, :, -1, 1] += np.where(side, 0.4, -0.4)[:, None].astype(np.float32)
    x, y = encoder.prepare(windows), torch.from_numpy(side).float()
    head = torch.nn.Linear(256, 1)
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], 1e-3)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(head(encoder(x))[:, 0], y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 < losses[0]


def test_published_weights_become_an_encoder(tmp_path: Path) -> None:
    """A checkpoint as its training program writes it: metadata, a prefix, counters, a classifier."""
    torch.manual_seed(0)
    net = StgcnPpNet(adjacency(KINECT.parents))
    state = {f"backbone.{name}": tensor for name, tensor in net.state_dict().items()}
    state |= {"cls_head.fc_cls.weight": torch.zeros(60, 256), "cls_head.fc_cls.bias": torch.zeros(60)}
    state["backbone.data_bn.num_batches_tracked"] = torch.tensor(3)
    path = tmp_path / "j.pth"
    torch.save({"meta": {"epoch": 16, "CLASSES": None}, "state_dict": state}, path)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    card = import_weights(path, "stgcn_pp", tmp_path / "e", sha256=checksum, trust=True)
    loaded = load_encoder(tmp_path / "e")
    assert loaded.encoder.options["axes"] == "spine" and loaded.encoder.options["persons"] == 2
    assert self_test(loaded.encoder, card).difference < 1e-5
    torch.testing.assert_close(loaded.encoder.net.gcn[3].gcn.A, net.gcn[3].gcn.A, rtol=0, atol=0)
