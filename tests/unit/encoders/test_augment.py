from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.core.files import write_json
from augrgb.core.timeline import Clock
from augrgb.encoders.augment import ImageChanges, augment, mirror
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
