"""Annotated events as labels on the snippets of one video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.label_spans import LabelSpans, center_spans, legacy_uniform_spans
from augrgb.core.timeline import Clock
from augrgb.core.types import Event

Labels = NDArray[np.float32]


def rasterise(events: Sequence[Event], classes: Sequence[str], clock: Clock, count: int) -> Labels:
    """Labels by the center rule: a snippet is positive where its center lies in `[start_s, end_s)`.

    Events of one class that overlap merge; an event that covers no center labels nothing.

    Returns:
        (count, K) float32 of 0 and 1.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    return _dense(center_spans([events], classes, [clock], [count]))


def ignored_snippets(regions: Sequence[Event], clock: Clock, count: int) -> NDArray[np.bool_]:
    """The snippets whose center lies in an ignored region, (count,) bool.

    >>> ignored_snippets([Event("?", 0.75, 1.25)], Clock(16.0, 8, 8), 4).tolist()
    [False, True, False, False]
    """
    if not regions:
        return np.zeros(count, bool)
    nameless = [Event("", region.start_s, region.end_s) for region in regions]
    return rasterise(nameless, ("",), clock, count)[:, 0] > 0


def legacy_uniform(events: Sequence[Event], classes: Sequence[str], duration: float, count: int) -> Labels:
    """Labels by the rule of the published training programs: see `label_spans.legacy_uniform_spans`.

    Returns:
        (count, K) float32 of 0 and 1.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    return _dense(legacy_uniform_spans([events], classes, [duration], [count]))


def _dense(spans: LabelSpans) -> Labels:
    """1 in column `label` from `first` to before `stop`."""
    labels = np.zeros((int(spans.counts[0]), spans.num_classes), np.float32)
    for label, first, stop in zip(spans.label.tolist(), spans.first.tolist(), spans.stop.tolist(), strict=True):
        labels[first:stop, label] = 1.0
    return labels
