"""A detector in a child process, for untrusted files: one that crashes or hangs a decoder takes only itself with it.

This process loads neither torch nor a decoder nor the model. The child is kept for all files and started again when it
dies; it may take so much memory, and so much time for each file as the file's declared duration allows.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from augrgb.core.errors import AugrgbError
from augrgb.parallel.child import Child, ChildJob, allow_more_time
from augrgb.parallel.limits import ChildLimits

if TYPE_CHECKING:
    from augrgb.detection.pipeline import MinScore
    from augrgb.inference.detector import Detector
    from augrgb.inference.video_detections import VideoDetections
    from augrgb.video.decode import Partial
    from augrgb.video.video_info import VideoInfo

Argument = TypeVar("Argument")
Result = TypeVar("Result")
OPEN_S = 120.0
"""Time for loading the model, or for opening a file and decoding its first frame."""
SECONDS_PER_SECOND = 10.0
"""Time that a second of video may take beyond that."""
UNKNOWN_DURATION_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Call:
    folder: Path
    device: str
    function: Callable[[Detector, Any], Any] | None = None
    argument: Any = None


@dataclass(frozen=True, slots=True)
class _Detect:
    video: Path
    name: str | None
    min_score: MinScore | None
    partial: Partial


class GuardedDetector:
    """A `Detector` in a child process; a context manager.

    It spawns a process, so a script that uses it needs the usual `if __name__ == "__main__":`.

    Args:
        folder: A bundle.
        device: See `Detector`.
        limits: What the child may take.
    """

    def __init__(self, folder: Path | str, device: str = "auto", *, limits: ChildLimits | None = None) -> None:
        self._folder, self._device = Path(folder), device
        loading = functools.partial(_serve, _Call(self._folder, device))
        self._child: Child[_Call, Any] = Child(_serve, limits=limits or ChildLimits(), warm_up=loading)

    def __enter__(self) -> GuardedDetector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, error, trace)

    def check(self) -> None:
        """Wait until the model is loaded.

        Raises:
            AugrgbError: It cannot be used; see `load_bundle`.
        """
        self._answer(self._folder, _Call(self._folder, self._device), OPEN_S)

    def __call__(
        self,
        video: Path | str,
        *,
        name: str | None = None,
        min_score: MinScore | None = None,
        partial: Partial = "refuse",
    ) -> VideoDetections:
        """Detect in one file; arguments and errors of `Detector`.

        Raises:
            InputRefused: E-JOB-..., the file kills its process, takes too long or too much memory.
            AugrgbError: The model cannot be used.
        """
        return self.run(video, _detect, _Detect(Path(video), name, min_score, partial))

    def run(
        self,
        video: Path | str,
        function: Callable[[Detector, Argument], Result],
        argument: Argument,
        *,
        timeout_s: float = OPEN_S,
        on_progress: Callable[[float], object] | None = None,
    ) -> Result:
        """Call a function with the detector and an argument in the child.

        Args:
            video: The file that it is about, for messages.
            function: Picklable by name. It may pass `allow_time_for` as the detector's `opened`.
            argument: Picklable, like the result.
            timeout_s: Seconds that it may take, besides those it allows itself.
            on_progress: Called with the fraction done that the function reports (`report_progress`).

        Raises:
            AugrgbError: See `__call__`.
        """
        result: Result = self._answer(
            video, _Call(self._folder, self._device, function, argument), timeout_s, on_progress
        )
        return result

    def _answer(
        self,
        where: Path | str,
        call: _Call,
        timeout_s: float,
        on_progress: Callable[[float], object] | None = None,
    ) -> Any:
        outcome = self._child.call(ChildJob(str(where), call, timeout_s), on_progress=on_progress)
        if isinstance(outcome, AugrgbError):
            raise outcome
        return outcome


def allow_time_for(info: VideoInfo) -> None:
    """In the child: let the parent wait for as long as a video may take whose packets last as long as these."""
    from augrgb.video.packet_times import measured

    with contextlib.suppress(AugrgbError):  # decoding says what is wrong
        info, _ = measured(info)
    allow_more_time(time_for(info.duration_s))


def time_for(duration_s: float) -> float:
    """Seconds that a video of this duration may take; 0 = unknown."""
    return SECONDS_PER_SECOND * (duration_s or UNKNOWN_DURATION_S)


def _serve(call: _Call) -> Any:
    """What the child does; the model is loaded once in each process."""
    detector = _detector(call.folder, call.device)
    return None if call.function is None else call.function(detector, call.argument)


@functools.lru_cache(maxsize=1)
def _detector(folder: Path, device: str) -> Detector:
    from augrgb.inference.detector import Detector

    return Detector(folder, device)


def _detect(detector: Detector, wanted: _Detect) -> VideoDetections:
    return detector(
        wanted.video, name=wanted.name, min_score=wanted.min_score, partial=wanted.partial, opened=allow_time_for
    )
