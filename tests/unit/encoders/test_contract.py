"""Every small encoder in the catalog keeps the contract (the others have tests of their own)."""

from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.catalog import check_options
from augrgb.core.dropout import Rows, set_rows
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.encoders import ENCODERS
from augrgb.encoders.augment import augment
from augrgb.encoders.parts.body_frame import body_frame, body_marks
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.poses.layouts import LAYOUTS
from support.video_samples import STICK, STICK_PARENTS, stick_motion

NAMES = [name for name in sorted(ENCODERS) if name.startswith(("small_", "signal_"))]

SENSOR_OPTIONS: Any = {
    "signal": {"channels": 4, "mean": (3.0,) * 4, "std": (2.0,) * 4},
    "grid": {"shape": (24, 32, 1), "std": (2.0,)},
}


def build(name: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    if ENCODERS[name].modality == "pose":
        options |= {"names": STICK, "parents": tuple(STICK_PARENTS.tolist())}
    options |= SENSOR_OPTIONS.get(ENCODERS[name].modality, {})
    return ENCODERS[name](**options)


def some_windows(name: Any, count: Any, seed: Any = 0) -> Any:
    rng = np.random.default_rng(seed)
    match ENCODERS[name].modality:
        case "rgb":
            return rng.integers(0, 256, (count, 8, 48, 64, 3), dtype=np.uint8)
        case "flow":
            return rng.integers(-127, 128, (count, 8, 48, 64, 2)).astype(np.int8)
        case "signal":
            return rng.normal(3, 2, (count, 8, 4)).astype(np.float32)
        case "grid":
            return rng.normal(25, 2, (count, 8, 24, 32, 1)).astype(np.float32)
        case _:
            return np.stack([stick_motion(8, seed + number) for number in range(count)])


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_dim(name: Any) -> None:
    for dim in (32, 128):
        encoder = build(name, dim=dim)
        x = encoder.prepare(some_windows(name, 3))
        assert x.dtype == torch.float32 and x.shape[:2] == (3, 8 // getattr(encoder, "frame_step", 1))
        assert encoder.dim == dim and encoder(x).shape == (3, dim)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("window", [1, 5, 8])
def test_frames_that_are_not_read_change_nothing(name: Any, window: int) -> None:
    encoder, windows = build(name), some_windows(name, 2)[:, :window]
    read = np.zeros(window, bool)
    read[list(encoder.frames_read(window))] = True
    other = np.where(read.reshape(-1, *(1,) * (windows.ndim - 2)), windows, np.zeros_like(windows))
    if ENCODERS[name].modality == "rgb" and window == 8:
        assert read.sum() == 8 / encoder.frame_step
    np.testing.assert_array_equal(encode_windows(encoder, windows), encode_windows(encoder, other))


@pytest.mark.parametrize("name", NAMES)
def test_features_do_not_depend_on_how_many_are_encoded(name: Any) -> None:
    encoder, windows = build(name), some_windows(name, 19)
    together = encode_windows(encoder, windows)
    assert together.dtype == np.float32 and np.isfinite(together).all()
    for chunk in (1, 7, 18):
        parts = [encode_windows(encoder, windows[at : at + chunk]) for at in range(0, 19, chunk)]
        np.testing.assert_array_equal(np.concatenate(parts), together)
    np.testing.assert_allclose(encode_windows(encoder, windows, batch=64), together, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_encoding_leaves_the_mode_and_takes_no_gradients(name: Any) -> None:
    encoder = build(name, dropout=0.5)
    windows = some_windows(name, 2)
    encoder.train()
    np.testing.assert_array_equal(encode_windows(encoder, windows), encode_windows(encoder, windows))
    assert encoder.training
    assert encode_windows(encoder, windows[:0]).shape == (0, encoder.dim)


@pytest.mark.parametrize("name", NAMES)
def test_processes_together_drop_what_one_would(name: Any) -> None:
    encoder = build(name, dropout=0.5).train()
    x = encoder.prepare(some_windows(name, 4))
    torch.manual_seed(1)
    whole, after, parts = encoder(x), torch.rand(1), []
    assert not torch.allclose(whole, encoder(x))
    for rows in (Rows(0, 1, 4), Rows(1, 3, 4)):
        set_rows(encoder, rows)
        torch.manual_seed(1)
        parts.append(encoder(x[rows.start : rows.start + rows.count]))
        assert torch.rand(1) == after, "the generators of the processes must stay in step"
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_all_parameters_learn(name: Any) -> None:
    encoder = build(name)
    encoder(encoder.prepare(some_windows(name, 4))).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_snippets_do_not_see_each_other_in_training(name: Any) -> None:
    encoder = build(name).train()
    x = encoder.prepare(some_windows(name, 8))
    torch.testing.assert_close(encoder(x)[:4], encoder(x[:4]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_checked_and_rebuild_the_encoder(name: Any) -> None:
    encoder = build(name, dim=32)
    options = check_options(ENCODERS, name, encoder.options, "encoder", "encoder")
    again = ENCODERS[name](**options)
    again.load_state_dict(encoder.state_dict())
    windows = some_windows(name, 2)
    np.testing.assert_array_equal(encode_windows(again, windows), encode_windows(encoder, windows))
    with pytest.raises(UsageFault, match="did you mean 'width'"):
        check_options(ENCODERS, name, {**encoder.options, "widht": 3}, "encoder", "encoder")


@pytest.mark.parametrize("name", NAMES)
def test_windows_of_another_modality_are_refused(name: Any) -> None:
    encoder = build(name)
    for other in set(NAMES) - {name}:
        with pytest.raises(InputRefused, match="E-ENC-015"):
            encoder.prepare(some_windows(other, 2))


@pytest.mark.parametrize("name", NAMES)
def test_augmentation(name: Any) -> None:
    encoder = build(name)
    x = encoder.prepare(some_windows(name, 6))
    before = x.clone()
    twice = [augment(encoder.modality, x, torch.Generator().manual_seed(3)) for _ in range(2)]
    torch.testing.assert_close(twice[0], twice[1], rtol=0, atol=0)
    torch.testing.assert_close(x, before, rtol=0, atol=0)
    other = augment(encoder.modality, x, torch.Generator().manual_seed(4))
    assert twice[0].shape == x.shape and not torch.equal(other, twice[0]) and torch.isfinite(other).all()
    none = augment(encoder.modality, x, torch.Generator().manual_seed(3), strength=0.0)
    torch.testing.assert_close(none, x, atol=1e-3, rtol=1e-3)


def test_zoomed_flow_moves_faster() -> None:
    x = torch.ones(64, 2, 24, 32, 2)
    result = augment("flow", x, torch.Generator().manual_seed(0))
    assert result.mean(dim=(1, 2, 3, 4)).std() > 0.05 and abs(float(result.mean()) - 1) < 0.05


def turned(windows: Any, degrees: Any, move: Any = (0.0, 0.0, 0.0), scale: Any = 1.0) -> Any:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return ((windows @ turn.T) * scale + move).astype(np.float32)


@pytest.mark.parametrize("degrees", [30, 90, 180, 275])
def test_poses_look_the_same_from_every_side(degrees: Any) -> None:
    windows = np.stack([stick_motion(8, seed) for seed in range(3)])
    marks = body_marks(STICK)
    np.testing.assert_allclose(
        body_frame(turned(windows, degrees, (1, -0.3, 2), 1.3), marks), body_frame(windows, marks), atol=1e-3
    )


def test_left_and_right_stay_apart() -> None:
    windows = stick_motion(8)[None]
    mirrored = windows * np.float32([-1, 1, 1])
    mirrored[:, :, [2, 3]] = mirrored[:, :, [3, 2]]
    encoder = build("small_pose")
    assert np.abs(encode_windows(encoder, windows) - encode_windows(encoder, mirrored)).max() > 1e-3


def test_walking_shows_in_the_speed() -> None:
    windows = np.repeat(stick_motion(1)[None], 8, axis=1)
    windows[..., 0] += np.arange(8, dtype=np.float32)[None, :, None] * 0.1
    framed = body_frame(windows, body_marks(STICK))
    assert np.abs(framed[0, 1:, :, :3] - framed[0, :1, :, :3]).max() < 1e-4
    assert np.abs(framed[0, 1:, :, 3:]).max() > 1.0


@pytest.mark.parametrize("name", ["small_pose", "agcn", "stgcn_pp"])
@pytest.mark.parametrize("layout", ["blazepose33", "coco17", "world21"])
def test_skeletons_with_hips_and_shoulders_serve_as_they_are(name: str, layout: str) -> None:
    names, parents = LAYOUTS[layout].names, LAYOUTS[layout].parents
    torch.manual_seed(0)
    encoder = ENCODERS[name](names=names, parents=parents)
    windows = np.random.default_rng(0).standard_normal((2, 8, len(names), 3)).astype(np.float32)
    found = encode_windows(encoder, windows)
    assert found.shape == (2, encoder.dim) and np.isfinite(found).all()
    np.testing.assert_allclose(encode_windows(encoder, turned(windows, 70, (1, 0, 2))), found, rtol=0.02, atol=0.02)


def test_the_middle_of_the_hips_is_a_root_and_that_of_the_shoulders_a_neck() -> None:
    names = LAYOUTS["blazepose33"].names
    windows = np.random.default_rng(0).standard_normal((1, 4, 33, 3)).astype(np.float32)
    framed = body_frame(windows, body_marks(names))[0, :, :, :3]
    hips, shoulders = (
        framed[:, [names.index(f"left_{part}"), names.index(f"right_{part}")]].mean(axis=1)
        for part in ("hip", "shoulder")
    )
    np.testing.assert_allclose(hips, 0, atol=1e-5)
    assert np.linalg.norm(shoulders, axis=1).mean() == pytest.approx(1, abs=1e-4)


def test_skeleton_without_hips_is_refused() -> None:
    with pytest.raises(UsageFault, match="no neck joint"):
        ENCODERS["small_pose"](names=("hips", "l_hip", "r_hip"), parents=(-1, 0, 0))
    with pytest.raises(UsageFault, match="3 joint names but 2 parents"):
        ENCODERS["small_pose"](names=("hips", "l_hip", "r_hip"), parents=(-1, 0))


@pytest.mark.parametrize("size", [(64, 48), (61, 47), (112, 84), (8, 8)])
@pytest.mark.parametrize("sees", ["both", "differences"])
def test_a_map_has_the_shape_it_says_and_features_do_not_change(size: Any, sees: Any) -> None:
    encoder = build("small_rgb", sees=sees).eval()
    windows = np.random.default_rng(0).integers(0, 256, (2, 8, size[1], size[0], 3), dtype=np.uint8)
    x = encoder.prepare(windows)
    features, image_map = encoder.forward_with_map(x)
    assert image_map.shape == (2, *encoder.map_shape(size))
    assert torch.equal(features, encoder(x))


def test_an_encoder_without_a_map_says_so() -> None:
    encoder = build("small_pose")
    assert encoder.map_shape((64, 48)) is None
    with pytest.raises(UsageFault, match="E-ENC-017 small_pose: gives no map"):
        encoder.forward_with_map(encoder.prepare(some_windows("small_pose", 1)))
