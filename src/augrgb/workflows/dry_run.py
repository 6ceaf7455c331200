"""Check everything that training needs before it starts: all faults at once, nothing written."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import psutil

from augrgb.annotations.dataset_file import ROLES, check_dataset
from augrgb.annotations.published import PUBLISHED, count_differences
from augrgb.core.errors import AugrgbError, EnvironmentFault, FaultList, InputRefused, UsageFault, did_you_mean
from augrgb.core.files import check_output_folder, existing_parent
from augrgb.core.types import Dataset
from augrgb.training.assembly import Assembly

Verdict = Literal["ok", "note", "fault"]


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table: what was checked, what was found, what is expected."""

    what: str
    found: str
    expected: str
    verdict: Verdict


@dataclass
class DryRun:
    """Everything that was checked, and everything that would stop the training."""

    checks: list[Check] = field(default_factory=list)
    faults: list[AugrgbError] = field(default_factory=list)

    def ok(self, what: str, found: str, expected: str = "") -> None:
        """A check that passed."""
        self.checks.append(Check(what, found, expected, "ok"))

    def note(self, what: str, found: str, expected: str = "") -> None:
        """Something to know; training would run."""
        self.checks.append(Check(what, found, expected, "note"))

    def refuse(self, what: str, faults: Iterable[AugrgbError], found: str = "", expected: str = "") -> None:
        """Something that stops the training.

        A fault that was reported before is not reported again.
        """
        flat = [single for fault in faults for single in (fault.faults if isinstance(fault, FaultList) else [fault])]
        message = (
            found or f"{len(flat)} fault{'s' if len(flat) > 1 else ''}: {', '.join(sorted({f.code for f in flat}))}"
        )
        self.checks.append(Check(what, message, expected, "fault"))
        known = {str(fault) for fault in self.faults}
        self.faults += [fault for fault in flat if str(fault) not in known]

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Turn a fault inside into a row of the table, and continue."""
        try:
            yield
        except AugrgbError as fault:
            self.refuse(what, [fault])


def check_annotations(
    report: DryRun, folder: Path, split: str, needed: Iterable[str], published: str | None
) -> Dataset | None:
    """Every annotation parsed, the split and its roles, and the counts that were published.

    Args:
        needed: Roles that must have videos.
        published: Name of the dataset whose counts must agree.

    Returns:
        The dataset, or None where it cannot be read.
    """
    if published is not None and published not in PUBLISHED:
        hint = did_you_mean(published, PUBLISHED)
        report.refuse("published counts", [UsageFault("E-CFG-002", "data.published", f"unknown {published!r}", hint)])
    try:
        checked = check_dataset(folder)
    except AugrgbError as fault:
        report.refuse("annotations", [fault])
        return None
    dataset = checked.dataset
    events = sum(len(video.events or ()) for video in dataset.videos.values())
    hours = sum(video.known_duration_s for video in dataset.videos.values()) / 3600
    report.ok("annotations", f"{len(dataset.videos):,} videos, {hours:.1f} h, {events:,} events, all parsed")
    for kind, count in sorted(checked.counts().items()):
        report.note("annotations", f"{count} events {kind}")
    if split not in dataset.splits:
        missing = UsageFault("E-SPL-001", dataset.name, f"no split {split!r}", did_you_mean(split, dataset.splits))
        report.refuse("split", [missing])
        return dataset
    _check_roles(report, dataset, split, set(needed))
    if published in PUBLISHED:
        for what, found, expected, agrees in count_differences(dataset, split, PUBLISHED[published]):
            if agrees:
                report.ok(what, found, expected)
            else:
                remedy = f"The download is not complete, or not {published}. ({PUBLISHED[published].source})"
                problem = f"{found} {what}, published: {expected}"
                report.refuse(what, [InputRefused("E-DRY-001", dataset.name, problem, remedy)], found, expected)
    return dataset


def _check_roles(report: DryRun, dataset: Dataset, split: str, needed: set[str]) -> None:
    roles = dataset.splits[split]
    sizes = ", ".join(f"{name} {len(roles[name]):,}" for name in ROLES if roles.get(name))
    empty = sorted(name for name in needed if not roles.get(name))
    if empty:
        faults = [
            UsageFault("E-SPL-007", f"{dataset.name} {split}", f"no videos in role {name!r}", f"Filled: {sizes}.")
            for name in empty
        ]
        report.refuse("split", faults, sizes, ", ".join(sorted(needed)))
    else:
        report.ok("split", f"{split}: {sizes}")
    if not roles.get("test"):
        report.note("split", "no test videos: `augrgb evaluate RUN --role val` scores the validation videos")
    labelled = [name for name in ("encoder", "train", "val", "test") if name in needed | {"val", "test"}]
    unknown = [i for name in labelled for i in roles.get(name, ()) if dataset.videos[i].events is None]
    if unknown:
        problem = f"{len(unknown)} videos of labelled roles were never annotated: {', '.join(unknown[:5])}"
        report.refuse("labels", [InputRefused("E-SPL-005", dataset.name, problem, "Move them to `unlabelled`.")])
    for name in ("train", "encoder", "test"):
        if roles.get(name) and (name in needed or name == "test"):
            used = {event.label for i in roles[name] for event in dataset.videos[i].events or ()}
            lacking = [label for label in dataset.classes if label not in used]
            if lacking:
                report.note("labels", f"{len(lacking)} classes without an event in {name}: {', '.join(lacking[:5])}")


def check_disk(report: DryRun, folder: Path, needed_bytes: float, what: str) -> None:
    """Whether there is enough disk space for what a run will write."""
    try:
        check_output_folder(folder)
    except AugrgbError as refusal:
        report.refuse("disk", [refusal], refusal.problem, f"a folder for {what}")
        return
    free = shutil.disk_usage(existing_parent(folder)).free
    found, expected = f"{free / 2**30:.2f} GiB free", f"about {needed_bytes / 2**30:.2f} GiB for {what}"
    if free < needed_bytes:
        fault = EnvironmentFault(
            "E-ENV-001", folder, f"{found}, {expected}", "Free some space, or choose another disk."
        )
        report.refuse("disk", [fault], found, expected)
    else:
        report.ok("disk", found, expected)


def check_memory(report: DryRun, needed_bytes: float, what: str) -> None:
    """Whether the estimate fits into the machine's memory; more than is free right now is a note, not a fault."""
    memory = psutil.virtual_memory()
    found = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"
    expected = f"about {needed_bytes / 2**30:.1f} GiB ({what})"
    if needed_bytes > memory.total:
        remedy = "Lower train.batch_size or the filter's width."
        report.refuse(
            "memory", [EnvironmentFault("E-ENV-004", "memory", f"{found}, {expected}", remedy)], found, expected
        )
    elif needed_bytes > memory.available:
        report.note("memory", found, expected)
    else:
        report.ok("memory", found, expected)


