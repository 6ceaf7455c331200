"""The one batch loop: finished, refused, reports, and how many may be refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import InputRefused, Quarantined
from augrgb.parallel.batch import Item, ItemOutcome, Ledger, fill_ledgers, run_batch
from augrgb.parallel.engine import LocalEngine

HERE = LocalEngine(0)


def make(item_id: Any) -> Any:
    if item_id.startswith("bad"):
        raise InputRefused("E-VID-001", item_id, "cannot be read", "Leave it out.")
    return ItemOutcome(item_id, 3, reused=item_id == "old", warnings=("short",) if item_id == "odd" else ())


def items(*names: Any) -> Any:
    return [Item(name, name, 10.0 + len(name)) for name in names]


def test_bad_items_are_listed_and_the_others_finished(tmp_path: Path) -> None:
    seen = []
    batch = items("a", "bad", "old", "odd")
    report = run_batch(
        make, batch, tmp_path, engine=HERE, allow_failures=1, progress=lambda done, total: seen.append((done, total))
    )
    assert [outcome.item_id for outcome in report.done] == ["a", "old", "odd"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert "3 videos done (1 before), 1 refused, 1 with warnings such as odd: short" in report.summary()
    written = json.loads((tmp_path / "report.json").read_text())
    assert written.pop("wall_s") >= 0
    assert written == {
        "schema": "augrgb.batch/1",
        "done": 3,
        "reused": 1,
        "refused": [
            {
                "video": "bad",
                "code": "E-VID-001",
                "message": "E-VID-001 bad: cannot be read. Leave it out.",
                "remedy": "Leave it out.",
            }
        ],
        "warnings": {"odd": ["short"]},
        "counts": {"a": 3, "odd": 3, "old": 3},
    }


def test_more_refused_than_allowed_fails_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(Quarantined, match=r"E-VID-020.*2 of 3 videos were refused, 1 allowed"):
        run_batch(make, items("bad1", "a", "bad2"), tmp_path, engine=HERE, allow_failures=1)
    assert json.loads((tmp_path / "report.json").read_text())["counts"] == {"a": 3}


def make_for_two(item_id: Any) -> Any:
    if item_id == "bad for all":
        raise InputRefused("E-VID-001", item_id, "cannot be read")
    if item_id == "bad for one":
        return ItemOutcome(item_id, 1), InputRefused("E-FEA-006", item_id, "too short")
    return ItemOutcome(item_id, 1), ItemOutcome(item_id, 2)


def test_one_call_fills_several_folders(tmp_path: Path) -> None:
    noted, names = [], ["x", "bad for one", "bad for all", "held"]
    first = Ledger(tmp_path / "1", names)
    second = Ledger(tmp_path / "2", names, on_outcome=lambda item_id, outcome: noted.append((item_id, type(outcome))))
    for ledger in (first, second):
        ledger.hold("held", InputRefused("E-VID-002", "held", "empty"))
    work = [(item, (first, second)) for item in items(*names[:3])]
    reports = fill_ledgers(make_for_two, work, [first, second], engine=HERE, allow_failures=3)
    assert [[outcome.count for outcome in report.done] for report in reports] == [[1, 1], [2]]
    assert [[name for name, _ in report.refused] for report in reports] == [names[2:], names[1:]]
    assert [report.held for report in reports] == [1, 1] and len(noted) == 3
