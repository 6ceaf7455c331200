"""One piece of work per video: go on past the bad ones, list them, and fail at the end if they are too many."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from augrgb.core.errors import AugrgbError, InputRefused, Quarantined, did_you_mean
from augrgb.core.safe_files import remove_leftovers, write_json
from augrgb.core.types import Dataset, VideoRecord
from augrgb.video.child_jobs import ChildJob, run_children

Argument = TypeVar("Argument")
Progress = Callable[[int, int], None]
_SECONDS_PER_VIDEO = 120.0
_SECONDS_PER_SECOND = 10.0


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
    """

    folder: Path
    done: tuple[VideoOutcome, ...] = ()
    refused: tuple[tuple[str, AugrgbError], ...] = field(default=())
    wall_s: float = 0.0

    @property
    def reused(self) -> int:
        """Videos that were finished before."""
        return sum(outcome.reused for outcome in self.done)

    def summary(self) -> str:
        """One sentence for people: how many were made, were there before, were refused, carry warnings."""
        warned = [outcome for outcome in self.done if outcome.warnings]
        told = f"{len(self.done)} videos done ({self.reused} before), {len(self.refused)} refused"
        if warned:
            told += f", {len(warned)} with warnings such as {warned[0].video_id}: {warned[0].warnings[0]}"
        return f"{told}. All in {self.folder / 'report.json'}"

    def write(self) -> None:
        """Write `report.json` into the folder."""
        write_json(
            self.folder / "report.json",
            {
                "schema": "augrgb.batch/1",
                "done": len(self.done),
                "reused": self.reused,
                "refused": [
                    {"video": video_id, "code": fault.code, "message": str(fault)} for video_id, fault in self.refused
                ],
                "warnings": {outcome.video_id: list(outcome.warnings) for outcome in self.done if outcome.warnings},
                "counts": {outcome.video_id: outcome.count for outcome in self.done},
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


def run_per_video(
    function: Callable[[Argument], VideoOutcome],
    work: Sequence[tuple[VideoRecord, Argument]],
    folder: Path,
    *,
    workers: int,
    progress: Progress | None,
    allow_failures: int,
) -> BatchReport:
    """Call a function for every video in child processes (0 workers = in this one), and write `report.json`.

    Raises:
        Quarantined: E-VID-020, more videos were refused than `allow_failures`; everything else is finished.
        EnvironmentFault: The disk or memory; finished videos are kept.
    """
    remove_leftovers(folder)
    began_s = time.monotonic()
    jobs = [
        ChildJob(record.video_id, argument, _SECONDS_PER_VIDEO + _SECONDS_PER_SECOND * record.duration_s)
        for record, argument in work
    ]
    done: dict[int, VideoOutcome] = {}
    refused: dict[int, AugrgbError] = {}
    for number, outcome in run_children(function, jobs, workers):
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
    if len(refused) > allow_failures:
        shown = "\n".join(f"  {video_id}: {fault}" for video_id, fault in report.refused[:10])
        problem = f"{len(refused)} of {len(jobs)} videos were refused, {allow_failures} allowed:\n{shown}\n"
        raise Quarantined("E-VID-020", folder, problem, f"The others are finished; see {folder / 'report.json'}.")
    return report
