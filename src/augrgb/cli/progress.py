"""Progress bars on stderr, one per stage; plain lines where stderr is no terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class StageBars:
    """One bar per stage, made when the stage starts."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, quiet=os.environ.get("RANK", "0") != "0")
        self._live = self._console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> StageBars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def update(self, stage: str, fraction: float) -> None:
        """Show that `fraction` of the stage is done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=1.0)
            self._started[stage] = time.monotonic()
        self._bars.update(self._tasks[stage], completed=fraction)
        if not self._live:
            self._say(stage, fraction)

    def counter(self, stage: str) -> Callable[[int, int], None]:
        """A callback `(done, total)` for one stage."""
        return lambda done, total: self.update(stage, done / max(total, 1))

    def _say(self, stage: str, fraction: float) -> None:
        # A log file wants few lines: every quarter, and the end.
        quarter = int(fraction * 4 + 1e-9)
        if self._said.get(stage, -1) < quarter:
            self._said[stage] = quarter
            seconds = time.monotonic() - self._started[stage]
            self._console.print(f"{stage}: {100 * fraction:.0f} % after {seconds:.0f} s", highlight=False)
