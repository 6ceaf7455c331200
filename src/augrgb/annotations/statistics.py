"""Statistics of annotations: classes, durations, classes at the same time, splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.splits import splits_of


@dataclass(frozen=True)
class ClassStats:
    """One class: videos with it, events, seconds, and the median and longest event in seconds."""

    name: str
    videos: int
    events: int
    total_s: float
    median_s: float
    longest_s: float


@dataclass(frozen=True)
class DataStats:
    """Statistics of a set of annotations.

    Args:
        together_s: (K, K) seconds during which an event of class i and one of class j both happen; diagonal: seconds
            with the class itself.
        action_s: Seconds with at least one event.
        overlap_share: Part of `action_s` with at least two events.
        labelled_share: Part of the videos' time with at least one event, None if durations are not known.
        split_sizes: split -> role -> (videos, events).
    """

    videos: int
    annotated: int
    empty: int
    events: int
    ignored: int
    video_s: tuple[float, ...]
    event_s: tuple[float, ...]
    classes: tuple[ClassStats, ...]
    together_s: NDArray[np.float64]
    action_s: float
    overlap_share: float
    labelled_share: float | None
    split_sizes: Mapping[str, Mapping[str, tuple[int, int]]]


def data_stats(annotations: AnnotationSet) -> DataStats:
    """Compute the statistics of repaired annotations (`repair.repair`)."""
    number = {name: index for index, name in enumerate(annotations.classes)}
    together = np.zeros((len(number), len(number)))
    lengths: list[list[float]] = [[] for _ in number]
    with_class = np.zeros(len(number), int)
    action_s = overlap_s = 0.0
    for video in annotations.videos.values():
        if not video.events:
            continue
        labels = np.array([number[event.label] for event in video.events])
        spans = np.array([(event.start_s, event.end_s) for event in video.events])
        for label, (start, end) in zip(labels, spans, strict=True):
            lengths[label].append(float(end - start))
        present, local = np.unique(labels, return_inverse=True)
        masks, widths = _pieces(local, spans, len(present))
        together[np.ix_(present, present)] += masks.T @ (masks * widths[:, None])
        depth = ((spans[:, :1] <= _starts(spans)) & (_starts(spans) < spans[:, 1:])).sum(0)
        with_class[present] += 1
        action_s += float(widths[depth >= 1].sum())
        overlap_s += float(widths[depth >= 2].sum())
    durations = [v.duration_s for v in annotations.videos.values() if v.duration_s is not None]
    labelled = [v.duration_s for v in annotations.videos.values() if v.events is not None]
    known = [duration for duration in labelled if duration is not None]
    return DataStats(
        videos=len(annotations.videos),
        annotated=len(labelled),
        empty=sum(video.events == () for video in annotations.videos.values()),
        events=sum(map(len, lengths)),
        ignored=sum(len(video.ignored) for video in annotations.videos.values()),
        video_s=tuple(durations),
        event_s=tuple(length for found in lengths for length in found),
        classes=tuple(
            ClassStats(
                name=name,
                videos=int(with_class[index]),
                events=len(lengths[index]),
                total_s=float(sum(lengths[index])),
                median_s=float(np.median(lengths[index])) if lengths[index] else 0.0,
                longest_s=max(lengths[index], default=0.0),
            )
            for name, index in number.items()
        ),
        together_s=together,
        action_s=action_s,
        overlap_share=overlap_s / action_s if action_s else 0.0,
        labelled_share=action_s / sum(known) if known and len(known) == len(labelled) else None,
        split_sizes={
            split: {role: _size(annotations, ids) for role, ids in roles.items()}
            for split, roles in splits_of(annotations).items()
        },
    )


def commonest_pairs(stats: DataStats, count: int = 10) -> list[tuple[str, str, float]]:
    """The pairs of classes that most often happen at the same time, with the seconds."""
    upper = np.triu(stats.together_s, 1)
    order = np.argsort(-upper, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order, upper.shape)
    names = [entry.name for entry in stats.classes]
    return [(names[i], names[j], float(upper[i, j])) for i, j in zip(rows, columns, strict=True) if upper[i, j] > 0]


def _starts(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    """Starts of the pieces between neighbouring borders of any events, shape (pieces,)."""
    return np.unique(spans)[:-1]


def _pieces(
    labels: NDArray[np.int64], spans: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which classes are active (pieces, K), and the length of each piece (pieces,) in seconds."""
    borders = np.unique(spans)
    active = (spans[:, :1] <= borders[:-1]) & (borders[:-1] < spans[:, 1:])  # (events, pieces)
    one_hot = np.zeros((len(labels), count))
    one_hot[np.arange(len(labels)), labels] = 1.0
    return np.minimum(active.T.astype(float) @ one_hot, 1.0), np.diff(borders)


def _size(annotations: AnnotationSet, ids: tuple[str, ...]) -> tuple[int, int]:
    found = [annotations.videos[i] for i in ids if i in annotations.videos]
    return len(found), sum(len(video.events or ()) for video in found)
