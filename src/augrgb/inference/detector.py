"""A trained model as a function: a video file, or frames, in; detections out. Runs in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.detection.pipeline import DEFAULT_MIN_SCORE, MinScore, min_scores, select_detections, smoothed
from augrgb.features.encode import iter_features, iter_frame_features
from augrgb.inference.bundle import Bundle, load_bundle
from augrgb.inference.video_detections import VideoDetections
from augrgb.streams.predict import predict_pieces
from augrgb.video.decode import DecodeReport, Partial
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo


class Detector:
    """Detects actions in videos with one bundle, in memory that does not grow with their length (but for the scores).

    Files are decoded in this process; a damaged file can crash or stall a decoder. For untrusted files
    use `GuardedDetector`.

    Args:
        folder: A bundle (see `augrgb.inference.bundle`), such as a run folder.
        device: Where networks run: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Raises:
        InputRefused, UsageFault, EnvironmentFault: See `load_bundle`.

    >>> detector = Detector("toy/model")
    >>> found = detector("toy/clips/a.mp4")
    >>> found.name, found.scores.shape
    ('a', (3, 2))
    """

    def __init__(self, folder: Path | str, device: str = "auto") -> None:
        self.bundle: Bundle = load_bundle(folder, device)

    def __call__(
        self,
        video: Path | str,
        *,
        name: str | None = None,
        min_score: MinScore | None = None,
        partial: Partial = "refuse",
        thumbnails: Thumbnails | None = None,
        opened: Callable[[VideoInfo], object] | None = None,
    ) -> VideoDetections:
        """Detect in one file, which is opened and decoded once.

        Args:
            video: A local video file.
            name: The video's id in the result; default: the file's name without its suffix.
            min_score: Drop detections whose mean class score is below this; one score, or one for each class.
                Default: the bundle's thresholds, else `DEFAULT_MIN_SCORE`.
            partial: What to do with a video that breaks off: refuse it, or keep what came before.
            thumbnails: Takes small frames from the same decoding.
            opened: Called once the first frame is decoded, before anything is computed.

        Raises:
            InputRefused: The video cannot be decoded, see `sample_frames`.
            UsageFault: E-DET-004, thresholds outside [0, 1].
        """
        video = Path(video)
        floors = self._floors(min_score)
        report = DecodeReport()
        pieces = iter_features(
            video, self.bundle.encoder, partial=partial, report=report, thumbnails=thumbnails, opened=opened
        )
        return self._detect(pieces, video.stem if name is None else name, floors, report)

    def detect_frames(
        self,
        frames: Iterable[NDArray[np.uint8]],
        fps: float,
        *,
        name: str = "frames",
        min_score: MinScore | None = None,
    ) -> VideoDetections:
        """Detect in frames that somebody else decoded.

        Args:
            frames: RGB frames (H, W, 3) uint8 in order of time; an iterator is read once, frame by frame.
            fps: Frames per second.
            name: The video's id in the result.
            min_score: See `__call__`.

        Raises:
            InputRefused: E-VID-002 (no frames), E-VID-012 (not such frames).
            UsageFault: E-CFG-003 (fps), E-DET-004 (thresholds).
        """
        if not (np.isfinite(fps) and fps > 0):
            raise UsageFault("E-CFG-003", "fps", f"must be a positive number of frames per second, got {fps}")
        floors = self._floors(min_score)
        report = DecodeReport()
        pieces = iter_frame_features(frames, fps, self.bundle.encoder, report=report)
        return self._detect(pieces, name, floors, report)

    def _floors(self, min_score: MinScore | None) -> tuple[float, ...]:
        chosen = self.bundle.thresholds if min_score is None else min_score
        return min_scores(DEFAULT_MIN_SCORE if chosen is None else chosen, self.bundle.classes)

    def _detect(
        self, pieces: Iterable[NDArray[np.float32]], name: str, floors: tuple[float, ...], report: DecodeReport
    ) -> VideoDetections:
        classes, clock = self.bundle.classes, self.bundle.clock
        raw_scores = predict_pieces(self.bundle.stream.stream, pieces)
        scores = smoothed(raw_scores, clock)
        by_class = dict(zip(classes, floors, strict=True))
        found = select_detections(scores, clock, classes, name, report.duration_s, min_score=by_class)
        return VideoDetections(
            name=name,
            duration_s=report.duration_s,
            classes=classes,
            clock=clock,
            detections=tuple(found),
            scores=scores,
            raw_scores=raw_scores,
            min_scores=floors,
            info=report.info,
            warnings=tuple(dict.fromkeys(report.warnings)),
        )
