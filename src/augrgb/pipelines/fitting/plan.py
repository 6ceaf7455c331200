"""What a fit will do: how videos are held out, teachers, steps, time and disk, with reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from augrgb.core.errors import UsageFault
from augrgb.core.types import Dataset
from augrgb.parallel.workers import worker_count
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.fitting.design import Design, usable_sensors
from augrgb.pipelines.fitting.project import Project
from augrgb.pipelines.fitting.recipe import BATCH, STREAM_BATCH, STUDENTS, Steps, make_recipe
from augrgb.pipelines.fitting.speed import STREAM_LENGTH, Speed
from augrgb.report.numbers import counted, duration

ENCODER_STEPS, LARGE_STEPS, STREAM_STEPS = 1200, 300, 200
_LEAST_ENCODER_STEPS, _EPOCHS = 300, 60
LEAST_SHARE = 0.05
_RESERVE = 0.1  # of a budget, for what the estimate does not know
_START_S, _FINISH_S, _JOB_S = 8.0, 10.0, 0.7
_TAUGHT = 1.15  # a step with teachers, against one without
_ENCODER_BYTES, _LARGE_BYTES, _STREAM_BYTES = 14e6, 95e6, 8.5e6  # run folders with their checkpoints
_THIS_BYTES, _WORKER_BYTES = 330e6, 240e6  # memory of the program, and of each of its processes without any data
_DECODER_BYTES, _HELD_FRAMES = 60e6, 24
_PER_HELD = 3.8  # memory of an encoder's process for a byte that a training step holds (measured: docs/benchmarks.md)


@dataclass(frozen=True)
class Stage:
    """One row of the plan. Time, bytes on disk, and the most memory that is needed at once."""

    name: str
    choice: str
    reason: str
    seconds: float = 0.0
    disk_bytes: float = 0.0
    memory_bytes: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The stages, and what carries them out.

    Args:
        stages: For people.
        project: As it is used.
        design: Splits.
        teachers: Modalities.
        steps: Of trainings.
        speed: Of this machine, from which the times are estimated.
        workers: Processes that the times are for.
        refused_sensors: Modality -> why it does not teach.
    """

    stages: tuple[Stage, ...]
    project: Project
    design: Design
    teachers: tuple[str, ...]
    steps: Steps
    speed: Speed
    workers: int = 1
    refused_sensors: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Estimate of the whole."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def disk_bytes(self) -> float:
        """Estimate of what will lie on disk."""
        return sum(stage.disk_bytes for stage in self.stages)

    @property
    def memory_bytes(self) -> float:
        """Estimate of the most memory that is needed at once, by all processes together."""
        return max(stage.memory_bytes for stage in self.stages)

    def recipe(self, work: Path, dataset: Dataset) -> ComparisonRecipe:
        """The comparison whose cells are needed."""
        lacking = sum(
            any(dataset.videos[name].source(kind) is None for kind in self.teachers) for name in self.design.videos
        )
        return make_recipe(self.project, self.design, self.teachers, self.steps, work, lacking=lacking)


def make_plan(
    project: Project,
    design: Design,
    dataset: Dataset,
    speed: Speed,
    *,
    budget_s: float | None = None,
    workers: int | None = None,
) -> Plan:
    """Choose teachers and steps.

    Args:
        speed: Of this machine.
        budget_s: Training is shortened, as a complete schedule, until the estimate fits; if that is not enough, a
            large encoder gives way to the small one.
        workers: Processes; default: one per core.

    Raises:
        UsageFault: E-RUN-012, the budget is too small.
    """
    senses = usable_sensors(design, dataset) if project.sensors else {}
    teachers = ("flow", *(kind for kind, why in senses.items() if not why))
    processes = max(1, worker_count(workers))
    why = "the standard schedule"
    shares = [1.0]
    if budget_s is not None:
        shares = [s for s in (1.0, *(0.95**n for n in range(1, 60))) if s >= LEAST_SHARE] + [LEAST_SHARE]
    for encoder in dict.fromkeys((project.encoder, "small")) if budget_s is not None else (project.encoder,):
        used = project if encoder == project.encoder else project.model_copy(update={"encoder": "small"})
        if used is not project:
            used = used.model_copy(update={"size": project.frames_size})
        for share in shares:
            steps = _steps(used, design, dataset, share)
            plan = _plan(
                used, design, dataset, speed, teachers, senses, steps, processes, _why(share, why, used, project)
            )
            if budget_s is None or plan.seconds <= budget_s * (1 - _RESERVE):
                return plan
    assert budget_s is not None
    video_s = sum(dataset.videos[name].known_duration_s for name in design.videos)
    problem = f"{duration(budget_s)} are too short for {duration(video_s)} of video"
    least = math.ceil(plan.seconds / (1 - _RESERVE) / 60)
    raise UsageFault("E-RUN-012", "budget", problem, f"Give at least {least}m, or use fewer videos.")


