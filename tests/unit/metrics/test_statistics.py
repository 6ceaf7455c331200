from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.metrics import statistics


@pytest.mark.parametrize(
    "degrees, expected", [(1, 12.7062), (2, 4.3027), (4, 2.7764), (9, 2.2622), (29, 2.0452), (1000, 1.9623)]
)
def test_t_quantiles_of_the_tables(degrees: Any, expected: Any) -> None:
    assert statistics.t_quantile(0.975, degrees) == pytest.approx(expected, abs=5e-5)
    assert statistics.t_quantile(0.025, degrees) == pytest.approx(-expected, abs=5e-5)
    assert statistics.t_cdf(expected, degrees) == pytest.approx(0.975, abs=1e-5)


def test_t_in_closed_form() -> None:
    for t in (-40.0, -3.0, -0.2, 0.0, 0.7, 5.0, 300.0):
        assert statistics.t_cdf(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-13)
        assert statistics.t_cdf(t, 2) == pytest.approx(0.5 + t / (2 * math.sqrt(2 + t * t)), abs=1e-13)
    assert statistics.t_two_sided(1e6, 2) == pytest.approx(1 / 1e12, rel=1e-3)  # no cancellation in the tail


def test_incomplete_beta_closed_forms() -> None:
    for x in np.linspace(0, 1, 11):
        assert statistics.incomplete_beta(1, 1, x) == pytest.approx(x, abs=1e-14)
        assert statistics.incomplete_beta(3, 1, x) == pytest.approx(x**3, abs=1e-14)
        assert statistics.incomplete_beta(2, 2, x) == pytest.approx(x * x * (3 - 2 * x), abs=1e-14)


def test_paired_difference_on_a_textbook_example() -> None:
    # Student's sleep data, 10 patients: t = 4.0621, p = 0.002833, interval 0.7001142 to 2.4598858.
    a = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    b = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    result = statistics.paired_difference(a, b)
    assert (result.mean, result.p_t) == (pytest.approx(1.58), pytest.approx(0.002833, abs=5e-7))
    assert (result.low, result.high) == (pytest.approx(0.7001142, abs=1e-6), pytest.approx(2.4598858, abs=1e-6))
    assert result.p_sign_flip == 4 / 1024  # nine positive differences and a zero, whose sign makes no difference


def test_few_pairs_and_equal_differences() -> None:
    one = statistics.paired_difference([2.0], [1.0])
    assert one.mean == 1 and math.isnan(one.p_t) and math.isnan(one.low) and one.p_sign_flip == 1
    same = statistics.paired_difference([2.0, 3.0, 4.0], [1.0, 2.0, 3.0])
    assert (same.p_t, same.low, same.high, same.p_sign_flip) == (0.0, 1.0, 1.0, 0.25)
    assert statistics.paired_difference([1.0, 2.0], [1.0, 2.0]).p_t == 1
    with pytest.raises(UsageFault, match="expected pairs"):
        statistics.paired_difference([1.0], [])


def test_sign_flips_exact_and_sampled_agree() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, 16).tolist()
    exact = statistics.sign_flip_test(values)
    padded = [*values, 0.0]  # a zero changes nothing, but takes the sampled way
    sampled = statistics.sign_flip_test(padded, draws=40_000)
    assert sampled == pytest.approx(exact, abs=0.01) and 0.01 < exact < 0.99
    assert sampled == statistics.sign_flip_test(padded, draws=40_000)
    assert statistics.sign_flip_test([0.1, 0.1, 0.1]) == 0.25


def test_holm_and_deviation() -> None:
    assert statistics.holm([0.04, 0.01, math.nan, 0.03])[:2] == [pytest.approx(0.06), pytest.approx(0.03)]
    assert math.isnan(statistics.holm([0.04, math.nan])[1]) and statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    mean, std = statistics.mean_and_std([5.0])
    assert mean == 5 and math.isnan(std)
