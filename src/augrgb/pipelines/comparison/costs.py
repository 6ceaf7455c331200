"""What the stages of a comparison cost, kept from the run that did the work."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from augrgb.core.errors import InputRefused
from augrgb.core.files import write_json
from augrgb.core.fit import Unfit, fit
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json
from augrgb.parallel.jobs import StageCost

_log = logging.getLogger(__name__)
TOTAL = "in all (stages overlap)"


def keep_costs(path: Path, costs: Sequence[StageCost]) -> tuple[StageCost, ...]:
    """Merge costs with those in a file, and write them back: of each stage the longest.

    A run that finds a stage finished takes next to no time for it, so the longest is that of the run that did the work.
    """
    earlier = _earlier(path)
    kept = {cost.stage: cost for cost in costs}
    for cost in earlier:
        if cost.stage not in kept or cost.wall_s > kept[cost.stage].wall_s:
            kept[cost.stage] = cost
    total = kept.pop(TOTAL, None)
    merged = (*kept.values(), *((total,) if total is not None else ()))
    if merged:
        write_json(path, [asdict(cost) for cost in merged])
    return merged


def _earlier(path: Path) -> list[StageCost]:
    if not is_file(path):
        return []
    try:
        found: list[StageCost] = fit(read_json(path, "costs"), list[StageCost], "costs")
    except (InputRefused, Unfit) as fault:
        _log.warning("%s; the costs of earlier runs are left out", fault)
        return []
    return found


def total_of(costs: Sequence[StageCost], wall_s: float) -> StageCost:
    """The cost of all stages together: they overlap, so `wall_s` is measured apart."""
    return StageCost(
        TOTAL, wall_s, sum(cost.cpu_s for cost in costs), max((cost.peak_mib for cost in costs), default=0.0)
    )