def _why(share: float, usual: str, used: Project, project: Project) -> str:
    shorter = usual if share == 1 else f"{100 * share:.0f} % of the standard schedule, to fit the budget"
    return shorter if used.encoder == project.encoder else f"{shorter}; {project.encoder} would not fit"


def _steps(project: Project, design: Design, dataset: Dataset, share: float) -> Steps:
    """Steps for the data: 60 rounds of it are enough, and so are 1200 steps."""
    train_s = sum(dataset.videos[name].known_duration_s for name in design.splits[design.final]["encoder"])
    rounds = _EPOCHS * train_s * project.clock.fps / project.clock.stride / BATCH
    encoder = min(ENCODER_STEPS, max(_LEAST_ENCODER_STEPS, round(rounds)))
    return Steps(
        max(2, round(share * encoder)),
        max(2, round(share * STREAM_STEPS)),
        max(2, round(share * min(LARGE_STEPS, encoder))),
    )


def _plan(
    project: Project,
    design: Design,
    dataset: Dataset,
    speed: Speed,
    teachers: tuple[str, ...],
    senses: Mapping[str, str],
    steps: Steps,
    workers: int,
    why: str,
) -> Plan:
    video_s = sum(dataset.videos[name].known_duration_s for name in design.videos)
    frames, snippets = video_s * project.clock.fps, video_s * project.clock.fps / project.clock.stride
    large = project.encoder == "efficientnet_lite"
    usual = project.encoder == "small"
    pixels = project.frames_size[0] * project.frames_size[1]
    wide = project.size[0] * project.size[1]
    models = len(design.splits) * (len(teachers) + 2)
    if design.folds and not design.tested:
        models -= 1  # of the final ones only what the bundle needs
    student_s = (steps.pretrained if large else steps.encoder) * (speed.plain_step if usual else speed.large_step)
    encode_s = _quick_s(speed) if usual else speed.encode
    stream_s = steps.stream * speed.stream_step * _of_measured_length(project, design, dataset)
    costs = _costs(design, teachers, steps, speed, snippets, student_s=student_s, encode_s=encode_s, stream_s=stream_s)
    wall_s = sum(_scheduled(phase, workers) for phase in costs)
    every = [job for phase in costs for job in phase.values()]
    total_s = sum(seconds for seconds, *_ in every)

    def stage_s(name: str) -> float:
        return wall_s * sum(seconds for seconds, stage, _ in every if stage == name) / max(total_s, 1e-9)

    held_bytes = speed.plain_bytes if usual else max(speed.plain_bytes, speed.large_bytes)
    busy = min(workers, models)

    def memory(each_bytes: float) -> float:
        return _THIS_BYTES + busy * (_WORKER_BYTES + each_bytes)

    length = f"{steps.encoder} steps each" + (f" ({steps.pretrained} of RGB)" if large else "")
    held = f"{len(design.folds)} folds and the final models" if design.folds else "one held-out part"
    others = "; ".join(f"{kind}: {reason or _having(dataset, design, kind)}" for kind, reason in senses.items())
    stages = (
        Stage("data", f"{held}: {_counts(design)}", design.why),
        Stage(
            "frames",
            f"{project.clock.fps:g} fps, {project.size[0]}x{project.size[1]}, RGB, flow",
            f"{counted(len(design.videos), 'video')}, {duration(video_s)}",
            video_s * speed.decode / workers + _START_S,
            frames * (wide * 3 + pixels * 2),
            _THIS_BYTES + min(workers, len(design.videos)) * (_DECODER_BYTES + _HELD_FRAMES * 1.5 * speed.frame_pixels),
        ),
        Stage("teachers", " and ".join(teachers), f"flow needs no sensor; {others or 'there are no other sensors'}"),
        Stage(
            "encoders",
            f"{counted(models, 'encoder')}, {length}" + ("" if usual else f"; RGB: {project.encoder}"),
            why,
            stage_s("encoders"),
            models * _ENCODER_BYTES + (2 * len(design.splits) * (_LARGE_BYTES - _ENCODER_BYTES) if large else 0),
            memory(_PER_HELD * held_bytes),
        ),
        Stage(
            "features",
            f"a snippet every {project.clock.stride / project.clock.fps:.2f} s",
            "the project's clock",
            stage_s("features"),
            models * (snippets * (2560 if large else 128) * 4 + 1.2e6),
            memory(held_bytes),
        ),
        Stage(
            "streams",
            f"{counted(models, 'stream')}, {steps.stream} steps each, {project.layers} layers" + _ahead(project),
            why,
            stage_s("streams"),
            models * _STREAM_BYTES,
            memory(60e6),
        ),
        Stage("report", "thresholds, tables, timelines, film strips", "", _FINISH_S, 3e6, 2 * _THIS_BYTES),
    )
    refused = {kind: reason for kind, reason in senses.items() if reason}
    return Plan(stages, project, design, teachers, steps, speed, workers, refused)


