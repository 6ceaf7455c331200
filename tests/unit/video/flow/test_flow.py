"""Optical flow as small integers."""

import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.opening import sha256_file
from augrgb.video.flow import (
    FLOW_METHODS,
    DisFlow,
    flow_recipe,
    flow_target,
    iter_flow,
)
from augrgb.video.flow.settings import FlowSettings


def moving(count: Any, right: Any, down: Any, seed: Any = 0, scale: Any = DisFlow.work_scale) -> Any:
    """A soft texture moved by (right, down) track pixels per frame."""
    room = cv2.GaussianBlur(np.random.default_rng(seed).random((400, 500)).astype(np.float32), (0, 0), 4)
    room = (room - room.min()) / (room.max() - room.min()) * 255
    for number in range(count):
        move = np.float32([[1, 0, right * scale * number], [0, 1, down * scale * number]])
        yield cv2.warpAffine(room, move, (500, 400))[150 : 150 + 48 * scale, 150 : 150 + 64 * scale].astype(np.uint8)


@pytest.mark.parametrize(("right", "down"), [(0.5, 0.0), (-1.5, 1.0), (3.0, -2.0)])
def test_known_motion(right: Any, down: Any) -> None:
    fields = list(iter_flow(moving(4, right, down)))
    assert len(fields) == 4 and fields[0].shape == (48, 64, 2) and fields[0].dtype == np.int8
    middle = np.stack(fields)[:, 8:-8, 8:-8].mean(axis=(0, 1, 2)) / FlowSettings().steps_per_pixel
    np.testing.assert_allclose(middle, [right, down], atol=0.1)
    np.testing.assert_array_equal(fields[-1], fields[-2])


def test_still_and_single_pictures_have_no_flow() -> None:
    still = next(moving(1, 0, 0))
    assert not np.any(list(iter_flow([still, still]))) and not np.any(list(iter_flow([still])))
    assert list(iter_flow([])) == []


@pytest.mark.parametrize("shape", [(1, 1), (2, 4), (11, 3), (3, 11)])
def test_images_too_small_for_opencv_have_flow(shape: tuple[int, int]) -> None:
    images = [np.full(shape, value, np.uint8) for value in (0, 200)]
    found = DisFlow(FlowSettings()).flow(*images)
    assert found.shape == (*shape, 2) and np.isfinite(found).all()


def test_scene_cuts_are_clipped() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2, 96, 128), dtype=np.uint8)
    fields = np.stack(list(iter_flow(noise)))
    assert fields.min() >= -127 and FlowSettings().bound == 7.9375


def test_the_number_of_threads_does_not_matter() -> None:
    results, before = [], cv2.getNumThreads()
    for threads in (1, 2, 4):
        cv2.setNumThreads(threads)
        results.append(np.stack(list(iter_flow(moving(5, 1.3, 0.4)))))
    cv2.setNumThreads(before)
    assert (results[0] == results[1]).all() and (results[0] == results[2]).all()


def test_default_settings_make_the_recipe_of_existing_features() -> None:
    assert flow_recipe() == {"method": "dis-fast", "finest_scale": 1, "steps_per_pixel": 16, "work_scale": 2}
    assert FlowSettings().options() == {}


@pytest.mark.parametrize("bound", [4.0, 20.0, 40.0])
def test_the_bound_says_where_flow_saturates(bound: Any) -> None:
    settings = FlowSettings(bound=bound)
    assert flow_recipe(settings)["steps_per_pixel"] == pytest.approx(127 / bound)
    noise = np.random.default_rng(0).integers(0, 255, (2, 96, 128), dtype=np.uint8)
    assert np.abs(np.stack(list(iter_flow(noise, settings)))).max() <= 127
    fields = np.stack(list(iter_flow(moving(4, 6.0, -3.0), settings)))[:, 8:-8, 8:-8]
    middle = np.median(fields.reshape(-1, 2), axis=0) / settings.steps_per_pixel
    np.testing.assert_allclose(middle, [min(6.0, bound), -3.0], atol=0.5 * bound / 127 + 0.1)


def test_wide_motion_is_kept_by_a_wide_bound_only() -> None:
    narrow = np.stack(list(iter_flow(moving(3, 9.0, 0.0))))
    wide = np.stack(list(iter_flow(moving(3, 9.0, 0.0), FlowSettings(bound=20))))
    assert narrow.max() == 127
    assert wide.max() / FlowSettings(bound=20).steps_per_pixel > 8.5


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan"), float("inf")])
def test_senseless_bounds_are_refused(bound: Any) -> None:
    with pytest.raises(UsageFault, match=r"E-CFG-003 flow\.bound"):
        FlowSettings(bound=bound)


def test_unknown_methods_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageFault, match=r"E-CFG-002.*did you mean 'tvl1'"):
        next(iter_flow(moving(2, 1, 0), FlowSettings("tvl")))


def test_every_method_has_its_own_recipe() -> None:
    pinned = {"weights": "raft.safetensors", "sha256": "0" * 64}
    recipes = [flow_recipe(FlowSettings(name, **(pinned if name == "raft" else {}))) for name in FLOW_METHODS]
    assert len({str(sorted(recipe.items())) for recipe in recipes}) == len(FLOW_METHODS) == 4


