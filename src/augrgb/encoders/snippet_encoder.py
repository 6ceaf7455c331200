"""The contract of snippet encoders, and how windows go through one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import InputRefused, UsageFault

Modality = Literal["rgb", "flow", "pose", "signal", "grid"]


class SnippetEncoder(nn.Module, ABC):
    """A network that turns windows of one modality into one feature vector each.

    Constructors take keyword-only options and keep them in `options`, from which an encoder folder is rebuilt.
    Networks normalise per sample (GroupNorm), so a snippet's features depend on no other snippet.

    Attributes:
        name: What recipes call it.
        modality: Which tracks it reads.
        verified: How it is known to be what it says, for `augrgb show`.
        data_options: Options that are taken from the data, or from the weights it starts from, where a recipe leaves
            them out.
        former_options: Values of options in encoder folders that were written before these options existed.
        starts_like: Other encoders whose weights it can begin with: tensors of the same names that mean the same.
        dim: Width C of a feature vector.
        options: The constructor's arguments, plain JSON values.
        batch: Windows that go through it at once in `encode_windows`: few where a window takes much memory.
    """

    name: ClassVar[str]
    modality: ClassVar[Modality]
    verified: ClassVar[str] = "the contract of encoders only"
    data_options: ClassVar[tuple[str, ...]] = ()
    former_options: ClassVar[Mapping[str, Any]] = {}
    starts_like: ClassVar[tuple[str, ...]] = ()
    dim: int
    options: dict[str, Any]
    batch: int = 16

    @abstractmethod
    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Windows (N, window, ...) of a track to normalised floats (N, window, ...), time before channels."""

    def frames_read(self, window: int) -> Sequence[int]:
        """Which frames of a window change its features: the others need not be decoded into images. Default: all."""
        return range(window)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Prepared windows (N, window, ...) -> features (N, dim)."""

    def map_shape(self, size: tuple[int, int]) -> tuple[int, int, int] | None:
        """(channels, rows, columns) of the map of an image (width, height); None = the encoder gives no map."""
        return None

    def forward_with_map(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Prepared windows -> features (N, dim), and what is seen where in the image: (N, channels, rows, columns).

        Raises:
            UsageFault: E-ENC-017, the encoder gives no map.
        """
        raise UsageFault("E-ENC-017", self.name, "gives no map of the image", "Use small_rgb, or another loss.")


def check_windows(windows: NDArray[Any], dtype: type, shape: tuple[int | None, ...]) -> None:
    """Refuse windows that are not (N, window, *shape) of a dtype; None in `shape` fits any size.

    Raises:
        InputRefused: E-ENC-015, other windows.
    """
    fits = windows.ndim == 2 + len(shape) and all(
        want in (None, have) for want, have in zip(shape, windows.shape[2:], strict=True)
    )
    if not fits or windows.dtype != dtype:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        problem = f"are {windows.dtype} {windows.shape}, expected {np.dtype(dtype)} (N, window, {wanted})"
        raise InputRefused("E-ENC-015", "windows", problem, "Use the modality that the encoder was made for.")


def encode_windows(encoder: SnippetEncoder, windows: NDArray[Any], batch: int | None = None) -> NDArray[np.float32]:
    """Features of windows, without gradients, on the encoder's device.

    Every forward pass has exactly `batch` windows (default: the encoder's own number; the last is filled up by
    repeating), because libraries choose kernels by batch size: so a snippet's features do not depend on how many
    others are encoded with it.

    Shape: (N, window, ...) -> (N, dim) float32.
    """
    batch = batch if batch is not None else encoder.batch
    device = next(encoder.parameters()).device
    features = np.empty((len(windows), encoder.dim), np.float32)
    training = encoder.training
    encoder.eval()
    with torch.inference_mode():
        for start in range(0, len(windows), batch):
            numbers = np.minimum(np.arange(start, start + batch), len(windows) - 1)
            output = encoder(encoder.prepare(windows[numbers]).to(device)).float().cpu().numpy()
            features[start : start + batch] = output[: len(windows) - start]
    encoder.train(training)
    return features
