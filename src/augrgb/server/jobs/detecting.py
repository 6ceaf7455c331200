"""Looking at videos and detecting in them, in child processes that may take only so much (see `parallel.child`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from augrgb.core.errors import AugrgbError
from augrgb.inference.supervisor import GuardedDetector, allow_time_for
from augrgb.parallel.child import Child, ChildJob, report_progress
from augrgb.parallel.limits import ChildLimits
from augrgb.server.jobs.results import Found
from augrgb.server.jobs.second_opinion import second_opinion_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from augrgb.inference.detector import Detector
    from augrgb.inference.video_detections import VideoDetections
    from augrgb.video.video_info import VideoInfo

_log = logging.getLogger(__name__)
STRIP_FRAMES = 40
STILL_HEIGHT = 480
_PROBE_S = 60.0
_PROBE_BYTES = 3 * 2**30


class Detecting(Protocol):
    """What the worker needs of a detector."""

    def __call__(self, path: Path, on_progress: Callable[[float], object]) -> Found:
        """Detect in one file."""
        ...

    def use(self, model: Path) -> None:
        """Detect with another bundle from the next file on."""
        ...

    def stop(self) -> None:
        """End the process; the next call starts another one."""
        ...


class DetectorProcess:
    """A model in a child process that is started with the first video and kept.

    Args:
        model: A bundle.
        device: Where networks run.
        second_opinion: Whether a second model of the same fit detects too, see `second_opinion_of`.
    """

    def __init__(self, model: Path, device: str, *, second_opinion: bool = False) -> None:
        self._model, self._device, self._second_opinion = model, device, second_opinion
        self._detector: GuardedDetector | None = None
        self._loaded = model

    def __call__(self, path: Path, on_progress: Callable[[float], object]) -> Found:
        """See `Detecting`.

        Raises:
            AugrgbError: The video or the model cannot be used.
        """
        if self._loaded != self._model:
            self.stop()
        if self._detector is None:
            self._loaded = self._model
            self._detector = GuardedDetector(self._loaded, self._device)
            self._detector.check()
        second = second_opinion_of(self._loaded) if self._second_opinion else None
        return self._detector.run(path, _find, _Order(path, second, self._device), on_progress=on_progress)

    def use(self, model: Path) -> None:
        """See `Detecting`."""
        self._model = model

    def stop(self) -> None:
        """See `Detecting`."""
        detector, self._detector = self._detector, None
        if detector is not None:
            detector.__exit__(None, None, None)


class Prober:
    """Looks at headers and single frames of files in one limited child process, one file at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child[_Look, Any] | None = None

    def __call__(self, path: Path) -> dict[str, Any]:
        """What a file says about itself.

        Raises:
            AugrgbError: It is no video that can be decoded.
        """
        return dict(self._ask(_Look(path)))

    def still(self, path: Path, time_s: float) -> bytes:
        """The frame that a video shows at a time, as a JPEG.

        Raises:
            AugrgbError: It cannot be decoded there.
        """
        return bytes(self._ask(_Look(path, time_s)))

    def _ask(self, wanted: _Look) -> Any:
        with self._lock:
            if self._child is None:
                self._child = Child(_look, limits=ChildLimits(_PROBE_BYTES))
            outcome = self._child.call(ChildJob(str(wanted.path), wanted, _PROBE_S))
        if isinstance(outcome, AugrgbError):
            raise outcome
        return outcome

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.__exit__()


@dataclass(frozen=True, slots=True)
class _Look:
    path: Path
    time_s: float | None = None


def _look(wanted: _Look) -> dict[str, Any] | bytes:
    if wanted.time_s is not None:
        from augrgb.report.film_strip import jpeg
        from augrgb.video.still import still_at

        return jpeg(still_at(wanted.path, wanted.time_s), STILL_HEIGHT, 80)
    from augrgb.video.packet_times import measured
    from augrgb.video.probe import probe

    info, _ = measured(probe(wanted.path))
    return {
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "duration_s": info.duration_s,
        "codec": info.codec,
        "container": info.container,
        "has_audio": info.has_audio,
    }


@dataclass(frozen=True, slots=True)
class _Order:
    path: Path
    second: Path | None
    device: str


def _find(detector: Detector, order: _Order) -> Found:
    """In the child: detect, with a film strip from the same decoding; its frames also tell how far it is."""
    from augrgb.report.film_strip import film_strip
    from augrgb.video.frame_times import irregular_times_s
    from augrgb.video.thumbnails import Thumbnails

    class CountedStrip(Thumbnails):
        taken = 0

        def take(self, frame: Any) -> None:
            super().take(frame)
            self.taken += 1
            report_progress(min(self.taken, STRIP_FRAMES), STRIP_FRAMES + 1)

    strip = CountedStrip(STRIP_FRAMES)
    path, fps = order.path, 0.0

    def opened(info: VideoInfo) -> None:
        nonlocal fps
        fps = info.fps
        allow_time_for(info)

    found = detector(path, name="video", thumbnails=strip, opened=opened)
    times_s = irregular_times_s(path, fps)
    second = None if order.second is None else _second_scores(order.second, order.device, path, found)
    return Found(found, detector.rules(), tuple(film_strip(strip.frames(found.duration_s))), times_s, second)


_second_detectors: dict[Path, Detector] = {}
"""In the child: the second model, loaded with the first video."""


def _second_scores(model: Path, device: str, path: Path, first: VideoDetections) -> NDArray[np.float64] | None:
    """Scores of another model; None if it cannot be compared with the first."""
    from augrgb.inference.detector import Detector

    try:
        if model not in _second_detectors:
            _second_detectors.clear()
            _second_detectors[model] = Detector(model, device)
        found = _second_detectors[model](path, name="video", opened=allow_time_for)
    except AugrgbError as fault:
        _log.warning("no second opinion: %s", fault)
        return None
    alike = found.classes == first.classes and found.clock == first.clock and found.scores.shape == first.scores.shape
    return found.scores if alike else None