def _ahead(project: Project) -> str:
    snippets = project.look_ahead_snippets
    if snippets is None:
        return ""
    return f"; the detector sees {snippets * project.clock.stride / project.clock.fps:.2f} s ahead, for augrgb watch"


def _counts(design: Design) -> str:
    roles = design.splits[design.final]
    if design.folds:
        return f"{len(design.judged)} videos" + (f", {len(design.tested)} for the test" if design.tested else "")
    return f"{len(roles['train'])} to train, {len(roles['val'])} validation, {len(roles['test'])} test"


def _having(dataset: Dataset, design: Design, kind: str) -> str:
    count = sum(dataset.videos[name].source(kind) is not None for name in design.videos)
    return f"{count} of {len(design.videos)} videos have it"


_Job = tuple[float, str, tuple[str, ...]]


def _costs(
    design: Design,
    teachers: Sequence[str],
    steps: Steps,
    speed: Speed,
    snippets: float,
    *,
    student_s: float,
    encode_s: float,
    stream_s: float,
) -> list[dict[str, _Job]]:
    """The jobs of each phase: seconds, stage, what they wait for."""

    def jobs(split: str, students: Sequence[str]) -> dict[str, _Job]:
        found: dict[str, _Job] = {}
        for name in dict.fromkeys((*teachers, "rgb", *students)):
            seconds = student_s if name in STUDENTS else steps.encoder * speed.plain_step
            taught = name == "augmented"
            waits = tuple(f"encoder {one} {split}" for one in (*teachers, "rgb")) if taught else ()
            found[f"encoder {name} {split}"] = (_JOB_S + seconds * (_TAUGHT if taught else 1), "encoders", waits)
            each_s = encode_s if name in STUDENTS else _quick_s(speed)
            found[f"features {name} {split}"] = (_JOB_S + snippets * each_s, "features", (f"encoder {name} {split}",))
        for name in dict.fromkeys((*teachers, *students)):
            waits = (f"features {name} {split}",)
            if name == "augmented":
                waits += tuple(f"stream {one} {split}" for one in teachers)
            factor = 1.5 if name == "augmented" else 1.0
            seconds = _JOB_S + stream_s * factor
            found[f"stream {name} {split}"] = (seconds, "streams", waits)
        return found

    if not design.folds:
        return [jobs(design.final, list(STUDENTS))]
    folds: dict[str, _Job] = {}
    for fold in design.folds:
        folds |= jobs(fold, list(STUDENTS))
    return [folds, jobs(design.final, list(STUDENTS) if design.tested else ["augmented"])]


def _of_measured_length(project: Project, design: Design, dataset: Dataset) -> float:
    """How many times as long as in the measurement a batch of whole videos is, all padded to the longest of them."""
    ids = design.splits[design.final]["train"] or design.videos
    longest_s = max(dataset.videos[name].known_duration_s for name in ids)
    length = longest_s * project.clock.fps / project.clock.stride * min(STREAM_BATCH, len(ids))
    return max(1.0, length / (STREAM_BATCH * STREAM_LENGTH))


def _quick_s(speed: Speed) -> float:
    """Features of a snippet by a small encoder."""
    return speed.plain_step / 3 / BATCH


def _scheduled(jobs: Mapping[str, _Job], workers: int) -> float:
    """Seconds until all are done on some processes, in the order in which the runner starts them."""
    ends: dict[str, float] = {}
    running: dict[str, float] = {}
    waiting, now = dict(jobs), 0.0
    while waiting or running:
        for name in [n for n, job in waiting.items() if all(need in ends for need in job[2])][: workers - len(running)]:
            running[name] = now + waiting.pop(name)[0]
        first = min(running, key=lambda name: running[name])
        now = running.pop(first)
        ends[first] = now
    return now
