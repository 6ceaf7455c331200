"""One call per item: continue past the bad ones, list them, and fail at the end if there are too many.

Finished items are kept, so the same batch run again does only what is missing. Every batch goes through here: features,
cached frames, poses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from augrgb.core.errors import AugrgbError, InputRefused, Quarantined, did_you_mean
from augrgb.core.fault_lines import fault_lines
from augrgb.core.files import remove_leftovers, write_json
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset, VideoRecord
from augrgb.parallel.child import ChildJob
from augrgb.parallel.engine import Engine, LocalEngine

Argument = TypeVar("Argument")
Result = TypeVar("Result")
SECONDS_PER_VIDEO = 120.0
"""Time limit of every video, however short: the process has to start, a disk may be slow."""
SECONDS_PER_SECOND = 10.0
"""Seconds that a second of video may take beyond that."""
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Item(Generic[Argument]):
    """One call of a batch.

    Args:
        item_id: The video's id.
        argument: What the function is called with; picklable.
        timeout_s: How long it may take.
        name: The item in messages about its process; default: its id.
    """

    item_id: str
    argument: Argument
    timeout_s: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """A finished item: how much was made (frames, snippets), whether it was there already, and what was repaired."""

    item_id: str
    count: int
    reused: bool = False
    warnings: tuple[str, ...] = ()


Outcomes = ItemOutcome | AugrgbError | tuple[ItemOutcome | AugrgbError, ...]
"""Of one call: for its folder, or one for each of its folders."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """Outcome of a batch: finished and refused items of one folder.

    Args:
        folder: Where the results are.
        done: Finished items, in the order asked for.
        refused: (item id, fault) of those left out.
        wall_s: Seconds it took.
        held: How many of the refused ones were refused by an earlier run, and not tried again.
        name: Name of the report's file.
    """

    folder: Path
    done: tuple[ItemOutcome, ...] = ()
    refused: tuple[tuple[str, AugrgbError], ...] = field(default=())
    wall_s: float = 0.0
    held: int = 0
    name: str = "report.json"

    @property
    def reused(self) -> int:
        """Items that were finished before."""
        return sum(outcome.reused for outcome in self.done)

    def summary(self) -> str:
        """One sentence for people: how many were made, were there before, were refused, carry warnings."""
        warned = [outcome for outcome in self.done if outcome.warnings]
        text = f"{len(self.done)} videos done ({self.reused} before), {len(self.refused)} refused"
        if self.held:
            text += f" ({self.held} before; --retry tries them again)"
        if warned:
            text += f", {len(warned)} with warnings such as {warned[0].item_id}: {warned[0].warnings[0]}"
        return f"{text}. All in {self.folder / self.name}"

    def to_json(self) -> dict[str, Any]:
        """The report's plain values, as they are written."""
        return {
            "schema": "augrgb.batch/1",
            "done": len(self.done),
            "reused": self.reused,
            "refused": [
                {
                    "video": _text(item_id),
                    "code": fault.code,
                    "message": _text(str(fault)),
                    "remedy": _text(fault.remedy),
                }
                for item_id, fault in self.refused
            ],
            "warnings": {_text(one.item_id): list(map(_text, one.warnings)) for one in self.done if one.warnings},
            "counts": {_text(outcome.item_id): outcome.count for outcome in self.done},
            "wall_s": round(self.wall_s, 3),
        }

    def write(self) -> None:
        """Write the report into the folder."""
        write_json(self.folder / self.name, self.to_json())


@dataclass
class Ledger:
    """One folder while a batch fills it.

    Args:
        folder: Where the results go.
        item_ids: Every item that is wanted, in the order of the report.
        name: Name of the report's file.
        on_outcome: Called with every (item id, outcome) of this run, such as to keep a note of refused items.
    """

    folder: Path
    item_ids: Sequence[str]
    name: str = "report.json"
    on_outcome: Callable[[str, ItemOutcome | AugrgbError], None] | None = None
    outcomes: dict[str, ItemOutcome | AugrgbError] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)

    def hold(self, item_id: str, fault: AugrgbError) -> None:
        """Leave out an item that an earlier run refused."""
        self.outcomes[item_id] = fault
        self.held.add(item_id)

    def note(self, item_id: str, outcome: ItemOutcome | AugrgbError) -> None:
        """Keep an item's outcome."""
        self.outcomes[item_id] = outcome
        if self.on_outcome is not None:
            self.on_outcome(item_id, outcome)

    def report(self, wall_s: float) -> BatchReport:
        """The report, once every item has an outcome."""
        ended = [(item_id, self.outcomes[item_id]) for item_id in self.item_ids]
        done = tuple(outcome for _, outcome in ended if isinstance(outcome, ItemOutcome))
        refused = tuple((item_id, fault) for item_id, fault in ended if isinstance(fault, AugrgbError))
        return BatchReport(self.folder, done, refused, wall_s, len(self.held), self.name)


