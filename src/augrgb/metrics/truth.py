"""Truth and scores as people hold them (datasets, events, label arrays, tensors), brought into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection, Event, VideoRecord
from augrgb.metrics.evaluation import VideoScores

VideoEvents = Sequence[Event | tuple[str | int, float, float]]
"""Events of one video: `Event`s or `(label, start_s, end_s)`."""

AnyTruth = Dataset | Mapping[str, VideoEvents | NDArray[Any]]
"""A dataset, or video id -> events, or video id -> label array (T, K)."""

AnyScores = Mapping[str, VideoScores | NDArray[Any]]
"""Video id -> scores (T, K) in [0, 1], as arrays or tensors."""

AnyDetections = Sequence[Detection] | Mapping[str, Sequence[tuple[str | int, float, float, float]]]
"""Detections, or video id -> `(label, start_s, end_s, score)`s."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Truth as a dataset.

    Args:
        dataset: Classes, videos and events.
        labels: Label arrays, video id -> (T, K) bool; empty where labels follow from events.
        guessed: Whether durations are unknown, and stand in the dataset as the end of the last event.
    """

    dataset: Dataset
    labels: Mapping[str, NDArray[np.bool_]]
    guessed: bool = False


def as_array(values: Any) -> NDArray[Any]:
    """A NumPy array of what may be a tensor."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def read_truth(
    given: AnyTruth, *, classes: Sequence[str] | None = None, durations: Mapping[str, float] | None = None
) -> Truth:
    """Bring truth into one form.

    Args:
        given: See `AnyTruth`. Arrays (not lists) are labels, one row per snippet.
        classes: Names in the order of columns. Default: of events, the labels in sorted order; of arrays, the numbers
            of their columns. Integer labels are column numbers.
        durations: Seconds per video.

    Raises:
        InputRefused: E-MET-001 arrays of different widths; E-MET-008 no video.
        UsageFault: E-MET-015, `classes` or `durations` beside a dataset, or events and arrays mixed.
    """
    if isinstance(given, Dataset):
        if classes is not None or durations is not None:
            raise UsageFault("E-MET-015", "truth", "a dataset has classes and durations already", "Leave them out.")
        return Truth(given, {})
    if not given:
        raise InputRefused("E-MET-008", "truth", "no videos to evaluate")
    arrays = {video: not isinstance(value, list | tuple) for video, value in given.items()}
    if len(set(arrays.values())) > 1:
        raise UsageFault("E-MET-015", "truth", "some videos have events, others label arrays", "Use one form.")
    return _of_labels(given, classes) if all(arrays.values()) else _of_events(given, classes, durations or {})


def read_scores(given: AnyScores, truth: Truth, clock: Clock | None) -> dict[str, VideoScores]:
    """Scores with their times.

    Raises:
        UsageFault: E-MET-014, nothing says where in the video the snippets lie.
        InputRefused: E-MET-001, labels of another number of snippets; E-FEA-004, the clock does not fit a duration.
    """
    found = {}
    for video, values in given.items():
        if isinstance(values, VideoScores):
            found[video] = values
            continue
        array = as_array(values)
        array = array if array.dtype.kind == "f" else array.astype(np.float32)
        if truth.labels:
            own = clock or Clock(fps=1, window=1, stride=1)  # only row numbers matter
        elif clock is None and truth.guessed:
            remedy = "Pass clock=augrgb.Clock(fps, window, stride), or durations={video: seconds}."
            raise UsageFault("E-MET-014", video, "nothing says when its snippets are", remedy)
        elif truth.guessed or video not in truth.dataset.videos or array.ndim != 2 or not len(array):
            own = clock or Clock(fps=1, window=1, stride=1)  # refused later if it is wrong
        else:
            own = fitting_clock(video, len(array), truth.dataset.videos[video].known_duration_s, clock)
        found[video] = VideoScores(array, own)
        labels = truth.labels.get(video)
        if labels is not None and len(labels) != len(array):
            problem = f"{len(array)} rows of scores, {len(labels)} of labels"
            raise InputRefused("E-MET-001", video, problem, "Give both on the same snippets.")
    return found


