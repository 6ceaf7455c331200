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
from augrgb.encoders.parts.inverse_search import inverse_search
from augrgb.encoders.parts.local_flow import local_flow
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows

Sees = Literal["both", "differences", "motion", "motion_and_differences", "apart"]
FlowLayer = Literal["inverse_search", "lucas_kanade"]
_CHANNELS = {"both": 6, "differences": 3, "motion": 2, "motion_and_differences": 5}
_SEE_MOTION = ("motion", "motion_and_differences", "apart")


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
            `motion`: optical flow, computed by the network itself; `motion_and_differences`; or all of it by two
            networks, `apart`: one sees still frames, one motion and differences, and half of the features are of each.
        flow_layer: How it computes flow: by `inverse_search` (`parts.inverse_search`) between all frames, averaged over
            `frame_step` of them as `small_flow` does, whose weights `sees: motion` may therefore start from; or by
            `lucas_kanade` (`parts.local_flow`) between the frames looked at, as in encoders saved before there was a
            choice.
        hide_scene: With `apart`, the probability in training that the half of still frames is hidden from a sample.

    Shape: windows (N, window, H, W, 3) uint8 -> (N, dim).
    """

    name = "small_rgb"
    modality = "rgb"
    data_options = ("normalize", "sees", "flow_layer")
    former_options: ClassVar[Mapping[str, Any]] = {"normalize": "none", "flow_layer": "lucas_kanade"}
    starts_like = ("small_flow",)  # with `sees: motion`
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
        flow_layer: FlowLayer = "inverse_search",
        hide_scene: float = 0.5,
    ) -> None:
        super().__init__()
        if not 0 <= hide_scene < 1 or (sees == "apart" and dim % 2):
            problem = f"hide_scene must be in [0, 1), and dim even with sees=apart; got {hide_scene} and {dim}"
            raise UsageFault("E-CFG-003", self.name, problem)
        self.dim, self.frame_step, self.normalize = dim, frame_step, normalize
        self.sees, self.flow_layer = sees, flow_layer
        self.options = {
            "dim": dim,
            "width": width,
            "grid": list(grid),
            "frame_step": frame_step,
            "dropout": dropout,
            "normalize": normalize,
            "sees": sees,
            "flow_layer": flow_layer,
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
        """Every `frame_step`-th; all where motion is searched for."""
        return range(0, window, self._step)

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """uint8 to about -1.8 .. 2.2."""
        check_windows(windows, np.uint8, (None, None, 3))
        return standardized(windows[:, :: self._step], self.normalize)

    def forward(self, x: Tensor) -> Tensor:
        if self.sees == "apart":
            return self._beside_still(x, self.motion(self._seen(x)))
        return self.net(self._seen(x))  # type: ignore[no-any-return]

    def map_shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """An eighth of the image's rows and columns; with `apart`, of the network that sees motion."""
        return (self.motion if self.sees == "apart" else self.net).map_shape(size)

    def forward_with_map(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features, and the map of the third layer."""
        if self.sees == "apart":
            moving, places = self.motion.with_map(self._seen(x))
            return self._beside_still(x, moving), places
        return self.net.with_map(self._seen(x))

    def _beside_still(self, x: Tensor, moving: Tensor) -> Tensor:
        """The features of the middle frame, hidden at random in training, before those of motion."""
        middle = x[:, x.shape[1] // 2].unsqueeze(1).expand(-1, 2, -1, -1, -1)  # two: it averages over both halves
        return torch.cat([self.scene(middle) * self.hidden(x.new_ones(x.shape[0], 1)), moving], dim=1)

    @property
    def _step(self) -> int:
        """Every which frame of a window is prepared."""
        searches = self.sees in _SEE_MOTION and self.flow_layer == "inverse_search"
        return 1 if searches else self.frame_step

    def _seen(self, x: Tensor) -> Tensor:
        """The input of the network, of `apart` that of motion, from prepared frames (N, frames, H, W, 3)."""
        if self.sees not in _SEE_MOTION:
            return _differences(x) if self.sees == "differences" else torch.cat([x, _differences(x)], dim=-1)
        if self.flow_layer == "inverse_search":
            step = min(self.frame_step, x.shape[1])
            whole = x.shape[1] // step * step
            flow = inverse_search(x)[:, :whole]
            flow, x = flow.reshape(x.shape[0], whole // step, step, *flow.shape[2:]).mean(dim=2), x[:, :whole:step]
        else:
            flow = local_flow(x)
        return flow if self.sees == "motion" else torch.cat([flow, _differences(x)], dim=-1)


def _differences(x: Tensor) -> Tensor:
    return (x - x.mean(dim=1, keepdim=True)) * 4
