from pathlib import Path

from augrgb.parallel.jobs import StageCost
from augrgb.pipelines.comparison.costs import TOTAL, keep_costs, total_of


def test_costs_are_those_of_the_run_that_did_the_work(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    first = (StageCost("world", 20.0, 38.0, 500.0), StageCost("streams", 70.0, 120.0, 900.0))
    whole = total_of(first, 80.0)
    assert (whole.wall_s, whole.cpu_s, whole.peak_mib) == (80.0, 158.0, 900.0)
    assert keep_costs(path, (whole, *first)) == (*first, whole)
    more = StageCost("more", 5.0, 5.0, 5.0)
    again = (StageCost("world", 1.0, 1.0, 300.0), more, StageCost(TOTAL, 9.0, 9.0, 300.0))
    assert set(keep_costs(path, again)) == {*first, more, whole}
    assert keep_costs(path, ())[-1] == whole


def test_nothing_measured_is_nothing_written(tmp_path: Path) -> None:
    assert keep_costs(tmp_path / "costs.json", ()) == () and not list(tmp_path.iterdir())