@dataclass(frozen=True)
class OneStep:
    """What one training step took: seconds, growth of this process's memory in bytes, and bytes on disk."""

    seconds: float
    memory: float
    written: int


def train_one_step(assembly: Assembly, where: object, gpu: int | None = None) -> OneStep:
    """Train an assembled run for one step, in a temporary folder that is removed afterwards.

    Args:
        assembly: What to train.
        where: Named in a fault.
        gpu: See `Assembly.train`.

    Raises:
        InputRefused: E-DRY-002, the loss is not finite.
        AugrgbError: See `fit`.
    """
    short = replace(assembly, settings=replace(assembly.settings, steps=1, tensorboard=False, keep="last"))
    with tempfile.TemporaryDirectory() as temporary:
        process = psutil.Process()
        before, started = process.memory_info().rss, time.monotonic()
        result = short.train(Path(temporary) / "run", gpu=gpu)
        seconds, memory = time.monotonic() - started, process.memory_info().rss - before
        written = sum(path.stat().st_size for path in Path(temporary).rglob("*") if path.is_file())
    if result.skipped_steps:
        problem = "the loss of the first step is not finite"
        raise InputRefused("E-DRY-002", where, problem, "Lower the weights of the losses.")
    return OneStep(seconds, max(0.0, float(memory)), written)
