"""The part of an image that counts: a crop of it, without masked areas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.video.decode import FrameTarget, sample_frames, sample_given_frames
from augrgb.video.view import View, view_of
from support.video_samples import write_video


def quarters() -> np.ndarray:
    """Red, green / blue, white, 96x64."""
    image = np.zeros((64, 96, 3), np.uint8)
    image[:32, :48, 0] = image[:32, 48:, 1] = image[32:, :48, 2] = 255
    image[32:, 48:] = 255
    return image


@pytest.mark.parametrize(
    ("crop", "color"),
    [("0,0,0.5,0.5", (255, 0, 0)), ("0.5,0,0.5,0.5", (0, 255, 0)), ("0.5,0.5,0.5,0.5", (255, 255, 255))],
)
def test_a_crop_is_that_part_in_the_wanted_size(crop: str, color: tuple[int, int, int]) -> None:
    target = FrameTarget((24, 16), view=view_of(crop))
    ((image,),) = sample_given_frames([quarters()], 1.0, 1.0, (target,))
    assert image.shape == (16, 24, 3) and np.abs(image[3:-3, 3:-3].astype(int) - color).max() < 12


def test_a_crop_of_a_file_is_the_cropped_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.integers(0, 255, (5, 8, 12, 3), dtype=np.uint8), 8, axis=1).repeat(8, axis=2)
    path = write_video(tmp_path / "v.mp4", frames, fps=5)
    whole = [image for (image,) in sample_frames(path, 5.0, (FrameTarget((96, 64)),))]
    parts = [image for (image,) in sample_frames(path, 5.0, (FrameTarget((48, 32), view=view_of("0.25,0.5,0.5,0.5")),))]
    assert len(parts) == 5
    for part, image in zip(parts, whole, strict=True):
        assert np.abs(part.astype(int) - image[32:64, 24:72]).max() <= 2


def test_what_is_masked_changes_nothing() -> None:
    view = view_of("0,0,0.5,1", ["0,0 0.25,0 0.25,1 0,1"])
    rng, first = np.random.default_rng(0), quarters()
    second = first.copy()
    second[:, :20] = rng.integers(0, 255, (64, 20, 3))
    ((one,),) = sample_given_frames([first], 1.0, 1.0, (FrameTarget((48, 64), view=view),))
    ((two,),) = sample_given_frames([second], 1.0, 1.0, (FrameTarget((48, 64), view=view),))
    assert np.array_equal(one, two) and (one[:, :23] == 127).all() and not (one[:, 26:] == 127).any()


def test_gray_frames_for_flow_are_cropped_too() -> None:
    ((image,),) = sample_given_frames(
        [quarters()], 1.0, 1.0, (FrameTarget((24, 16), "gray", view=view_of("0.5,0.5,0.5,0.5")),)
    )
    assert image.shape == (16, 24) and image[4:-4, 4:-4].min() > 240


@pytest.mark.parametrize(
    ("crop", "masks"),
    [("0,0,1", []), ("0,0,1.2,1", []), ("0,0,0,1", []), ("a,b,c,d", []), ("nan,0,1,1", []), (None, ["0,0 1,1"]),
     (None, ["0,0 1,1 2,0"]), (None, ["0 1 1"])],
)  # fmt: skip
def test_no_part_of_an_image_is_refused(crop: str | None, masks: list[str]) -> None:
    with pytest.raises(UsageFault, match="E-CFG-046"):
        view_of(crop, masks)
    assert View().whole and not view_of("0,0,0.5,1").whole
