"""Differences between runs with intervals over videos: found where they are, and not where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.detection.predictions import Predictions
from augrgb.pipelines.reporting.intervals import FEW_VIDEOS, difference_intervals

VIDEOS = tuple(f"v{number}" for number in range(8))
CLASSES = ("drink", "walk")


def dataset() -> Dataset:
    events = (Event("drink", 1.0, 3.0), Event("walk", 4.0, 9.0))
    return Dataset("home", CLASSES, {name: VideoRecord(name, 12.0, events=events) for name in VIDEOS})


def predictions(noise: float, clock: Clock, seed: int) -> Predictions:
    rng, centers = np.random.default_rng(seed), clock.centers_s(clock.num_snippets(round(12.0 * clock.fps)))
    truth = np.stack([(centers > 1) & (centers < 3), (centers > 4) & (centers < 9)], axis=1)
    scores = {name: (truth + noise * rng.normal(size=truth.shape)).astype(np.float32) for name in VIDEOS}
    return Predictions(CLASSES, clock, scores)


def test_a_worse_run_is_told_from_an_equal_one_even_on_another_clock() -> None:
    good, worse = predictions(0.3, Clock(10, 4, 2), 0), predictions(3.0, Clock(10, 4, 2), 1)
    as_good = predictions(0.3, Clock(10, 4, 4), 2)
    found = difference_intervals({"good": good, "worse": worse, "as good": as_good}, dataset(), VIDEOS)
    assert set(found) == {"worse", "as good"}
    assert found["worse"][0] < found["worse"][1] < -0.1
    assert found["as good"][0] < 0.02 and found["as good"][1] > -0.02
    assert difference_intervals({"a": good, "b": good}, dataset(), VIDEOS)["b"] == pytest.approx((0.0, 0.0))


def test_too_few_videos_have_no_interval() -> None:
    pair = {"a": predictions(0.3, Clock(10, 4, 2), 0), "b": predictions(0.3, Clock(10, 4, 2), 1)}
    assert difference_intervals(pair, dataset(), VIDEOS[: FEW_VIDEOS - 1]) == {}
    assert set(difference_intervals(pair, dataset(), VIDEOS[:FEW_VIDEOS])) == {"b"}