@pytest.mark.parametrize(("right", "down"), [(0.5, 0.0), (-1.5, 1.0), (3.0, -2.0)])
def test_tvl1_finds_known_motion(right: Any, down: Any) -> None:
    pytest.importorskip("skimage", reason="TV-L1 needs scikit-image: pip install 'augrgb[tvl1]'")
    settings = FlowSettings("tvl1", bound=20)
    fields = list(iter_flow(moving(3, right, down, scale=1), settings))
    assert len(fields) == 3 and fields[0].shape == (48, 64, 2) and fields[0].dtype == np.int8
    middle = np.stack(fields)[:, 8:-8, 8:-8].mean(axis=(0, 1, 2)) / settings.steps_per_pixel
    np.testing.assert_allclose(middle, [right, down], atol=0.1)
    assert not np.any(list(iter_flow([next(moving(1, 0, 0, scale=1))] * 2, settings)))


def test_tvl1_of_opencv_finds_known_motion() -> None:
    if not hasattr(cv2, "optflow"):
        pytest.skip("this OpenCV lacks the contributed modules")
    settings = FlowSettings("tvl1_opencv", bound=20)
    middle = np.stack(list(iter_flow(moving(3, -1.5, 1.0, scale=1), settings)))[:, 8:-8, 8:-8].mean(axis=(0, 1, 2))
    np.testing.assert_allclose(middle / settings.steps_per_pixel, [-1.5, 1.0], atol=0.1)


@pytest.mark.parametrize(
    ("method", "module", "remedy"),
    [("tvl1", "skimage.registration", r"augrgb\[tvl1\]"), ("raft", "torchvision", r"augrgb\[raft\]")],
)
def test_missing_packages_say_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: Any, module: Any, remedy: Any
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    settings = FlowSettings(method, weights=str(tmp_path / "raft.safetensors"), sha256="0" * 64)
    with pytest.raises(EnvironmentFault, match=f"E-ENV-003 flow.method {method}.*{remedy}"):
        next(iter_flow(moving(2, 1, 0), settings))


def test_opencv_without_contributed_modules_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "optflow", raising=False)
    with pytest.raises(EnvironmentFault, match=r"E-ENV-003.*opencv-contrib-python-headless"):
        next(iter_flow(moving(2, 1, 0), FlowSettings("tvl1_opencv")))


class ShiftNet(torch.nn.Module):
    """Stands in for torchvision's RAFT: checks its input, and returns a constant field, refined in steps."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = torch.nn.Parameter(torch.tensor([3.0, -1.0]))

    def forward(self, before: Any, after: Any, num_flow_updates: Any) -> Any:
        assert before.shape == after.shape and before.shape[1] == 3
        assert all(side % 8 == 0 and side >= 128 for side in before.shape[2:])
        assert -1 <= float(before.min()) < -0.5 and 0.5 < float(before.max()) <= 1
        field = self.shift[None, :, None, None].expand(1, 2, *before.shape[2:])
        return [field * (step + 1) / num_flow_updates for step in range(num_flow_updates)]


@pytest.fixture
def raft(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A torchvision whose RAFT is `ShiftNet`, and weights for it."""
    module = types.ModuleType("torchvision.models.optical_flow")
    module.raft_large = lambda weights: ShiftNet()  # type: ignore[attr-defined]
    for name in ("torchvision", "torchvision.models"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "torchvision.models.optical_flow", module)
    path = tmp_path / "raft.safetensors"
    safetensors.torch.save_file({"shift": torch.tensor([2.0, -1.5])}, path)
    return FlowSettings("raft", bound=20, weights=str(path), sha256=sha256_file(path))


def test_raft_pads_takes_the_last_refinement_and_loads_the_weights(raft: Any) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 50, 66, 3), dtype=np.uint8)
    assert flow_target((66, 50), raft).size == (66, 50) and flow_target((66, 50), raft).pixels == "rgb24"
    fields = np.stack(list(iter_flow(pictures, raft)))
    assert fields.shape == (3, 50, 66, 2)
    np.testing.assert_allclose(fields / raft.steps_per_pixel, np.broadcast_to([2.0, -1.5], fields.shape), atol=0.08)


def test_raft_weights_are_pinned(raft: Any, tmp_path: Path) -> None:
    pictures = np.zeros((2, 48, 64, 3), np.uint8)
    with pytest.raises(UsageFault, match=r"E-CFG-014 flow\.method raft.*flow\.sha256"):
        next(iter_flow(pictures, FlowSettings("raft")))
    with pytest.raises(InputRefused, match=r"E-MOD-003.*SHA-256"):
        next(iter_flow(pictures, replace(raft, sha256="1" * 64)))
    with pytest.raises(InputRefused, match="E-FILE-001"):
        next(iter_flow(pictures, replace(raft, weights=str(tmp_path / "absent"))))
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, other)
    with pytest.raises(InputRefused, match="E-MOD-002"):
        next(iter_flow(pictures, replace(raft, weights=str(other), sha256=sha256_file(other))))


def test_where_weights_lie_is_no_part_of_the_recipe(raft: Any) -> None:
    assert flow_recipe(raft) == flow_recipe(replace(raft, weights="elsewhere.safetensors"))
    assert flow_recipe(raft) != flow_recipe(replace(raft, sha256="1" * 64))