def with_durations(truth: Truth, scores: Mapping[str, VideoScores]) -> Truth:
    """Unknown durations taken from the end of a video's last snippet (or event, if that is later)."""
    if not truth.guessed:
        return truth
    videos = {}
    for name, record in truth.dataset.videos.items():
        end_s = record.known_duration_s
        if name in scores and len(scores[name].values):
            clock = scores[name].clock
            end_s = max(end_s, float(clock.starts_s(len(scores[name].values))[-1]) + clock.window_s)
        videos[name] = VideoRecord(name, end_s, events=record.events)
    return Truth(Dataset(truth.dataset.name, truth.dataset.classes, videos), truth.labels, guessed=True)


def read_detections(given: AnyDetections, classes: Sequence[str]) -> tuple[list[Detection], set[str]]:
    """Detections, and the videos that were looked at as far as the form says so."""
    if not isinstance(given, Mapping):
        return list(given), set()
    found = [
        Detection(video, _name(label, classes), float(start_s), float(end_s), float(score))
        for video, own in given.items()
        for label, start_s, end_s, score in own
    ]
    return found, set(given)


def fitting_clock(video: str, count: int, duration_s: float, clock: Clock | None) -> Clock:
    """The clock of a video's scores; None = `count` snippets spread evenly over the video.

    Raises:
        InputRefused: E-FEA-004, on the given clock the snippets end elsewhere than the video.
    """
    if clock is None:
        return Clock(fps=count / duration_s, window=1, stride=1)
    end_s = float(clock.starts_s(count)[-1]) + clock.window_s
    if abs(end_s - duration_s) > clock.stride_s + clock.window_s + 1e-6:
        problem = f"{count} snippets on {clock} end at {end_s:.2f} s, but the video lasts {duration_s:.2f} s"
        remedy = "Give the clock of these scores, or none: they are then spread evenly over the video."
        raise InputRefused("E-FEA-004", video, problem, remedy)
    return clock


def _of_labels(given: Mapping[str, Any], classes: Sequence[str] | None) -> Truth:
    labels = {video: as_array(values) != 0 for video, values in given.items()}
    width = len(classes) if classes is not None else next(iter(labels.values())).shape[-1]
    for video, values in labels.items():
        if values.ndim != 2 or values.shape[1] != width or not len(values):
            problem = f"labels have shape {values.shape}, expected (T, {width}) with T > 0"
            raise InputRefused("E-MET-001", video, problem)
    names = tuple(classes) if classes is not None else tuple(map(str, range(width)))
    # Protocols on label arrays look at no events and no durations.
    videos = {video: VideoRecord(video, float(len(values)), events=()) for video, values in labels.items()}
    return Truth(Dataset("truth", names, videos), labels)


def _of_events(given: Mapping[str, Any], classes: Sequence[str] | None, durations: Mapping[str, float]) -> Truth:
    rows = {
        video: [(e.label, e.start_s, e.end_s) if isinstance(e, Event) else tuple(e) for e in events]
        for video, events in given.items()
    }
    labels = {label for own in rows.values() for label, _, _ in own}
    if classes is not None:
        names = tuple(classes)
    elif all(isinstance(label, int) for label in labels):
        names = tuple(map(str, range(max(labels, default=-1) + 1)))
    else:
        names = tuple(sorted(map(str, labels)))
    videos = {}
    for video, own in rows.items():
        events = tuple(Event(_name(label, names), float(start_s), float(end_s)) for label, start_s, end_s in own)
        last_s = max((event.end_s for event in events), default=0.0)
        videos[video] = VideoRecord(video, float(durations.get(video, max(last_s, 1e-3))), events=events)
    return Truth(Dataset("truth", names, videos), {}, guessed=bool(set(given) - set(durations)))


def _name(label: str | int, classes: Sequence[str]) -> str:
    if isinstance(label, str):
        return label
    if not 0 <= label < len(classes):
        problem = f"label {label} is not a column, there are {len(classes)} classes"
        raise InputRefused("E-MET-004", "truth", problem, "Pass classes=, or names as labels.")
    return classes[label]
