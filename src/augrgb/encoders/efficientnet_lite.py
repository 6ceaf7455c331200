"""EfficientNet-Lite on a few frames of a window: what they show, and how it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.brightness import USUAL_MEAN, USUAL_STD, Normalize, standardized
from augrgb.encoders.parts.efficientnet_net import SCALES, EfficientNetLiteNet
from augrgb.encoders.parts.frame_choice import spaced
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows

_NETWORK_MEAN, _NETWORK_STD = 127.0, 128.0  # published weights want (x - 127) / 128


class EfficientNetLite(SnippetEncoder):
    """EfficientNet-Lite, pretrained on ImageNet (`init.weights: efficientnet_lite0`), on `frames` frames of a window.

    Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, Lite models of
    the TPU model repository. Appearance is the mean of the frames' features, motion the mean absolute difference of
    those of consecutive frames; with one frame, motion is zero.

    Args:
        model: `lite0` (4.7 million parameters with its classifier), `lite1` or `lite2`.
        frames: How many frames of a window are looked at, evenly spaced.
        motion: Give motion features beside those of appearance.
        temporal_shift: Exchange an eighth of the channels with the frame before and after in every residual block
            (Lin et al., ICCV 2019). For fine-tuning: frozen ImageNet weights have not seen it.
        side: Frames are resized to side x side; default 224, 240 or 260, as the published weights were trained.
        normalize: `window` takes brightness and contrast out of every window; `none` leaves frames as they are, as
            the published weights saw them.
        fast: Use the faster reading of the network where no gradients are wanted, as in frozen layers at the beginning;
            equal within rounding.

    Shape: windows (N, window, H, W, 3) uint8 -> (N, 2560), (N, 1280) without motion.
    """

    name = "efficientnet_lite"
    modality = "rgb"
    data_options = ("normalize",)
    former_options: ClassVar[Mapping[str, Any]] = {"normalize": "none"}
    verified = (
        "features of lite0, lite1 and lite2 within 1e-4 of numbers captured from efficientnet-lite-pytorch 0.1.0 with "
        "the published weights"
    )
    batch = 4

    def __init__(
        self,
        *,
        model: Literal["lite0", "lite1", "lite2"] = "lite0",
        frames: int = 4,
        motion: bool = True,
        temporal_shift: bool = False,
        side: int | None = None,
        normalize: Normalize = "window",
        fast: bool = True,
    ) -> None:
        super().__init__()
        if frames < 1 or (side is not None and side < 32):
            problem = f"frames must be at least 1 and side at least 32 pixels, got {frames} and {side}"
            raise UsageFault("E-CFG-003", self.name, problem)
        self.frames, self.motion, self.normalize, self.fast = frames, motion, normalize, fast
        self.side = side or SCALES[model].side
        self.dim = EfficientNetLiteNet.dim * (2 if motion else 1)
        self.options = {
            "model": model,
            "frames": frames,
            "motion": motion,
            "temporal_shift": temporal_shift,
            "side": side,
            "normalize": normalize,
            "fast": fast,
        }
        self.net = EfficientNetLiteNet(SCALES[model], temporal_shift=temporal_shift)

    def frames_read(self, window: int) -> Sequence[int]:
        """Evenly spaced ones."""
        return [int(number) for number in spaced(window, self.frames)]

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Evenly spaced frames, side x side, of about zero mean and unit standard deviation."""
        check_windows(windows, np.uint8, (None, None, 3))
        x = standardized(windows[:, spaced(windows.shape[1], self.frames)], self.normalize)
        if x.shape[2:4] == (self.side, self.side) or not len(x):
            return x if len(x) else x.new_zeros(0, self.frames, self.side, self.side, 3)
        flat = x.flatten(0, 1).permute(0, 3, 1, 2)
        flat = F.interpolate(flat, size=(self.side, self.side), mode="bilinear", align_corners=False, antialias=True)
        return flat.permute(0, 2, 3, 1).view(-1, self.frames, self.side, self.side, 3)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[1]
        # Back to the network's scale here, so that augmentation of prepared windows has its usual strength.
        images = x.flatten(0, 1).permute(0, 3, 1, 2) * (USUAL_STD / _NETWORK_STD)
        images = images + (USUAL_MEAN - _NETWORK_MEAN) / _NETWORK_STD
        fast = self.fast and not torch.is_grad_enabled()
        features = self.net.fast(images, frames) if fast else self.net(images, frames, fast=self.fast)
        features = features.view(x.shape[0], frames, self.net.dim)
        appearance: Tensor = features.mean(dim=1)
        if not self.motion:
            return appearance
        change = features.diff(dim=1).abs().mean(dim=1) if frames > 1 else torch.zeros_like(appearance)
        return torch.cat([appearance, change], dim=1)
