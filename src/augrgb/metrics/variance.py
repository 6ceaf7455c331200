"""Where a result's spread comes from: worlds, draws of labels within them, seeds within these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augrgb.core.errors import UsageFault
from augrgb.metrics.statistics import t_quantile


@dataclass(frozen=True, slots=True)
class Components:
    """A mean over worlds, draws of labels and seeds, and what each adds to its spread.

    Args:
        mean: Over everything.
        low, high: 95 % t-interval over the units of the highest level of which there are several.
        world, labels, seed: Standard deviations of the three levels; NaN where there is only one unit.
    """

    mean: float
    low: float
    high: float
    world: float
    labels: float
    seed: float


def nested_components(values: Sequence[Sequence[Sequence[float]]]) -> Components:
    """Method of moments for a nested random-effects design with equal numbers at each level.

    With W worlds, L draws in each and S seeds in each of these: `seed^2 = MS_s`, `labels^2 = (MS_l - MS_s) / S`,
    `world^2 = (MS_w - MS_l) / (L S)`, negative estimates put to 0, where MS are the mean squares of the levels. A level
    of one unit is left out: the next lower mean square takes its place.

    Args:
        values: (W, L, S).

    Raises:
        UsageFault: E-MET-013, the numbers at a level differ, or there are none.

    >>> found = nested_components([[[1.0, 3.0], [3.0, 5.0]]])
    >>> found.mean, round(found.seed, 3), found.labels
    (3.0, 1.414, 1.0)
    """
    shapes = {(len(world), *{len(draw) for draw in world}) for world in values}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or 0 in next(iter(shapes)):
        problem = "needs the same number of draws in every world, and of seeds in every draw"
        raise UsageFault("E-MET-013", "nested_components", problem, "Run all methods with the same worlds and seeds.")
    y = np.asarray(values, np.float64)
    worlds, draws, seeds = y.shape
    cells, places = y.mean(2), y.mean((1, 2))
    within = y.var(2, ddof=1).mean() if seeds > 1 else math.nan
    between = seeds * cells.var(1, ddof=1).mean() if draws > 1 else math.nan
    top = draws * seeds * places.var(ddof=1) if worlds > 1 else math.nan
    below_labels, below_world = _known(within, 0.0), _known(between, within, 0.0)
    labels = math.sqrt(max(0.0, between - below_labels) / seeds) if draws > 1 else math.nan
    world = math.sqrt(max(0.0, top - below_world) / (draws * seeds)) if worlds > 1 else math.nan
    units, square = next(
        ((count, value) for count, value in ((worlds, top), (draws, between), (seeds, within)) if count > 1),
        (1, math.nan),
    )
    mean, half = float(y.mean()), math.nan
    if units > 1:
        half = t_quantile(0.975, units - 1) * math.sqrt(square / y.size)
    return Components(mean, mean - half, mean + half, world, labels, math.sqrt(within))


def _known(*values: float) -> float:
    return next(value for value in values if not math.isnan(value))
