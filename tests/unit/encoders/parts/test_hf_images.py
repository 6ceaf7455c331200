"""Pictures for Hugging Face models: settings files, sizes, and equality with the published image processors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import InputRefused
from augrgb.encoders.parts.hf_images import ImageSettings, prepare_images, read_image_settings

DINO = {
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 0.00392156862745098,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
    "do_convert_rgb": True,
}
SIGLIP = {"size": {"height": 32, "width": 48}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3}
VIDEOMAE = {"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}


def smooth_frames(count: Any = 3, height: Any = 60, width: Any = 90) -> Any:
    y, x = np.mgrid[:height, :width]
    rows = [
        np.stack([127 + 90 * np.sin(x / 9 + n), 127 + 90 * np.cos(y / 7), (x * 2 + y) % 256], -1) for n in range(count)
    ]
    return np.stack(rows).astype(np.uint8)


def test_settings_of_three_kinds_of_models(tmp_path: Path) -> None:
    assert read_image_settings(tmp_path, DINO) == ImageSettings(
        224, 224, 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bicubic"
    )
    assert read_image_settings(tmp_path, SIGLIP) == ImageSettings(32, 48, None, (0.5,) * 3, (0.5,) * 3, "bicubic")
    found = read_image_settings(tmp_path, VIDEOMAE)
    assert (found.height, found.width, found.shortest, found.resample) == (32, 32, 32, "bilinear")
    plain = read_image_settings(tmp_path, {"size": 30, "do_normalize": False})
    assert plain.shortest == 30 and plain.mean == (0, 0, 0) and plain.std == (1, 1, 1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"resample": 0}, "neither 2"),
        ({"do_rescale": False}, "expected 1/255"),
        ({"rescale_factor": 1.0}, "expected 1/255"),
        ({"size": {"longest_edge": 9}}, "expected height and width"),
        ({"size": None}, "expected height and width"),
        ({"size": {"height": -1, "width": 4}}, "expected height"),
        ({"image_mean": [0.5]}, "not three numbers"),
        ({"do_center_crop": True, "crop_size": 64}, "then cuts"),
        ({"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": 64}, "too small"),
    ],
)
def test_what_is_not_done_here_is_refused(tmp_path: Path, change: Any, text: Any) -> None:
    with pytest.raises(InputRefused, match=text) as caught:
        read_image_settings(tmp_path / "p.json", {**SIGLIP, **change})
    assert caught.value.code == "E-ENC-014"
    with pytest.raises(InputRefused, match="not a mapping"):
        read_image_settings(tmp_path / "p.json", [1])


def test_pictures_by_hand() -> None:
    settings = ImageSettings(20, 30, None, (0.5, 0.0, 0.0), (0.5, 1.0, 1.0), "bilinear")
    frames = smooth_frames(2, 20, 30)
    x = prepare_images(frames[None], settings)
    assert x.shape == (1, 2, 20, 30, 3) and x.dtype == torch.float32
    expected = frames / 255.0
    expected[..., 0] = expected[..., 0] * 2 - 1
    np.testing.assert_allclose(x[0], expected, atol=1e-5)
    cut = prepare_images(frames, ImageSettings(10, 10, 20, (0.0,) * 3, (1.0,) * 3, "bilinear"))
    np.testing.assert_allclose(cut, frames[:, 5:15, 10:20] / 255.0, atol=1e-6)
    assert prepare_images(frames[:0], settings).shape == (0, 20, 30, 3)


@pytest.mark.parametrize(
    ("processor", "values"),
    [("BitImageProcessor", DINO), ("SiglipImageProcessor", SIGLIP), ("VideoMAEImageProcessor", VIDEOMAE)],
)
@pytest.mark.parametrize("shape", [(60, 90), (300, 256)])
def test_equal_to_the_published_processors(tmp_path: Path, processor: Any, values: Any, shape: Any) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra `hf` is not installed")
    pytest.importorskip("PIL", reason="the published image processors need Pillow")
    frames = smooth_frames(2, *shape)
    published = getattr(transformers, processor)(**json.loads(json.dumps(values)))
    told = {**published.to_dict(), "resample": int(published.resample)}
    settings = read_image_settings(tmp_path, told)
    expected = torch.as_tensor(np.array(published(list(frames), return_tensors="np")["pixel_values"]))
    found = prepare_images(frames, settings).permute(0, 3, 1, 2)
    # Whole numbers of 0 .. 255 after resizing, which two libraries may round to neighbours.
    step = 1 / 255 / min(settings.std)
    expected = expected.reshape(found.shape)
    assert (found - expected).abs().max() <= 2.01 * step and (found - expected).abs().mean() < 0.1 * step
