"""What the stages of a comparison cost, kept from the run that did the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from augrgb.core.files import write_json
from augrgb.core.plain_data import read_json
from augrgb.parallel.jobs import StageCost

TOTAL = "in all (stages overlap)"


def keep_costs(path: Path, costs: Sequence[StageCost]) -> tuple[StageCost, ...]:
    """Merge costs with those in a file, and write them back: of each stage the longest.

    A run that finds a stage finished takes next to no time for it, so the longest is that of the run that did the work.
    """
    earlier = [StageCost(**values) for values in read_json(path, "costs")] if path.is_file() else []
    kept = {cost.stage: cost for cost in costs}
    for cost in earlier:
        if cost.stage not in kept or cost.wall_s > kept[cost.stage].wall_s:
            kept[cost.stage] = cost
    total = kept.pop(TOTAL, None)
    merged = (*kept.values(), *((total,) if total is not None else ()))
    if merged:
        write_json(path, [asdict(cost) for cost in merged])
    return merged


def total_of(costs: Sequence[StageCost], wall_s: float) -> StageCost:
    """The cost of all stages together: they overlap, so `wall_s` is measured apart."""
    return StageCost(
        TOTAL, wall_s, sum(cost.cpu_s for cost in costs), max((cost.peak_mib for cost in costs), default=0.0)
    )
