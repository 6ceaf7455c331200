"""Parts of a data set for array jobs."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augrgb.core.errors import UsageFault
from augrgb.core.types import VideoRecord
from augrgb.parallel.shards import Shard, parse_shard, videos_of


def records_of(durations: Any) -> Any:
    return [VideoRecord(f"v{number:03}", duration) for number, duration in enumerate(durations)]


def slurm(own: Any, first: Any, last: Any, count: Any, step: Any = 1) -> Any:
    values = {"ID": own, "MIN": first, "MAX": last, "COUNT": count, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


@given(st.lists(st.floats(0.1, 1e5), max_size=60), st.integers(1, 20), st.randoms())
def test_parts_are_disjoint_complete_and_depend_on_nothing_else(durations: Any, count: Any, shuffler: Any) -> None:
    records = records_of(durations)
    shuffled = list(records)
    shuffler.shuffle(shuffled)
    parts = [videos_of(Shard(number, count), records) for number in range(1, count + 1)]
    assert sorted(record.video_id for part in parts for record in part) == [record.video_id for record in records]
    for number, part in enumerate(parts, start=1):
        assert {record.video_id for record in videos_of(Shard(number, count), shuffled)} == {
            record.video_id for record in part
        }


def test_parts_last_about_as_long() -> None:
    draw = random.Random(0)
    records = records_of([draw.lognormvariate(4, 1) for _ in range(400)])
    loads = [sum(record.duration_s for record in videos_of(Shard(number, 16), records)) for number in range(1, 17)]
    assert max(loads) < 1.05 * min(loads)


def test_reading_parts() -> None:
    assert parse_shard("3/16") == Shard(3, 16) and parse_shard(" 1 / 1 ") == Shard(1, 1)
    for text in ("0/4", "5/4", "4", "a/b", "-1/4", "1/0", ""):
        with pytest.raises(UsageFault, match="E-CFG-004"):
            parse_shard(text)


@pytest.mark.parametrize(
    "environment, expected",
    [
        (slurm(0, 0, 15, 16), Shard(1, 16)),
        (slurm(16, 1, 16, 16), Shard(16, 16)),
        (slurm(12, 0, 12, 4, step=4), Shard(4, 4)),
        (slurm(1, 1, 14, 4, step=4), Shard(1, 4)),
    ],
)
def test_slurm_arrays(environment: Any, expected: Any) -> None:
    assert parse_shard("slurm", environment) == expected


@pytest.mark.parametrize(
    "environment, why",
    [
        ({}, "not set"),
        (slurm(3, 3, 9, 2), "regular"),  # --array=3,9
        (slurm(3, 0, 12, 4, step=4), "regular"),
        ({**slurm(1, 1, 4, 4), "SLURM_ARRAY_TASK_ID": "x"}, "not numbers"),
    ],
)
def test_what_is_no_regular_slurm_array_is_refused(environment: Any, why: Any) -> None:
    with pytest.raises(UsageFault, match=rf"E-CFG-011.*{why}"):
        parse_shard("slurm", environment)


def test_slurm_variables_count_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in slurm(2, 1, 4, 4).items():
        monkeypatch.setenv(name, value)
    assert parse_shard("slurm") == Shard(2, 4) and parse_shard("1/2") == Shard(1, 2)
