"""How good scores are, with intervals over videos: what a few videos can and cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset
from augrgb.detection.choose_rules import FEW_EVENTS
from augrgb.detection.predictions import Predictions
from augrgb.metrics.frame_map import frame_ap_present
from augrgb.metrics.video_bootstrap import drawn_frame_maps, frame_map, percentile_interval
from augrgb.pipelines.scored_videos import scored_videos


@dataclass(frozen=True)
class Measured:
    """Frame mAP of some methods on the same videos, fractions.

    Args:
        videos: How many.
        classes: Those over which the mean is taken: with at least five events, or, if there is none, with any.
        value: By method; NaN where not defined.
        interval: By method, 95 % over videos (percentile bootstrap).
        gain: Method -> its difference to plain RGB, with its interval.
        per_class: Method -> class -> average precision, only of classes with at least five events.
        events: Class -> number of events.
    """

    videos: int
    classes: tuple[str, ...]
    value: Mapping[str, float] = field(default_factory=dict)
    interval: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    gain: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)

    @property
    def few(self) -> tuple[str, ...]:
        """Classes with too few events to measure."""
        return tuple(label for label, count in self.events.items() if count < FEW_EVENTS)


def measure(predictions: Mapping[str, Predictions], dataset: Dataset, videos: Sequence[str], *, seed: int) -> Measured:
    """Frame mAP of several methods that scored the same videos.

    The bootstrap draws whole videos, since snippets of one video are alike.
    """
    classes = dataset.classes
    events = {
        label: sum(e.label == label for name in videos for e in dataset.videos[name].events or ()) for label in classes
    }
    enough = [label for label in classes if events[label] >= FEW_EVENTS]
    counted = enough or [label for label in classes if events[label]]
    if not counted or not predictions:
        return Measured(len(videos), tuple(counted), events=events)
    columns = [classes.index(label) for label in counted]
    scored = {
        name: [(scores[:, columns], truth[:, columns]) for scores, truth in scored_videos(found, dataset, videos)]
        for name, found in predictions.items()
    }
    aps = {
        name: frame_ap_present(*(np.concatenate([one[part] for one in found]) for part in (0, 1)))
        for name, found in scored.items()
    }
    value = {name: frame_map(found, range(len(videos))) for name, found in scored.items()}
    draws = drawn_frame_maps(scored, rng_at(seed, "bootstrap over videos"))
    interval = {name: percentile_interval(draws[name]) for name in scored}
    gain = {
        name: (value[name] - value["rgb"], *percentile_interval(draws[name] - draws["rgb"]))
        for name in scored
        if name != "rgb" and "rgb" in scored
    }
    per_class = {n: {c: float(a) for c, a in zip(counted, ap, strict=True) if c in enough} for n, ap in aps.items()}
    return Measured(len(videos), tuple(counted), value, interval, gain, per_class, events)