def run_batch(
    function: Callable[[Argument], ItemOutcome],
    items: Sequence[Item[Argument]],
    folder: Path,
    *,
    engine: Engine | None = None,
    allow_failures: int = 0,
    progress: Progress | None = None,
) -> BatchReport:
    """Call a function for every item, each in a limited child process, and write `report.json` into the folder.

    Args:
        function: Writes an item's result into the folder; keeps one that is finished. Picklable by name.
        items: With ids that differ.
        folder: Where the results go.
        engine: Where the work is done; default: one child process per core.
        allow_failures: How many items may be refused.
        progress: Called with (finished, all) items.

    Raises:
        Quarantined: E-VID-020, more items were refused than `allow_failures`; everything else is finished.
        EnvironmentFault: The disk or memory; finished items are kept.
    """
    remove_leftovers(folder)
    ledger = Ledger(folder, [item.item_id for item in items])
    work = [(item, (ledger,)) for item in items]
    return fill_ledgers(
        function, work, [ledger], engine=engine or LocalEngine(), allow_failures=allow_failures, progress=progress
    )[0]


def fill_ledgers(
    function: Callable[[Argument], Outcomes],
    work: Sequence[tuple[Item[Argument], Sequence[Ledger]]],
    ledgers: Sequence[Ledger],
    *,
    engine: Engine,
    allow_failures: int = 0,
    progress: Progress | None = None,
    began_s: float | None = None,
) -> tuple[BatchReport, ...]:
    """`run_batch` for calls that fill several folders at once, such as the features of two encoders.

    Args:
        function: Returns one outcome for each ledger of its item, or raises a fault that concerns them all.
        work: Each item and the ledgers that it fills.
        ledgers: All of them; what is held or noted already is kept.
        engine: Where the work is done.
        allow_failures: How many items may be refused, each counted once.
        progress: Called with (finished, all) calls.
        began_s: `time.monotonic()` when the command began; default: now.

    Raises:
        See `run_batch`.
    """
    began_s = time.monotonic() if began_s is None else began_s
    jobs = [ChildJob(item.name or item.item_id, item.argument, item.timeout_s) for item, _ in work]
    for ended, (number, result) in enumerate(longest_first(engine, function, jobs), start=1):
        item, filled = work[number]
        for place, ledger in enumerate(filled):
            ledger.note(item.item_id, result[place] if isinstance(result, tuple) else result)
        if progress is not None:
            progress(ended, len(jobs))
    reports = tuple(ledger.report(time.monotonic() - began_s) for ledger in ledgers)
    for report in reports:
        report.write()
    _raise_if_too_many(reports, len(ledgers[0].item_ids), allow_failures)
    return reports


def choose_videos(dataset: Dataset, video_ids: Iterable[str] | None) -> list[VideoRecord]:
    """Records of the named videos, or of all; each once.

    Raises:
        InputRefused: E-ID-004, an id the dataset does not have.
    """
    chosen = list(dict.fromkeys(dataset.videos if video_ids is None else video_ids))
    for video_id in chosen:
        if video_id not in dataset.videos:
            raise InputRefused(
                "E-ID-004", dataset.name, f"no video {video_id!r}", did_you_mean(video_id, dataset.videos)
            )
    return [dataset.videos[video_id] for video_id in chosen]


def longest_first(
    engine: Engine, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]]
) -> Iterator[tuple[int, Result | AugrgbError]]:
    """Run jobs so that no core is left with a long one at the end; numbers are those of `jobs`."""
    order = sorted(range(len(jobs)), key=lambda number: -jobs[number].timeout_s)
    for place, outcome in engine(function, [jobs[number] for number in order]):
        yield order[place], outcome


def _raise_if_too_many(reports: Sequence[BatchReport], items: int, allowed: int) -> None:
    refused = [(item_id, fault) for report in reports for item_id, fault in report.refused]
    count = len({item_id for item_id, _ in refused})
    if count > allowed:
        unique = {(item_id, str(fault)): fault for item_id, fault in refused}
        lines = [f"  {line}" for line in fault_lines(list(unique.values()), [item_id for item_id, _ in unique])]
        shown = "\n".join(lines[:_SHOWN]) + (f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else "")
        problem = f"{count} of {items} videos were refused, {allowed} allowed:\n{shown}\n"
        files = ", ".join(str(report.folder / report.name) for report in reports if report.refused)
        again = (
            " Add --retry to try those again that an earlier run refused." if any(one.held for one in reports) else ""
        )
        raise Quarantined("E-VID-020", reports[0].folder, problem, f"The others are finished; see {files}.{again}")


def _text(value: str) -> str:
    """Names of files and videos need not be text, JSON must be."""
    return value.encode("utf-8", "replace").decode()
