"""The derivatives that are written out by hand, against differences of values; pieces against the whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from augrgb.losses.boundary_saliency import change
from augrgb.losses.parts import covariance as covariances
from augrgb.losses.parts.contrast import contrast
from augrgb.losses.parts.covariance import (
    centered,
    correlation,
    covariance,
    distance,
    products,
    standardised,
    unit_covariance,
)
from augrgb.losses.parts.unit_vectors import unit

close = torch.testing.assert_close
MASK = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [True] + [False] * 4])


def random(*shape: Any, seed: Any = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def test_unit_and_change() -> None:
    x = random(2, 4, 3)
    close(unit(x), F.normalize(x, dim=-1))
    assert gradcheck(unit, (x,))
    assert gradcheck(change, (x,))
    assert change(x)[:, -1].abs().max() == 0
    assert change(x[:, :1]).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("temperature", [0.1, 0.01])
@pytest.mark.parametrize("ratio", [1.0, 3.5])
def test_contrast(temperature: Any, ratio: Any) -> None:
    a, b, o = (F.normalize(random(n, 3, seed=n).detach(), dim=-1).requires_grad_() for n in (6, 6, 4))
    b = F.normalize(random(6, 3, seed=9).detach(), dim=-1).requires_grad_()
    use = torch.rand(6, 4, generator=torch.Generator().manual_seed(0)) < 0.6
    use[2] = False
    weight = torch.rand(6, dtype=torch.float64)

    def value(a: Any, b: Any, o: Any, chunk: Any = 1000) -> Any:
        return contrast(a, b, o, lambda part: use[part], weight, temperature=temperature, ratio=ratio, chunk=chunk)

    expected = 0.0
    for i in range(6):
        gaps = [torch.exp((a[i] @ o[j] - a[i] @ b[i]) / temperature) for j in range(4) if use[i, j]]
        expected = expected + weight[i] * torch.log(1 + ratio * sum(gaps, start=torch.zeros(())))
    close(value(a, b, o), expected)
    assert gradcheck(value, (a, b, o), atol=1e-4, rtol=1e-3)
    pieces = [torch.autograd.grad(value(a, b, o, chunk), (a, b, o)) for chunk in (1000, 5)]
    close(*pieces)


def test_a_sharp_contrast_does_not_overflow() -> None:
    a = F.normalize(torch.randn(6, 3), dim=-1).requires_grad_()
    use = torch.ones(6, 6, dtype=torch.bool)
    value = contrast(a, -a.detach(), a.detach(), lambda part: use[part], torch.ones(6), temperature=0.003, chunk=99)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(a.grad).all()


def test_covariances_are_those_of_torch() -> None:
    x = random(3, 5, 4).detach()
    for row in range(2):
        real = x[row, MASK[row]]
        z = torch.cov(real.T, correction=0)
        close(covariance(x, MASK)[row], z)
        close(unit_covariance(x, MASK)[row], z / z.norm())
        close(correlation(x, MASK)[row], torch.corrcoef(real.T))
    for function in (covariance, unit_covariance, correlation):
        assert not function(x, MASK)[2].any(), "one snippet does not vary"


@pytest.mark.parametrize("function", [centered, standardised])
def test_derivatives_of_centring(function: Any) -> None:
    assert gradcheck(lambda x: function(x, MASK), (random(3, 5, 4),))


@pytest.mark.parametrize("at_once", [1, 2**20])
@pytest.mark.parametrize("scaled", [False, True])
def test_distance_of_covariances(monkeypatch: pytest.MonkeyPatch, at_once: Any, scaled: Any) -> None:
    monkeypatch.setattr(covariances, "_AT_ONCE", at_once)
    x, g = random(3, 5, 4), random(3, 5, 4, seed=1).detach()
    zg = list((unit_covariance if scaled else covariance)(g, MASK))
    several = MASK.sum(1) >= 2

    def value(x: Any) -> Any:
        c = centered(x, MASK)
        return distance(c, products(c), zg, several, scaled=scaled, skip_constant=scaled)

    expected = []
    for row in range(2):
        z = torch.cov(x[row, MASK[row]].T, correction=0)
        gap = z / z.norm() - zg[row] if scaled else z - zg[row]
        expected.append(gap.square().sum() * (1 if scaled else 1 / 16))
    close(value(x), torch.stack(expected).mean())
    assert gradcheck(value, (x,))
