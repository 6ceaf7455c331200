"""A causal model, one snippet after another: the same scores as on the whole video, with a state in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.core.probability import probabilities
from augrgb.core.timeline import Clock
from augrgb.inference.thresholds import Thresholds

if TYPE_CHECKING:  # each runs without what the other needs: torch, or onnxruntime
    from augrgb.inference.bundle import Bundle
    from augrgb.inference.export.folder import ExportedModel

States = Sequence[Any]


class Stepped(NamedTuple):
    """Scores (n, K), which of them stand for a snippet (n,) bool, and the next states."""

    scores: NDArray[np.float64]
    shown: NDArray[np.bool_]
    states: States


class StepModel:
    """A bundle or an exported model that sees a bounded time ahead, run step by step.

    Args:
        folder: A bundle, or a folder of `augrgb export`.
        device: See `Detector`.

    Raises:
        UsageFault: E-MOD-040, its filter needs the whole video; E-MOD-041, it does not read RGB frames.
        InputRefused, EnvironmentFault: As for `Detector`.
    """

    def __init__(self, folder: Path | str, device: str = "auto") -> None:
        from augrgb.inference.detector import Detector
        from augrgb.inference.export.folder import is_export

        self.detector = Detector(folder, device)
        self.look_ahead: int
        self.size: tuple[int, int]
        self.dim: int
        """Channels of the features."""
        self.receptive_field: int
        """Snippets, the newest included, that decide the newest output."""
        self._encode: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
        self._step: Callable[[NDArray[np.float32], NDArray[np.bool_], States], Stepped]
        self._start: Callable[[], States]
        model: Any = self.detector.bundle
        if is_export(folder):
            self._use_export(model)
        else:
            self._use_bundle(model)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the scores."""
        return self.detector.bundle.classes

    @property
    def clock(self) -> Clock:
        """Time base of the scores."""
        return self.detector.bundle.clock

    @property
    def checksum(self) -> str:
        """Hash of the weights."""
        return self.detector.bundle.checksum

    @property
    def thresholds(self) -> Thresholds | None:
        """Calibration and event rules, if the model has any."""
        return self.detector.bundle.thresholds

    def start(self) -> States:
        """The states before the first snippet."""
        return self._start()

    def encode(self, window: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The features (1, C) of one window (window, H, W, 3)."""
        return self._encode(window[None])

    def step(self, features: NDArray[np.float32], real: NDArray[np.bool_], states: States) -> Stepped:
        """The next n snippets; outputs come `look_ahead` snippets later than their inputs.

        Args:
            features: (n, C).
            real: (n,) False where there is no snippet.
            states: From `start`, or from the step before.
        """
        return self._step(features, real, states)

    def _use_bundle(self, bundle: Bundle) -> None:
        import torch

        from augrgb.encoders.snippet_encoder import encode_windows
        from augrgb.filters import SdTcn
        from augrgb.inference.export.graphs import StepGraph

        filter, encoder = bundle.stream.stream.filter, bundle.encoder.encoder
        look_ahead = look_ahead_of(filter)
        if not isinstance(filter, SdTcn) or look_ahead is None:
            raise not_causal(bundle.folder, bundle.stream.settings.filter)
        if encoder.modality != "rgb" or bundle.encoder.settings.size is None:
            problem = f"reads {encoder.modality}; live sources give RGB frames"
            raise UsageFault("E-MOD-041", bundle.folder, problem, "Distill it into an RGB student.")
        self.look_ahead, self.size = look_ahead, bundle.encoder.settings.size
        self.receptive_field, self.dim = (filter.reach or 0) + 1 + self.look_ahead, encoder.dim
        graph = StepGraph(bundle.stream.stream).eval()
        device = bundle.stream.stream.mean.device

        def step(features: NDArray[np.float32], real: NDArray[np.bool_], states: States) -> Stepped:
            with torch.inference_mode():
                x, there = torch.from_numpy(features).to(device), torch.from_numpy(real.astype(np.float32)).to(device)
                _, logits, shown, *after = graph(x, there, *states)
            return Stepped(probabilities(logits.float().cpu().numpy()), shown.cpu().numpy() > 0, after)

        self._encode = lambda windows: encode_windows(encoder, windows, batch=1)
        self._step, self._start = step, graph.start

    def _use_export(self, model: ExportedModel) -> None:
        settings = model.settings
        if settings.look_ahead is None:
            raise not_causal(model.folder, settings.filter)
        self.look_ahead, self.size = settings.look_ahead, settings.size
        self.receptive_field = (settings.reach or 0) + 1 + self.look_ahead
        run: Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]] = model.session("step")
        blank = np.zeros((1, self.clock.window, settings.size[1], settings.size[0], 3), np.uint8)
        self.dim = model.encode_exactly(blank).shape[1]

        def step(features: NDArray[np.float32], real: NDArray[np.bool_], states: States) -> Stepped:
            inputs = {"features": features, "real": real.astype(np.float32)}
            _, logits, shown, *after = run(inputs | {f"state_{number}": state for number, state in enumerate(states)})
            return Stepped(probabilities(logits), shown > 0, after)

        self._encode, self._step = model.encode_exactly, step
        self._start = lambda: [np.zeros(shape, np.float32) for shape in settings.states]


def look_ahead_of(filter: object) -> int | None:
    """Snippets that a temporal filter sees ahead if it can follow a live source; None if it cannot."""
    found: int | None = getattr(filter, "look_ahead_snippets", None)
    return found


def not_causal(folder: Path, filter: str) -> UsageFault:
    """The refusal of a model that needs the whole video."""
    problem = f"its temporal filter ({filter}) sees the whole video, so it cannot follow a live source"
    remedy = (
        "Write `look_ahead: 1.0` (seconds; 0 is causal) into project.yaml and run `augrgb fit --extend`; by hand, "
        "train the stream with `student: {filter: {sd_tcn: {look_ahead_snippets: 0}}}`. Its teachers may see "
        "everything."
    )
    return UsageFault("E-MOD-040", folder, problem, remedy)
