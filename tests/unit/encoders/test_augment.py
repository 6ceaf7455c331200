from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.core.files import write_json
from augrgb.core.timeline import Clock
from augrgb.encoders.augment import ImageChanges, augment, augment_rgb, blurred, mirror
from augrgb.encoders.parts.scene_changes import change_background
from augrgb.features.frame_folder import FrameFolder, FrameSettings, write_frames
from augrgb.features.snippet_bank import SnippetBank

OFF = {"shift": 0.0, "zoom": 0.0, "brightness": 0.0, "contrast": 0.0, "color": 0.0, "noise": 0.0}


def pictures(channels: int = 3) -> torch.Tensor:
    return torch.rand(4, 2, 8, 10, channels, generator=torch.Generator().manual_seed(0))


def changed(parts: ImageChanges, modality: str = "rgb") -> torch.Tensor:
    x = pictures(3 if modality == "rgb" else 2)
    return augment(modality, x, torch.Generator().manual_seed(1), parts=parts)


@pytest.mark.parametrize("part", sorted(OFF))
def test_each_part_can_be_switched_on_alone(part: Any) -> None:
    x, one = pictures(), changed(ImageChanges(**{**OFF, part: 1.0}))
    assert (one - x).abs().max() > 1e-3
    difference = one - x
    if part == "brightness":  # the same for all pixels of a snippet
        assert (difference.flatten(1).std(dim=1) < 1e-5).all()
    if part == "contrast":  # the mean of a snippet stays
        torch.testing.assert_close(one.mean(dim=(1, 2, 3, 4)), x.mean(dim=(1, 2, 3, 4)))
    if part == "color":  # each channel is scaled
        scale = (one.sum(dim=(1, 2, 3)) / x.sum(dim=(1, 2, 3)))[:, None, None, None]
        torch.testing.assert_close(one, x * scale)


@pytest.mark.parametrize("modality", ["rgb", "flow", "grid"])
def test_a_turn_is_by_half_a_circle(modality: Any) -> None:
    x = pictures(1 if modality == "grid" else 2 if modality == "flow" else 3)
    always, sometimes = (
        augment(modality, x.clone(), torch.Generator().manual_seed(1), parts=ImageChanges(**{**OFF, "turn": turn}))
        for turn in (1.0, 0.5)
    )
    still = augment(modality, x.clone(), torch.Generator().manual_seed(1), parts=ImageChanges(**OFF))
    if modality == "flow":  # its small changes of speed are drawn after the turns
        always, still = (part / part.abs().amax(dim=(1, 2, 3, 4), keepdim=True) for part in (always, still))
        always = -always
    torch.testing.assert_close(always.flip(2, 3), still, atol=1e-5, rtol=0)
    if modality != "flow":
        alike = [torch.allclose(sometimes[n], still[n], atol=1e-5) for n in range(4)]
        assert {torch.allclose(sometimes[n], always[n], atol=1e-5) for n in range(4) if not alike[n]} == {True}
        assert 0 < sum(alike) < 4


def test_all_parts_off_changes_nothing() -> None:
    torch.testing.assert_close(changed(ImageChanges(**OFF)), pictures(), atol=1e-5, rtol=0)


def test_the_usual_parts_are_the_default() -> None:
    for modality in ("rgb", "flow"):
        x = pictures(3 if modality == "rgb" else 2)
        assert torch.equal(
            augment(modality, x.clone(), torch.Generator().manual_seed(1)), changed(ImageChanges(), modality)
        )


def test_mirrors() -> None:
    x, flow = pictures(), pictures(2)
    assert torch.equal(mirror("rgb", x)[:, :, :, 0], x[:, :, :, -1]) and torch.equal(mirror("rgb", mirror("rgb", x)), x)
    turned = mirror("flow", flow)
    assert torch.equal(turned[..., 0], -flow[..., 0].flip(3)) and torch.equal(turned[..., 1], flow[..., 1].flip(3))
    with pytest.raises(AugrgbError, match="E-ENC-004"):
        mirror("pose", x)


def test_windows_moved_in_time(tmp_path: Path) -> None:
    folder = FrameFolder.create(tmp_path, FrameSettings(15.0, (1, 1)))
    with write_frames(folder.path("rgb", "v")) as writer:
        for number in range(20):
            writer.append(np.full((1, 1, 3), number, np.uint8))
    write_json(folder.path("rgb", "v").with_suffix(".json"), {"frames": 20})
    bank = SnippetBank(tmp_path, ["v"], "rgb", Clock(15.0, 4, 4))
    moved = bank.windows(np.array([0, 1, 4]), np.array([-2, 1, 3]))[..., 0, 0, 0]
    assert moved.tolist() == [[0, 0, 0, 1], [5, 6, 7, 8], [19, 19, 19, 19]]
    assert np.array_equal(bank.windows(np.array([1])), bank.windows(np.array([1]), np.array([0])))


def test_background_moves_still_scenes_and_leaves_motion() -> None:
    x = torch.rand(6, 4, 12, 16, 3, generator=torch.Generator().manual_seed(0))
    y = change_background(x, torch.Generator().manual_seed(1), 1.0)
    still = x.mean(dim=1, keepdim=True)
    torch.testing.assert_close(y - y.mean(dim=1, keepdim=True), x - still)
    assert (y.mean(dim=1, keepdim=True) - still).abs().max() > 0.05


def test_blur_keeps_the_mean_and_takes_detail() -> None:
    x = torch.rand(4, 2, 48, 64, 3, generator=torch.Generator().manual_seed(0))
    y = blurred(x, torch.Generator().manual_seed(1), 1.0)
    torch.testing.assert_close(y.mean(), x.mean(), atol=0.01, rtol=0)
    assert (y.std(dim=(1, 2, 3, 4)) <= x.std(dim=(1, 2, 3, 4)) + 1e-6).all() and y.std() < 0.95 * x.std()
    torch.testing.assert_close(blurred(torch.ones_like(x), torch.Generator().manual_seed(1), 1.0), torch.ones_like(x))


def test_scene_changes_all_frames_of_a_window_alike() -> None:
    changes = ImageChanges(noise=0, blur=1, perspective=1, background=1)
    x = torch.rand(5, 1, 24, 32, 3, generator=torch.Generator().manual_seed(0)).expand(5, 4, 24, 32, 3)
    y = augment_rgb(x.clone(), torch.Generator().manual_seed(1), parts=changes)
    assert y.shape == x.shape and torch.isfinite(y).all()
    torch.testing.assert_close(y, y[:, :1].expand_as(y))
    assert (y - x).abs().mean() > 0.05
