"""A small RGB encoder that trains on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.encoders.parts.brightness import Normalize, standardized
from augrgb.encoders.parts.conv_net import SnippetConvNet
from augrgb.encoders.parts.local_flow import local_flow
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows

Sees = Literal["both", "differences", "motion", "motion_and_differences", "apart"]
_CHANNELS = {"both": 6, "differences": 3, "motion": 2, "motion_and_differences": 5}


class SmallRGB(SnippetEncoder):
    """Small 3D convolutional network on RGB windows.

    Each frame's difference to the mean of its window is given beside the frame: cameras stand still, and a small
    network that must find the moving figure in a cluttered room by itself learns next to nothing from few videos.

    Args:
        dim: Feature width.
        width: Channels of the first layer.
        grid: Rows and columns of the last spatial average.
        frame_step: Every which frame of the window is looked at; 2 costs half and measured as good.
        dropout: Before the last linear layer.
        normalize: `window` takes brightness and contrast out of every window, for light that changes and for videos
            filmed in the dark; `none` leaves frames as they are, as in encoders saved before there was a choice.
        sees: `both`; the `differences` alone, so that the scene behind who moves cannot be learned by heart; the
            `motion`: optical flow between the frames looked at, computed by the network itself (`parts.local_flow`);
            `motion_and_differences`; or all of it by two networks, `apart`: one sees still frames, one motion and
            differences, and half of the features are of each.
        hide_scene: With `apart`, the probability in training that the half of still frames is hidden from a sample.

    Shape: windows (N, window, H, W, 3) uint8 -> (N, dim).
    """

    name = "small_rgb"
    modality = "rgb"
    data_options = ("normalize", "sees")
    former_options: ClassVar[Mapping[str, Any]] = {"normalize": "none"}
    verified = "properties and the contract of encoders; the demo trains it from nothing"

    def __init__(
        self,
        *,
        dim: int = 128,
        width: int = 16,
        grid: tuple[int, int] = (3, 4),
        frame_step: int = 2,
        dropout: float = 0.0,
        normalize: Normalize = "window",
        sees: Sees = "both",
        hide_scene: float = 0.5,
    ) -> None:
        super().__init__()
        if not 0 <= hide_scene < 1 or (sees == "apart" and dim % 2):
            problem = f"hide_scene must be in [0, 1), and dim even with sees=apart; got {hide_scene} and {dim}"
            raise UsageFault("E-CFG-003", self.name, problem)
        self.dim, self.frame_step, self.normalize, self.sees = dim, frame_step, normalize, sees
        self.options = {
            "dim": dim,
            "width": width,
            "grid": list(grid),
            "frame_step": frame_step,
            "dropout": dropout,
            "normalize": normalize,
            "sees": sees,
        }
        place = (grid[0], grid[1])
        if sees != "apart":
            self.net = SnippetConvNet(_CHANNELS[sees], dim, width, place, dropout)
            return
        self.options["hide_scene"] = hide_scene
        self.scene = SnippetConvNet(3, dim // 2, max(4, width * 5 // 8), place, dropout)
        self.motion = SnippetConvNet(_CHANNELS["motion_and_differences"], dim // 2, width, place, dropout)
        self.hidden = ShardedDropout(hide_scene)

    def frames_read(self, window: int) -> Sequence[int]:
        """Every `frame_step`-th."""
        return range(0, window, self.frame_step)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """uint8 to about -1.8 .. 2.2."""
        check_windows(windows, np.uint8, (None, None, 3))
        return standardized(windows[:, :: self.frame_step], self.normalize)

    def forward(self, x: Tensor) -> Tensor:
        if self.sees == "apart":
            return self._beside_still(x, self.motion(_seen(x, "motion_and_differences")))
        return self.net(_seen(x, self.sees))  # type: ignore[no-any-return]

    def map_shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """An eighth of the image's rows and columns; with `apart`, of the network that sees motion."""
        return (self.motion if self.sees == "apart" else self.net).map_shape(size)

    def forward_with_map(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features, and the map of the third layer."""
        if self.sees == "apart":
            moving, places = self.motion.with_map(_seen(x, "motion_and_differences"))
            return self._beside_still(x, moving), places
        return self.net.with_map(_seen(x, self.sees))

    def _beside_still(self, x: Tensor, moving: Tensor) -> Tensor:
        """The features of the middle frame, hidden at random in training, before those of motion."""
        middle = x[:, x.shape[1] // 2].unsqueeze(1).expand(-1, 2, -1, -1, -1)  # two: it averages over both halves
        return torch.cat([self.scene(middle) * self.hidden(x.new_ones(len(x), 1)), moving], dim=1)


def _seen(x: Tensor, sees: Sees) -> Tensor:
    """The input of a network from prepared frames (N, frames, H, W, 3)."""
    parts = {
        "raw": lambda: x,
        "differences": lambda: (x - x.mean(dim=1, keepdim=True)) * 4,
        "motion": lambda: local_flow(x),
    }
    wanted = {"both": ("raw", "differences"), "motion_and_differences": ("motion", "differences")}.get(sees, (sees,))
    return torch.cat([parts[name]() for name in wanted], dim=-1)
