"""A trained model as a function: a video file, or frames, in; detections out. Runs in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.detection.event_rule import EventRule, Rules, find_events, rules_by_class
from augrgb.detection.pipeline import MinScore, deciding_scores, min_scores
from augrgb.inference.video_detections import VideoDetections
from augrgb.video.decode import DecodeReport, Partial
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo

if TYPE_CHECKING:  # each runs without what the other needs: torch, or onnxruntime
    from augrgb.inference.bundle import Bundle
    from augrgb.inference.export.folder import ExportedModel


class Detector:
    """Detects actions in videos with one bundle, in memory that does not grow with their length (but for the scores).

    Files are decoded in this process; a damaged file can crash or stall a decoder. For untrusted files
    use `GuardedDetector`.

    Args:
        folder: A bundle (see `augrgb.inference.bundle`), such as a run folder; or one that `augrgb export` wrote, which
            runs without torch, on the processor.
        device: Where networks run: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Raises:
        InputRefused, UsageFault, EnvironmentFault: See `load_bundle`.

    Examples:
        >>> detector = Detector("toy/model")
        >>> found = detector("toy/clips/a.mp4")
        >>> found.name, found.scores.shape
        ('a', (3, 2))
    """

    def __init__(self, folder: Path | str, device: str = "auto") -> None:
        self.bundle: Bundle | ExportedModel = _load(Path(folder), device)

    def __call__(
        self,
        video: Path | str,
        *,
        name: str | None = None,
        min_score: MinScore | None = None,
        rules: Rules | None = None,
        partial: Partial = "refuse",
        thumbnails: Thumbnails | None = None,
        opened: Callable[[VideoInfo], object] | None = None,
    ) -> VideoDetections:
        """Detect in one file, which is opened and decoded once.

        Args:
            video: A local video file.
            name: The video's id in the result; default: the file's name without its suffix.
            min_score: Score that an event must reach, instead of the rules' `on`; one, or one for each class.
            rules: How scores become events, instead of the bundle's rules; one, or one for each class.
            partial: What to do with a video that breaks off: refuse it, or keep what came before.
            thumbnails: Takes small frames from the same decoding.
            opened: Called once the first frame is decoded, before anything is computed.

        Raises:
            InputRefused: The video cannot be decoded, see `sample_frames`.
            UsageFault: E-DET-004, thresholds outside [0, 1]; E-DET-014, rules out of range.
        """
        video = Path(video)
        chosen = self.rules(min_score, rules)
        report = DecodeReport()
        raw_scores = self.bundle.file_scores(
            video, partial=partial, report=report, thumbnails=thumbnails, opened=opened
        )
        return self._detect(raw_scores, video.stem if name is None else name, chosen, report)

    def detect_frames(
        self,
        frames: Iterable[NDArray[np.uint8]],
        fps: float,
        *,
        name: str = "frames",
        min_score: MinScore | None = None,
        rules: Rules | None = None,
    ) -> VideoDetections:
        """Detect in frames that somebody else decoded.

        Args:
            frames: RGB frames (H, W, 3) uint8 in order of time; an iterator is read once, frame by frame.
            fps: Frames per second.
            name: The video's id in the result.
            min_score: See `__call__`.
            rules: See `__call__`.

        Raises:
            InputRefused: E-VID-002 (no frames), E-VID-012 (not such frames).
            UsageFault: E-CFG-003 (fps), E-DET-004 (thresholds).
        """
        if not (np.isfinite(fps) and fps > 0):
            raise UsageFault("E-CFG-003", "fps", f"must be a positive number of frames per second, got {fps}")
        chosen = self.rules(min_score, rules)
        report = DecodeReport()
        raw_scores = self.bundle.frame_scores(frames, fps, report=report)
        return self._detect(raw_scores, name, chosen, report)

    def rules(self, min_score: MinScore | None = None, rules: Rules | None = None) -> tuple[EventRule, ...]:
        """The rule of each class: the given ones, else the bundle's, else the default; `min_score` replaces `on`.

        Raises:
            UsageFault: E-DET-004, not one for each class, or a score outside [0, 1].
        """
        own = self.bundle.thresholds.rules if self.bundle.thresholds is not None else EventRule()
        chosen = rules_by_class(own if rules is None else rules, self.bundle.classes)
        if min_score is None:
            return chosen
        floors = min_scores(min_score, self.bundle.classes)
        return tuple(rule.with_on(floor) for rule, floor in zip(chosen, floors, strict=True))

    def changed_rules(self, changes: Mapping[str, float], min_score: MinScore | None = None) -> dict[str, EventRule]:
        """The bundle's rules with some fields changed for all classes; a new `on` lowers an `off` above it.

        Raises:
            UsageFault: E-DET-014, a value out of range; see also `rules`.
        """
        changes = dict(changes)
        on = changes.pop("on", None)
        chosen = self.rules(min_score if on is None else on)
        return {label: replace(rule, **changes) for label, rule in zip(self.bundle.classes, chosen, strict=True)}

    def deciding_scores(self, raw_scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(T, K) Raw scores of the stream -> calibrated and smoothed: what event rules see."""
        known = self.bundle.thresholds
        calibrations = known.calibrations if known is not None else {}
        return deciding_scores(raw_scores, self.bundle.clock, self.bundle.classes, calibrations)

    def _detect(
        self, raw_scores: NDArray[np.float64], name: str, rules: tuple[EventRule, ...], report: DecodeReport
    ) -> VideoDetections:
        classes, clock = self.bundle.classes, self.bundle.clock
        scores = self.deciding_scores(raw_scores)
        training = self.bundle.training
        unlike = training.unlike(report) if training is not None else []
        by_class = dict(zip(classes, rules, strict=True))
        found = find_events(scores, clock, classes, name, report.duration_s, rules=by_class)
        return VideoDetections(
            name=name,
            duration_s=report.duration_s,
            classes=classes,
            clock=clock,
            detections=tuple(found),
            scores=scores,
            raw_scores=raw_scores,
            min_scores=tuple(rule.on for rule in rules),
            info=report.info,
            warnings=tuple(dict.fromkeys([*report.warnings, *unlike])),
        )


def _load(folder: Path, device: str) -> Bundle | ExportedModel:
    from augrgb.inference.export.folder import ExportedModel, is_export

    if is_export(folder):
        if device not in ("auto", "cpu"):
            problem = f"exported models run on the processor, not on {device!r}"
            raise UsageFault("E-CFG-013", folder, problem, "Leave --device out, or use the bundle itself.")
        return ExportedModel(folder)
    from augrgb.inference.bundle import load_bundle

    return load_bundle(folder, device)
