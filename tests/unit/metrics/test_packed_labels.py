"""Labels of many videos at once are those of one video at a time, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.annotations.labels import legacy_uniform, rasterise
from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at
from augrgb.core.timeline import Clock
from augrgb.core.types import Event
from augrgb.metrics.packed_labels import pack_legacy_uniform, pack_rasterise

CLASSES = tuple(f"c{k}" for k in range(11))  # more than a byte
times = st.one_of(st.integers(-8, 80).map(lambda quarter: quarter / 4), st.floats(-3, 40, allow_subnormal=False))
events = st.lists(st.builds(Event, st.sampled_from(CLASSES), times, times), max_size=6)
clocks = st.builds(Clock, st.sampled_from([7.5, 8.0, 29.97]), st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(events, clocks, st.integers(0, 40)), max_size=4))
def test_centre_rule(videos):
    packed = pack_rasterise([v[0] for v in videos], CLASSES, [v[1] for v in videos], [v[2] for v in videos])
    for index, (own, clock, count) in enumerate(videos):
        np.testing.assert_array_equal(packed.video(index), rasterise(own, CLASSES, clock, count))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(events, st.floats(0.5, 60), st.integers(1, 60)), max_size=4))
def test_legacy_rule(videos):
    packed = pack_legacy_uniform([v[0] for v in videos], CLASSES, [v[1] for v in videos], [v[2] for v in videos])
    expected = [legacy_uniform(own, CLASSES, duration, count) for own, duration, count in videos]
    for index, labels in enumerate(expected):
        np.testing.assert_array_equal(packed.video(index), labels)
    dense = np.concatenate(expected) if expected else np.zeros((0, len(CLASSES)))
    np.testing.assert_array_equal(packed.dense(), dense.astype(bool))


def test_events_on_the_very_times_of_snippets():
    rng = rng_at(0, "on the border")
    videos = []
    for _ in range(40):
        count, duration = int(rng.integers(1, 200)), float(rng.uniform(1, 300))
        at = np.arange(count) / (count / duration)
        own = [Event(CLASSES[k % 11], float(a), float(b)) for k, (a, b) in enumerate(rng.choice(at, (5, 2)))]
        videos.append((own, duration, count))
    packed = pack_legacy_uniform([v[0] for v in videos], CLASSES, [v[1] for v in videos], [v[2] for v in videos])
    for index, (own, duration, count) in enumerate(videos):
        np.testing.assert_array_equal(packed.video(index), legacy_uniform(own, CLASSES, duration, count))


def test_unknown_class_names_the_nearest():
    with pytest.raises(InputRefused, match=r"E-ANN-003.*did you mean 'c10'"):
        pack_legacy_uniform([[Event("c100", 0, 1)]], CLASSES, [4.0], [4])
