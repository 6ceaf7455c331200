"""The linear probe against a plain reading of its definition."""

from __future__ import annotations

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.metrics.linear_probe import fit_probe

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6))
MAP = RNG.normal(size=(6, 4))
VIDEOS = [f"v{number // 10}" for number in range(200)]


def test_a_linear_map_is_found_whatever_the_scales() -> None:
    probe = fit_probe(X * 100 + 7, X @ MAP - 3, VIDEOS)
    fresh = RNG.normal(size=(50, 6))
    assert probe.held_out > 0.99 and probe.r2(fresh * 100 + 7, fresh @ MAP - 3) > 0.99


def test_noise_cannot_be_read() -> None:
    noise = RNG.normal(size=(200, 4))
    probe = fit_probe(X, noise, VIDEOS)
    assert probe.ridge == 10.0 and abs(probe.held_out) < 0.1
    assert probe.r2(X, noise) > probe.held_out


def test_r2_is_against_the_mean_of_the_evaluated_rows() -> None:
    probe = fit_probe(X, X @ MAP, VIDEOS, ridges=[1e-9])
    fresh = RNG.normal(size=(50, 6))
    y = fresh @ MAP + RNG.normal(size=(50, 4))
    scaled = y / (X @ MAP).std(axis=0)
    found = (fresh @ MAP) / (X @ MAP).std(axis=0)
    expected = 1 - ((scaled - found) ** 2).sum() / ((scaled - scaled.mean(axis=0)) ** 2).sum()
    assert probe.r2(fresh, y) == pytest.approx(expected, abs=1e-6)


def test_a_map_that_holds_in_one_group_only_is_not_held_out() -> None:
    """What tells videos apart without meaning: every video has its own offset."""
    offsets = np.repeat(RNG.normal(size=(20, 4)) * 5, 10, axis=0)
    marks = np.repeat(np.eye(20), 10, axis=0)
    probe = fit_probe(marks, offsets, VIDEOS)
    assert probe.r2(marks, offsets) > 0.5 and probe.held_out <= 0.05


@pytest.mark.parametrize(
    ("x", "y", "groups"), [(X[:5], X[:4], "abcde"), (X[:4], X[:4], "aaaa"), (X[:4], X[:4], "abc"), (X[0], X[0], "ab")]
)
def test_other_shapes_are_refused(x: np.ndarray, y: np.ndarray, groups: str) -> None:
    with pytest.raises(InputRefused, match="E-MET-001"):
        fit_probe(x, y, list(groups))
