"""One piece of work per video: go on past the bad ones, list them, and fail at the end if they are too many."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from augrgb.core.errors import AugrgbError, InputRefused, Quarantined, did_you_mean
from augrgb.core.files import remove_leftovers, write_json
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset, VideoRecord
from augrgb.parallel.child import ChildJob, ChildLimits, run_children
from augrgb.parallel.devices import begin_on

Argument = TypeVar("Argument")
Result = TypeVar("Result")
SECONDS_PER_VIDEO = 120.0
"""Time that every video may take, however short: start of the process, a slow disk."""
SECONDS_PER_SECOND = 10.0
"""Time that a second of video may take beyond that."""


class Engine(Protocol):
    """Something that calls a function for every job, somewhere, and gives (job number, result or fault) as they end."""

    @property
    def device(self) -> str:
        """Where networks run in its workers: `cpu`, `cuda:N`, or `cuda`, the GPU that each worker was given."""

    def __call__(
        self, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]], /
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        """Run all jobs; an `EnvironmentFault` is raised."""


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Child processes of this one, each with limits; 0 workers = here, without protection.

    Args:
        workers: How many.
        limits: What one video may take.
        devices: Where networks run (see `chosen_devices`); several GPUs are given to the workers in turn.
    """

    workers: int = 1
    limits: ChildLimits = field(default_factory=ChildLimits)
    devices: tuple[str, ...] = ("cpu",)

    @property
    def device(self) -> str:
        """See `Engine`."""
        return self.devices[0] if len(self.devices) == 1 else "cuda"

    def __call__(
        self, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]], /
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        """See `Engine`."""
        on_gpus = self.devices != ("cpu",)
        warm_up = functools.partial(begin_on, self.devices) if on_gpus else None
        return run_children(function, jobs, self.workers, limits=self.limits, warm_up=warm_up)


@dataclass(frozen=True, slots=True)
class VideoOutcome:
    """What became of one video: how much was made, whether it was there already, and what was repaired."""

    video_id: str
    count: int
    reused: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of all.

    Args:
        done: Finished videos, in the order asked for.
        refused: (video id, fault) of those left out.
        wall_s: Seconds it took.
        held: How many of the refused ones were refused by an earlier run, and not tried again.
        name: Name of the report's file.
    """

    folder: Path
    done: tuple[VideoOutcome, ...] = ()
    refused: tuple[tuple[str, AugrgbError], ...] = field(default=())
    wall_s: float = 0.0
    held: int = 0
    name: str = "report.json"

    @property
    def reused(self) -> int:
        """Videos that were finished before."""
        return sum(outcome.reused for outcome in self.done)

    def summary(self) -> str:
        """One sentence for people: how many were made, were there before, were refused, carry warnings."""
        warned = [outcome for outcome in self.done if outcome.warnings]
        told = f"{len(self.done)} videos done ({self.reused} before), {len(self.refused)} refused"
        if self.held:
            told += f" ({self.held} before; --retry tries them again)"
        if warned:
            told += f", {len(warned)} with warnings such as {warned[0].video_id}: {warned[0].warnings[0]}"
        return f"{told}. All in {self.folder / self.name}"

    def write(self) -> None:
        """Write the report into the folder."""
        write_json(
            self.folder / self.name,
            {
                "schema": "augrgb.batch/1",
                "done": len(self.done),
                "reused": self.reused,
                "refused": [
                    {
                        "video": _text(video_id),
                        "code": fault.code,
                        "message": _text(str(fault)),
                        "remedy": _text(fault.remedy),
                    }
                    for video_id, fault in self.refused
                ],
                "warnings": {_text(one.video_id): list(map(_text, one.warnings)) for one in self.done if one.warnings},
                "counts": {_text(outcome.video_id): outcome.count for outcome in self.done},
                "wall_s": round(self.wall_s, 3),
            },
        )


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


def run_per_video(
    function: Callable[[Argument], VideoOutcome],
    work: Sequence[tuple[VideoRecord, Argument]],
    folder: Path,
    *,
    workers: int,
    progress: Progress | None,
    allow_failures: int,
) -> BatchReport:
    """Call a function for every video in limited child processes (0 workers = in this one), and write `report.json`.

    Raises:
        Quarantined: E-VID-020, more videos were refused than `allow_failures`; everything else is finished.
        EnvironmentFault: The disk or memory; finished videos are kept.
    """
    remove_leftovers(folder)
    began_s = time.monotonic()
    jobs = [
        ChildJob(record.video_id, argument, SECONDS_PER_VIDEO + SECONDS_PER_SECOND * record.duration_s)
        for record, argument in work
    ]
    done: dict[int, VideoOutcome] = {}
    refused: dict[int, AugrgbError] = {}
    for number, outcome in longest_first(LocalEngine(workers), function, jobs):
        if isinstance(outcome, AugrgbError):
            refused[number] = outcome
        else:
            done[number] = outcome
        if progress is not None:
            progress(len(done) + len(refused), len(jobs))
    report = BatchReport(
        folder,
        tuple(done[number] for number in sorted(done)),
        tuple((jobs[number].name, refused[number]) for number in sorted(refused)),
        time.monotonic() - began_s,
    )
    report.write()
    raise_if_too_many([report], len(jobs), allow_failures)
    return report


def raise_if_too_many(reports: Sequence[BatchReport], videos: int, allowed: int) -> None:
    """Fail if more videos than allowed were refused, each counted once; tells the first ten and where all are.

    Raises:
        Quarantined: E-VID-020.
    """
    refused = [(video_id, fault) for report in reports for video_id, fault in report.refused]
    count = len({video_id for video_id, _ in refused})
    if count > allowed:
        lines = list(dict.fromkeys(f"  {video_id}: {fault}" for video_id, fault in refused))
        shown = "\n".join(lines[:10]) + (f"\n  and {len(lines) - 10} more" if len(lines) > 10 else "")
        problem = f"{count} of {videos} videos were refused, {allowed} allowed:\n{shown}\n"
        files = ", ".join(str(report.folder / report.name) for report in reports if report.refused)
        again = " Those refused before are tried again with --retry." if any(one.held for one in reports) else ""
        raise Quarantined("E-VID-020", reports[0].folder, problem, f"The others are finished; see {files}.{again}")


def _text(value: str) -> str:
    """Names of files and videos need not be text, JSON must be."""
    return value.encode("utf-8", "replace").decode()
