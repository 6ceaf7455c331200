"""Variance components of a nested design, by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.metrics.statistics import t_quantile
from augrgb.metrics.variance import nested_components


def test_by_hand() -> None:
    """Two worlds of two draws of two seeds: cell means 2, 4 and 8, 10; every cell has variance 2."""
    found = nested_components([[[1, 3], [3, 5]], [[7, 9], [9, 11]]])
    ms_seed, ms_labels, ms_world = 2.0, 2 * 2.0, 4 * ((3 - 6) ** 2 + (9 - 6) ** 2)
    assert found.mean == 6 and found.seed == pytest.approx(math.sqrt(ms_seed))
    assert found.labels == pytest.approx(math.sqrt((ms_labels - ms_seed) / 2))
    assert found.world == pytest.approx(math.sqrt((ms_world - ms_labels) / 4))
    half = t_quantile(0.975, 1) * math.sqrt(ms_world / 8)
    assert (found.low, found.high) == pytest.approx((6 - half, 6 + half))


def test_levels_of_one_unit_are_left_out() -> None:
    seeds = nested_components([[[1.0, 2.0, 3.0]]])
    assert math.isnan(seeds.world) and math.isnan(seeds.labels) and seeds.seed == 1.0
    half = t_quantile(0.975, 2) / math.sqrt(3)
    assert (seeds.low, seeds.high) == pytest.approx((2 - half, 2 + half))
    worlds = nested_components([[[1.0]], [[3.0]]])
    assert worlds.world == pytest.approx(math.sqrt(2)) and math.isnan(worlds.labels) and math.isnan(worlds.seed)
    one = nested_components([[[4.0]]])
    assert one.mean == 4.0 and math.isnan(one.low)


def test_a_spread_that_is_not_there_is_zero_not_negative() -> None:
    found = nested_components([[[0.0, 4.0], [4.0, 0.0]], [[1.0, 3.0], [0.0, 4.0]]])
    assert found.labels == found.world == 0.0


def test_it_finds_what_made_the_numbers() -> None:
    rng = np.random.default_rng(0)
    world, labels, seed = 3.0, 2.0, 1.0
    y = rng.normal(0, world, (400, 1, 1)) + rng.normal(0, labels, (400, 4, 1)) + rng.normal(0, seed, (400, 4, 3))
    found = nested_components(y.tolist())
    assert (found.world, found.labels, found.seed) == pytest.approx((world, labels, seed), rel=0.1)


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(UsageFault, match="E-MET-013"):
        nested_components([[[1.0, 2.0], [1.0]]])
    with pytest.raises(UsageFault, match="E-MET-013"):
        nested_components([])
