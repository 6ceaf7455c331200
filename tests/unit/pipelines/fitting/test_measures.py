"""Numbers of a fit: means over classes that can be measured, intervals over videos, thresholds from other folds."""

from __future__ import annotations

import math

import numpy as np

from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.detection.predictions import Predictions
from augrgb.pipelines.fitting.events import fit_events
from augrgb.pipelines.fitting.measures import measure
from augrgb.pipelines.fitting.result import choose_method

CLOCK = Clock(10.0, 5, 5)
RNG = np.random.default_rng(0)


def dataset(count: int = 8) -> Dataset:
    videos = {}
    for number in range(count):
        events = [Event("often", 2.0, 6.0), Event("often", 12.0, 16.0)]
        events += [Event("once", 8.0, 10.0)] if number == 0 else []
        ignored = (Event("?", 18.0, 20.0),)
        videos[f"v{number}"] = VideoRecord(f"v{number}", 20.0, events=tuple(events), ignored=ignored)
    return Dataset("d", ("often", "once"), videos)


def scores(data: Dataset, noise: float, *, seed: int) -> Predictions:
    rng, found = np.random.default_rng(seed), {}
    for name, video in data.videos.items():
        centers = CLOCK.centers_s(40)
        truth = np.zeros((40, 2))
        for event in video.events or ():
            inside = (centers >= event.start_s) & (centers < event.end_s)
            truth[inside, data.classes.index(event.label)] = 1
        truth[centers >= 18.0] = 1  # wrong, but unknown: it must not count
        found[name] = np.clip(0.2 + 0.6 * truth + noise * rng.normal(size=truth.shape), 0.01, 0.99).astype(np.float32)
    return Predictions(data.classes, CLOCK, found)


def test_the_mean_is_over_classes_with_enough_events_and_unknown_time_does_not_count() -> None:
    data = dataset()
    found = measure({"rgb": scores(data, 0.0, seed=0)}, data, list(data.videos), seed=0)
    assert found.classes == ("often",) and found.few == ("once",) and found.events == {"often": 16, "once": 1}
    assert found.value["rgb"] == 1.0 and found.interval["rgb"] == (1.0, 1.0)
    assert found.per_class["rgb"] == {"often": 1.0}


def test_intervals_are_over_videos_and_paired() -> None:
    data = dataset()
    methods = {"rgb": scores(data, 0.5, seed=1), "augmented": scores(data, 0.2, seed=2)}
    found = measure(methods, data, list(data.videos), seed=0)
    gain, low, high = found.gain["augmented"]
    assert 0 < low < gain < high and math.isclose(gain, found.value["augmented"] - found.value["rgb"])
    assert found == measure(methods, data, list(data.videos), seed=0) and choose_method(found) == "augmented"
    same = measure({"rgb": methods["rgb"], "augmented": methods["rgb"]}, data, list(data.videos), seed=0)
    assert same.gain["augmented"] == (0.0, 0.0, 0.0) and choose_method(same) == "rgb"


def test_nothing_to_measure_is_nan_not_zero() -> None:
    data = dataset(2)
    empty = Dataset("d", data.classes, {n: VideoRecord(n, 20.0, events=()) for n in data.videos})
    found = measure({"rgb": scores(data, 0.1, seed=0)}, empty, list(data.videos), seed=0)
    assert found.classes == () and not found.value


def test_folds_are_measured_with_what_was_chosen_on_the_others() -> None:
    data = dataset()
    names = list(data.videos)
    held_out = scores(data, 0.15, seed=3)
    # The scores of one fold are of another scale: a threshold that was chosen on it too would find its events.
    low = {name: held_out.scores[name] * (0.2 if name in names[:2] else 1.0) for name in names}
    mixed = Predictions(data.classes, CLOCK, low)
    folds = [names[:2], names[2:5], names[5:]]
    events = fit_events(mixed, None, data, folds=folds)
    assert events.thresholds.notes["chosen_on"] == "out-of-fold scores"
    assert events.counts["often"].events == 16 == events.chosen["often"].counts.events
    assert events.counts["often"].hits <= 12 and events.counts["often"].hours * 3600 == 8 * 18.0
    assert events.chosen["once"].pooled and "1 event is too few to measure" in events.chosen["once"].why
