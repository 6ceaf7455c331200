"""What was detected in each video: scores, events and a film strip, one folder per video in the work folder."""

from __future__ import annotations

import io
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.arrays import map_array
from augrgb.core.errors import InputRefused
from augrgb.core.files import ARRAY_DAMAGE, write_bytes
from augrgb.core.opening import read_bytes
from augrgb.core.plain_data import read_json
from augrgb.core.sealed import unsealed, write_sealed
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.event_rule import EventRule, find_events
from augrgb.inference.video_detections import VideoDetections

SCHEMA = "augrgb.server_result/1"


@dataclass(frozen=True, eq=False)
class Found:
    """What a detector gives for a video.

    Args:
        detections: Scores and events.
        rules: (K,) The rules by which events were found.
        strip: Small frames, evenly spaced, as JPEG data URIs.
        times_s: (N,) When each frame is shown, from the first one; (0,) where the frame rate is constant.
        second: (T, K) Scores of a second model, to find where the two disagree; None without one.
    """

    detections: VideoDetections
    rules: tuple[EventRule, ...]
    strip: tuple[str, ...] = ()
    times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    second: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """A stored result.

    Args:
        job: The job that made it.
        duration_s: Length of the video.
        classes: K names.
        clock: Time base of the scores.
        rules: (K,) of the model.
        events: Found with these rules.
        first_frame_s: When a player shows the first frame, from which all times count.
        warnings: What was repaired while decoding.
        scores: (T, K) float64, on the disk until they are read.
        variable_rate: Whether `Results.times` has the time of each frame.
        second: (T, K) Scores of a second model, None without one.
    """

    job: int
    duration_s: float
    classes: tuple[str, ...]
    clock: Clock
    rules: tuple[EventRule, ...]
    events: tuple[Detection, ...]
    warnings: tuple[str, ...]
    first_frame_s: float
    scores: NDArray[np.float64]
    variable_rate: bool = False
    second: NDArray[np.float64] | None = None

    def events_at(self, label: str, threshold: float) -> list[Detection]:
        """Events of one class at another threshold, by the rule by which `events` were found.

        Raises:
            InputRefused: E-SRV-004: no such class.
        """
        return self.events_by(label, self.rule_of(label).with_on(threshold))

    def rule_of(self, label: str) -> EventRule:
        """The rule of a class.

        Raises:
            InputRefused: E-SRV-004: no such class.
        """
        if label not in self.classes:
            raise InputRefused("E-SRV-004", "class", "the model has no such class", "Load the page again.")
        return self.rules[self.classes.index(label)]

    def events_by(self, label: str, rule: EventRule) -> list[Detection]:
        """Events of one class of the model by any rule."""
        column = self.classes.index(label)
        scores = np.ascontiguousarray(self.scores[:, column : column + 1])
        return find_events(scores, self.clock, [label], "video", self.duration_s, rules=rule)

    def eight_bit(self) -> bytes:
        """Scores for drawing: 0 to 255, all of the first class, then all of the second, and so on."""
        return np.ascontiguousarray(np.rint(self.scores.T * 255.0).astype(np.uint8)).tobytes()


class Results:
    """Results in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, video_id: str, job: int, found: Found) -> None:
        """Store a result; an older one stays until this one is complete."""
        folder, detections = self._folder / video_id, found.detections
        scores, second = f"scores-{job}.npy", f"second-{job}.npy"
        _write_array(folder / scores, detections.scores)
        if found.second is not None:
            _write_array(folder / second, found.second)
        values = {
            "job": job,
            "duration_s": detections.duration_s,
            "classes": list(detections.classes),
            "clock": detections.clock.to_json(),
            "rules": [asdict(rule) for rule in found.rules],
            "events": [[one.label, one.start_s, one.end_s, one.score] for one in detections.detections],
            "warnings": list(detections.warnings),
            "first_frame_s": detections.first_frame_s,
            "scores": scores,
            "strip": list(found.strip),
            "variable_rate": len(found.times_s) > 0,
            "second": found.second is not None,
        }
        if len(found.times_s):
            write_bytes(folder / f"times-{job}.f64", np.ascontiguousarray(found.times_s, "<f8").tobytes())
        write_sealed(folder / "result.json", SCHEMA, values)
        for old in [*folder.glob("*-*.npy"), *folder.glob("times-*.f64")]:
            if old.stem.partition("-")[2] != str(job):
                old.unlink(missing_ok=True)

    def read(self, video_id: str) -> Result:
        """A stored result.

        Raises:
            InputRefused: E-SRV-014: there is none yet.
        """
        values = self._values(video_id)
        try:
            scores = map_array(self._folder / video_id / str(values["scores"]), "scores file")
            other = self._folder / video_id / f"second-{values['job']}.npy"
            second = map_array(other, "scores file") if values.get("second") else None
        except ARRAY_DAMAGE as error:
            raise InputRefused("E-SRV-014", "result", "its scores cannot be read", "Detect again.") from error
        events = tuple(Detection("video", label, start, end, score) for label, start, end, score in values["events"])
        return Result(
            job=values["job"],
            duration_s=values["duration_s"],
            classes=tuple(values["classes"]),
            clock=Clock(**values["clock"]),
            rules=tuple(EventRule(**rule) for rule in values["rules"]),
            events=events,
            warnings=tuple(values["warnings"]),
            first_frame_s=values["first_frame_s"],
            scores=scores,
            variable_rate=bool(values.get("variable_rate")),
            second=second,
        )

    def times(self, video_id: str) -> bytes:
        """When each frame is shown: float64, little-endian, seconds from the first frame; empty at a constant rate."""
        values = self._values(video_id)
        path = self._folder / video_id / f"times-{values['job']}.f64"
        return read_bytes(path) if values.get("variable_rate") and path.is_file() else b""

    def stamp(self, video_id: str) -> tuple[int, int] | None:
        """Changes with the stored result, which need not be read for it; None if there is none yet."""
        try:
            state = (self._folder / video_id / "result.json").stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns

    def job(self, video_id: str) -> int | None:
        """The job that made the stored result; None if there is none."""
        path = next((self._folder / video_id).glob("scores-*.npy"), None)
        return None if path is None else int(path.stem.partition("-")[2])

    def strip(self, video_id: str) -> list[str]:
        """Small frames, evenly spaced, as JPEG data URIs."""
        return [str(frame) for frame in self._values(video_id)["strip"]]

    def remove(self, video_id: str) -> None:
        """Delete all that is stored about a video."""
        shutil.rmtree(self._folder / video_id, ignore_errors=True)

    def _values(self, video_id: str) -> dict[str, Any]:
        path = self._folder / video_id / "result.json"
        try:
            raw = read_json(path)
        except InputRefused as fault:
            raise InputRefused("E-SRV-014", "result", "nothing has been detected yet", "Detect first.") from fault
        try:
            found: dict[str, Any] = unsealed(raw, path, SCHEMA, dict, code="E-SRV-014")
        except InputRefused as fault:
            problem = "is damaged, or of another version of augrgb"
            raise InputRefused("E-SRV-014", "result", problem, "Detect again.") from fault
        return found


def _write_array(path: Path, values: NDArray[np.floating[Any]]) -> None:
    data = io.BytesIO()
    np.save(data, np.ascontiguousarray(values, np.float64), allow_pickle=False)
    write_bytes(path, data.getvalue())
