"""Videos split over the tasks of an array job, the same way in every task, without communication."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augrgb.core.errors import UsageFault
from augrgb.core.types import VideoRecord

_SLURM = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_COUNT")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` of `count`, counted from 1.

    >>> str(parse_shard("3/16"))
    '3/16'
    """

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str, environment: Mapping[str, str] | None = None) -> Shard:
    """Read `3/16`, or `slurm` for the task of a Slurm array that this process is.

    Args:
        text: What was asked for.
        environment: Where Slurm's variables are; default: of this process.

    Raises:
        UsageFault: E-CFG-004, not N/M with 1 <= N <= M; E-CFG-011, not a regular Slurm array.
    """
    if text.strip().lower() == "slurm":
        return _slurm_shard(os.environ if environment is None else environment)
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        remedy = "Write 3/16 for the third of sixteen parts, or slurm inside an array job."
        raise UsageFault("E-CFG-004", "--shard", f"expected N/M with 1 <= N <= M, got {text!r}", remedy)
    return Shard(int(found[1]), int(found[2]))


def videos_of(shard: Shard, records: Sequence[VideoRecord]) -> list[VideoRecord]:
    """The records of one part, in their order: every part lasts about as long, and together they are all.

    Longest first, each to the part that has least so far; equal ones by id. Only ids and durations count, so every
    task finds the same split, on any machine, from any order.
    """
    loads = [0.0] * shard.count
    mine: set[str] = set()
    for record in sorted(records, key=lambda record: (-record.known_duration_s, record.video_id)):
        part = min(range(shard.count), key=lambda part: (loads[part], part))
        loads[part] += record.known_duration_s
        if part == shard.number - 1:
            mine.add(record.video_id)
    return [record for record in records if record.video_id in mine]


def _slurm_shard(environment: Mapping[str, str]) -> Shard:
    try:
        task, first, last, count = (int(environment[name]) for name in _SLURM)
        step = int(environment.get("SLURM_ARRAY_TASK_STEP", "1"))
    except KeyError as error:
        raise UsageFault(
            "E-CFG-011", "--shard slurm", f"{error.args[0]} is not set: this is not a task of a Slurm array", _ARRAY
        ) from error
    except ValueError as error:
        raise UsageFault(
            "E-CFG-011", "--shard slurm", f"Slurm's variables are not numbers ({error})", _ARRAY
        ) from error
    if step < 1 or (last - first) // step + 1 != count or (task - first) % step or not first <= task <= last:
        problem = f"task {task} of {count} between {first} and {last} is not part of a regular array"
        raise UsageFault("E-CFG-011", "--shard slurm", problem, "Name the parts yourself: --shard 3/16.")
    return Shard((task - first) // step + 1, count)


_ARRAY = "Submit with `sbatch --array=1-16`, or name the part: --shard 3/16."
