"""A training run, ready to start: what `fit` needs, and what is written beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.core.files import write_json
from augrgb.core.progress import Progress
from augrgb.training.loop import fit
from augrgb.training.processes import make_fabric
from augrgb.training.run.folder import RunFolder
from augrgb.training.settings import FitResult, FitSettings
from augrgb.training.task import Task
from augrgb.training.teachers.mixing import TeacherMixing

TEACHER_MIXING = "teacher_mixing.json"


@dataclass(frozen=True)
class Assembly:
    """A task with its settings.

    Args:
        task: What to train.
        settings: How.
        recipe: Recorded with the run and compared on resuming; plain JSON.
        classes: Class names.
        mixing: The teacher mixing, if it was learned.
    """

    task: Task
    settings: FitSettings
    recipe: Mapping[str, Any]
    classes: tuple[str, ...]
    mixing: TeacherMixing | None = None

    def train(
        self,
        folder: Path,
        *,
        gpu: int | None = None,
        progress: Progress | None = None,
        beside: Callable[[], None] | None = None,
    ) -> FitResult:
        """Train into a run folder; a finished run is returned, an interrupted one resumes.

        Args:
            folder: The run folder.
            gpu: Number of the GPU to train on, if the accelerator is `cuda`; None = the first.
            progress: Called with (steps done, steps in all).
            beside: Writes more files into the folder, before the run counts as finished.

        Raises:
            AugrgbError: See `fit`.
        """
        settings = self.settings

        def write() -> None:
            if self.mixing is not None:
                write_json(folder / TEACHER_MIXING, self.mixing.to_json(self.classes))
            if beside is not None:
                beside()

        return fit(
            self.task,
            RunFolder(folder),
            settings,
            recipe=self.recipe,
            fabric=make_fabric(accelerator=settings.accelerator, precision=settings.precision, gpu=gpu),
            progress=(lambda done, total, _: progress(done, total)) if progress is not None else None,
            beside=write,
        )
