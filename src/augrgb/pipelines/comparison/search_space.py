"""Search at equal budget: which settings each method of a comparison tries before it is tested.

Every method, the baseline included, gets the same number of trials. They are scored on validation videos only, with
seeds that no test uses; the best mean wins.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from augrgb.core.files import sha256_json
from augrgb.core.seeds import rng_at
from augrgb.recipe.sections import Section

Grid = Mapping[str, Sequence[Any] | None]
Settings = dict[str, Any]
TAUGHT_KEYS = ("scale", "losses", "teachers", "distill")


class ClimbSection(Section):
    """How far the weights of losses are searched: until they harm.

    When a method's trials are over, the best of them is tried with further `scales` of its weights, one at a time: the
    next larger one until a trial is more than `step` (of the protocol; 0.01 is a point) worse than the best, or
    diverges; then the next smaller one while the smallest that was tried is the best. A method that never acts
    is so seen at the end of the scales.
    """

    scales: list[PositiveFloat] = Field([0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300], min_length=1)
    step: float = Field(0.01, ge=0)


class SearchSection(Section):
    """How settings are chosen.

    `grid` maps dotted keys to values for every method; `budget` trials are made per method, each with all `seeds`, and
    scored by `protocol` on the validation videos of the split that the method is trained on (or of `split`).
    With `climb`, weights of losses are then searched further. `encoder_seed` lets all of them share the encoders of one
    seed.
    """

    seeds: list[int] = Field(min_length=1)
    protocol: str = "frame-map/present"
    split: str | None = None
    role: Literal["val"] = "val"
    budget: PositiveInt
    grid: dict[str, list[Any]] = Field({})
    encoder_seed: int | None = None
    climb: ClimbSection | None = None


def grid_of(shared: Grid, own: Grid, *, taught: bool) -> dict[str, list[Any]]:
    """What a method may try: the grid of all, changed by its own; a key without values is not searched.

    Keys on distillation in the shared grid say nothing to methods without losses.

    >>> grid_of({"train.steps": [1, 2], "scale": [1, 3]}, {"train.steps": None, "filter": [3]}, taught=False)
    {'filter': [3]}
    """
    common = {key: values for key, values in shared.items() if taught or key.split(".")[0] not in TAUGHT_KEYS}
    return {key: list(values) for key, values in {**common, **own}.items() if values}


def grid_size(grid: Mapping[str, Sequence[Any]]) -> int:
    """How many different settings a grid holds; 1 for an empty one (the settings as they stand)."""
    return math.prod(len(values) for values in grid.values())


def trials_of(grid: Mapping[str, Sequence[Any]], count: int) -> list[Settings]:
    """`count` settings of a grid, in the grid's order; deterministic, and the same for methods with equal grids.

    If the grid holds more, those are taken one by one whose values were taken least so far, so that no value is left
    out while another comes often; ties go to a fixed random order.

    Args:
        count: At most `grid_size(grid)`.
    """
    keys = list(grid)
    points = list(itertools.product(*(range(len(grid[key])) for key in keys)))
    order = [points[place] for place in rng_at(0, "search", *map(len, grid.values())).permutation(len(points))]
    used: dict[tuple[int, int], int] = {}
    taken: list[tuple[int, ...]] = []
    for _ in range(min(count, len(order))):
        best = min(order, key=lambda point: sum(used.get(one, 0) for one in enumerate(point)))
        order.remove(best)
        taken.append(best)
        for one in enumerate(best):
            used[one] = used.get(one, 0) + 1
    return [{key: grid[key][i] for key, i in zip(keys, point, strict=True)} for point in sorted(taken)]


def next_scale(scored: Mapping[float, float | None], climb: ClimbSection) -> float | None:
    """The scale to try next, see `ClimbSection`; None: the climb is over.

    Args:
        scored: Scales that were tried with the same other settings -> score, None where it diverged; one has a score.
        climb: The scales there are.

    >>> climb = ClimbSection(scales=[0.1, 1, 10, 100], step=0.01)
    >>> next_scale({1: 0.30}, climb), next_scale({1: 0.30, 10: 0.295}, climb), next_scale({1: 0.30, 10: 0.2}, climb)
    (10.0, 100.0, 0.1)
    >>> next_scale({0.1: 0.29, 1: 0.30, 10: None}, climb) is None
    True
    """
    best = max(score for score in scored.values() if score is not None)
    top, low = max(scored), min(scored)
    highest = scored[top]
    if highest is not None and highest >= best - climb.step:
        larger = [scale for scale in climb.scales if scale > top]
        if larger:
            return min(larger)
    smaller = [scale for scale in climb.scales if scale < low]
    return max(smaller) if smaller and scored[low] == best else None


def trial_name(values: Mapping[str, Any]) -> str:
    """Eight letters for a resolved stream recipe without its seed: another trial, another name."""
    return sha256_json({key: value for key, value in values.items() if key != "seed"})[:8]
