"""The training loop: the only one, for streams, distillation and encoders.

Every step is a pure function of the seed, the step and the weights, and a checkpoint holds all that the next step
needs: a run that is killed and resumed ends in the same bytes as an uninterrupted one.
"""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.fit import fit as fit_values
from augrgb.core.seeds import derive_seed
from augrgb.core.weights import read_weights
from augrgb.training.heartbeat import Heartbeat
from augrgb.training.interrupts import Interrupted, SignalFlag, Terminated, noted_signals
from augrgb.training.processes import SharedForward, check_alike, make_fabric, on_first
from augrgb.training.run.folder import Finished, RunFolder
from augrgb.training.settings import FitResult, FitSettings
from augrgb.training.task import Task, to_device
from augrgb.training.tensorboard import Board
from augrgb.training.terms import TermValue

Progress = Callable[[int, int, Mapping[str, float]], None]
_log = logging.getLogger(__name__)


def fit(
    task: Task,
    run: RunFolder,
    settings: FitSettings,
    *,
    recipe: Mapping[str, Any] | None = None,
    fabric: Fabric | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    beside: Callable[[], None] | None = None,
    resume_anyway: bool = False,
) -> FitResult:
    """Train a task in a run folder, resuming where an earlier call stopped.

    A finished run is returned unchanged, after its files were compared with their hashes: what is damaged is written
    again from the last checkpoint, or refused. At the end the task's student holds the kept weights, which `task.save`
    has written into the folder.

    Args:
        task: What to train. Build it under `torch.manual_seed`, so that another run would start from the same weights.
        run: The run folder.
        settings: Of the loop.
        recipe: Recorded with the run and compared on resuming; plain JSON.
        fabric: Device, precision and processes (default: from `settings` and the environment).
        progress: Called with (steps done, steps in all, latest numbers).
        stop: Called after each step; True saves and stops, like Ctrl-C.
        beside: Writes more files into the folder, before the run counts as finished.
        resume_anyway: Resume although the settings differ from those the run was started with.

    Raises:
        Interrupted, Terminated: Stopped by a signal or `stop`, after a clean save.
        AugrgbError: E-RUN-001 (folder in use), E-RUN-002 (other settings), E-RUN-004 (no finite numbers), E-RUN-015
            (a finished run with damaged files that would have to be trained again), E-ENV-... (disk, device).
    """
    fabric = fabric or make_fabric(accelerator=settings.accelerator, precision=settings.precision)
    with ExitStack() as stack:
        devices = [fabric.device] if fabric.device.type == "cuda" else []
        stack.enter_context(torch.random.fork_rng(devices))  # leave the caller's random numbers alone
        heartbeat = Heartbeat(run.path, fabric.global_rank, fabric.world_size)
        stack.enter_context(heartbeat.watching())
        on_first(fabric, lambda: stack.enter_context(run.locked()))
        identity = {
            "settings": settings.to_json(),
            "task": task.identity(),
            "recipe": dict(recipe or {}),
            "processes": fabric.world_size,
        }
        check_alike(fabric, identity, run.path)
        on_first(fabric, lambda: run.begin(identity, resume_anyway=resume_anyway))
        done, damage = on_first(fabric, lambda: _look_at_finished(run))
        if done is not None and not damage:
            result = FitResult(**done.result)
            _load_kept(task, run, done.selected or _FORMER, fabric)
            if beside is not None and not done.files:  # of a version that did not list them
                on_first(fabric, beside)
            return result
        loop = _Loop(task, run, settings, fabric, progress, beside)
        stack.callback(loop.close)
        loop.resume(damage)
        signals = stack.enter_context(noted_signals())
        while loop.state.step < settings.steps:
            try:
                loop.step(heartbeat)
            except torch.OutOfMemoryError as error:
                problem = f"out of device memory at step {loop.state.step} ({str(error).splitlines()[0]})"
                remedy = "Lower train.batch_size or train.max_length; checkpoints are kept."
                raise EnvironmentFault("E-ENV-004", run.path, problem, remedy) from error
            if loop.state.step < settings.steps:
                loop.stop_if_asked(signals, stop)
        return loop.finish()


_FORMER = "selected.safetensors"  # of versions before the step was in the name


def _look_at_finished(run: RunFolder) -> tuple[Finished | None, list[str]]:
    """A finished run, and which of its files are damaged; (None, []) if it is not finished."""
    try:
        done = run.finished()
    except InputRefused as fault:
        _log.error("%s", fault)
        return None, ["result.json"]
    damage = run.damage(done) if done is not None else []
    for name in damage:
        _log.error("%s is absent or damaged; it is written again from the last checkpoint", run.path / name)
    for name in run.checkpoints.damage() if done is not None and not damage else ():
        _log.error("%s is damaged; the run is finished and does not need it", run.checkpoints.folder / name)
    return done, damage


@dataclass
class _State:
    """What a checkpoint holds besides tensors."""

    step: int = 0
    skipped: int = 0
    bad_in_row: int = 0
    best_step: int | None = None
    best: dict[str, float] = field(default_factory=dict)
    selected: str = ""
    selected_sha256: str = ""
    latest: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    summed: int = 0


class _Loop:
    def __init__(
        self,
        task: Task,
        run: RunFolder,
        settings: FitSettings,
        fabric: Fabric,
        progress: Progress | None,
        beside: Callable[[], None] | None = None,
    ) -> None:
        self._beside = beside
        self.task, self.run, self.settings, self.fabric, self.progress = task, run, settings, fabric, progress
        self.state = _State()
        self._forward = SharedForward(fabric, task.student)
        task.losses.to(fabric.device)
        self._all = nn.ModuleList([task.student, task.losses])
        parameters = [parameter for parameter in self._all.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
        self._raw_optimizer = optimizer
        self._optimizer: Any = fabric.setup_optimizers(optimizer)
        self._board = Board(run.path / "tensorboard") if settings.tensorboard and fabric.is_global_zero else None
        self._clock = (0, time.monotonic(), time.process_time())
        self._bad_terms: set[str] = set()

    def close(self) -> None:
        if self._board is not None:
            self._board.close()

    def resume(self, damage: Sequence[str] = ()) -> None:
        """Load the newest intact checkpoint, or start at step 0.

        Args:
            damage: Files of a finished run that are to be written again, which must take no training.

        Raises:
            InputRefused: E-RUN-015, the checkpoints do not suffice for that; nothing was changed.
        """
        found = on_first(self.fabric, lambda: self.run.checkpoints.latest(self.run.check_marks))
        if found is not None:
            tensors = found.tensors
            self.task.student.load_state_dict(_part(tensors, "student"))
            self.task.losses.load_state_dict(_part(tensors, "losses"))
            self._load_optimizer(_part(tensors, "optimizer"))
            values = dict(found.values)
            self.fabric.strategy.precision.load_state_dict(values["precision"])
            self.state = fit_values(
                {one.name: values[one.name] for one in fields(_State) if one.name in values}, _State
            )
            _log.info("%s: resuming from step %d", self.run.path, self.state.step)
        step = self.state.step
        if damage and step < self.settings.steps:
            remedy = "Restore them from a copy, or delete the folder and run the command again."
            problem = f"damaged or absent: {', '.join(damage)}; its checkpoints do not suffice to write them again"
            raise InputRefused("E-RUN-015", self.run.path, problem, remedy)
        mark = found.values.get("metrics") if found is not None else None
        metrics = self.run.metrics
        on_first(self.fabric, lambda: metrics.cut_to(mark) if mark is not None else metrics.cut_after(step))
        if found is None:
            self._save()  # from now on the outcome is determined, including the initial weights
        self._clock = (step, time.monotonic(), time.process_time())

    def step(self, heartbeat: Heartbeat) -> None:
        """One optimizer step, and what is due after it."""
        settings, state = self.settings, self.state
        with heartbeat.step(state.step):
            self._optimize()
        state.step += 1
        if state.step % settings.log_every == 0 or state.step == settings.steps:
            self._write_log()
        if state.step % settings.validate_every == 0 or state.step == settings.steps:
            self._validate()
        if state.step % settings.checkpoint_every == 0 or state.step == settings.steps:
            self._save()

    def _optimize(self) -> None:
        settings, state = self.settings, self.state
        torch.manual_seed(derive_seed(settings.seed, "step", state.step))
        for group in self._raw_optimizer.param_groups:
            group["lr"] = settings.learning_rate_at(state.step)
        batch = to_device(self.task.batch(state.step), self.fabric.device)
        self._all.train()
        output = self._forward(batch.features[self.task.modality], batch.mask)
        terms = self.task.loss_terms(output, batch, state.step)
        self._update(terms)

    def stop_if_asked(self, signals: SignalFlag, stop: Callable[[], bool] | None) -> None:
        """Save and stop, if any process was asked to."""
        number = signals.number if signals.number is not None else int(bool(stop is not None and stop()))
        if self.fabric.world_size > 1:
            asked = torch.tensor(number, device=self.fabric.device)
            torch.distributed.all_reduce(asked, torch.distributed.ReduceOp.MAX)
            number = int(asked)
        if not number:
            return
        self._save()
        kind = Terminated if number > signal.SIGINT else Interrupted
        problem = f"stopped after step {self.state.step} of {self.settings.steps}, and saved"
        raise kind("E-RUN-003", self.run.path, problem, "Run the same command to resume.")

    def finish(self) -> FitResult:
        """Keep the selected weights, and mark the run as finished."""
        state = self.state
        best = self.settings.keep == "best" and state.best_step is not None
        kept_step = state.best_step if best and state.best_step is not None else state.step
        result = FitResult(
            steps=state.step,
            kept="best" if best else "last",
            kept_step=kept_step,
            validation=state.best if best else state.latest,
            skipped_steps=state.skipped,
        )

        def select() -> str:
            if best:
                return state.selected or _FORMER
            return self.run.checkpoints.select(state.step, self.task.kept.state_dict())["selected"]

        selected = on_first(self.fabric, select)
        _load_kept(self.task, self.run, selected, self.fabric)

        def write() -> None:
            self.task.save(self.run.path)
            if self._beside is not None:
                self._beside()
            self.run.finish(asdict(result), selected)

        on_first(self.fabric, write)
        return result

    def _update(self, terms: list[TermValue]) -> None:
        """Backward pass and optimizer step; skipped where a number is not finite."""
        loss = torch.stack([term.weight * term.value for term in terms]).sum()
        numbers = torch.stack([term.value.detach().float() for term in terms] + [loss.detach().float()]).tolist()
        bad = [term.name for term, number in zip(terms, numbers, strict=False) if not math.isfinite(number)]
        self._optimizer.zero_grad()
        if not bad:
            self.fabric.backward(loss)
            self._share_loss_gradients()
            norm = self.fabric.clip_gradients(
                self._all, self._optimizer, max_norm=self.settings.gradient_clip_norm, error_if_nonfinite=False
            )
            # in 16-mixed precision infinite gradients are part of the scaler's search; it skips such steps itself
            if norm is None or torch.isfinite(norm) or self.settings.precision == "16-mixed":
                self._optimizer.step()
            else:
                bad = ["the gradient"]
        if bad:
            self._count_bad(bad)
            return
        state = self.state
        state.bad_in_row = 0
        self._bad_terms.clear()
        state.summed += 1
        seen = torch.stack([term.snippets for term in terms]).tolist()
        for name, number in zip([*(term.name for term in terms), "loss"], numbers, strict=True):
            state.sums[name] = state.sums.get(name, 0.0) + number
        for term, count in zip(terms, seen, strict=True):
            state.seen[term.name] = state.seen.get(term.name, 0) + int(count)

    def _share_loss_gradients(self) -> None:
        """Losses see the whole batch in every process; the mean keeps their copies equal to the last bit."""
        if self.fabric.world_size == 1:
            return
        for parameter in self.task.losses.parameters():
            if parameter.grad is not None:
                mean: Any = self.fabric.all_reduce(parameter.grad, reduce_op="mean")
                parameter.grad = mean

    def _count_bad(self, names: Iterable[str]) -> None:
        state = self.state
        state.skipped += 1
        state.bad_in_row += 1
        self._bad_terms.update(names)
        listed = ", ".join(sorted(self._bad_terms))
        _log.warning("%s: step %d skipped: %s not finite", self.run.path, state.step, listed)
        if state.bad_in_row >= self.settings.max_bad_steps:
            problem = f"{state.bad_in_row} steps in a row, up to {state.step}, were not finite in: {listed}"
            remedy = "Lower train.learning_rate or the weight of that loss, or check the features."
            raise UsageFault("E-RUN-004", self.run.path, problem, remedy)

    def _write_log(self) -> None:
        state = self.state
        means = {name: total / state.summed for name, total in state.sums.items()} if state.summed else {}
        rate = self.settings.learning_rate_at(state.step - 1)
        line = {
            "step": state.step,
            "epoch": self.task.plan.epoch_of(state.step - 1),
            "learning_rate": rate,
            "terms": means,
            "snippets": state.seen,
            "skipped_steps": state.skipped,
        }
        done, now, spent = state.step - self._clock[0], time.monotonic(), time.process_time()
        timing = {
            "step": state.step,
            "steps": done,
            "seconds": now - self._clock[1],
            "processor_seconds": spent - self._clock[2],
            "unix_time": time.time(),
        }
        self._clock = (state.step, now, spent)
        on_first(self.fabric, lambda: self.run.metrics.append(line))
        on_first(self.fabric, lambda: self.run.timings.append(timing))
        self._show(means)
        state.sums, state.seen, state.summed = {}, {}, 0

    def _validate(self) -> None:
        self._all.eval()
        found = {name: float(value) for name, value in self.task.validate().items()}
        finite = {name: value for name, value in found.items() if math.isfinite(value)}
        if len(finite) < len(found):
            _log.warning(
                "%s: validation metrics are undefined: %s", self.run.path, sorted(found.keys() - finite.keys())
            )
        if not finite:
            return
        state = self.state
        state.latest = finite
        metric = self.task.metric
        better = metric in finite and (state.best_step is None or finite[metric] > state.best[metric])
        if better:
            state.best_step, state.best = state.step, finite

        def write() -> None:
            self.run.metrics.append({"step": state.step, "validation": finite})
            if better and self.settings.keep == "best":
                selected = self.run.checkpoints.select(state.step, self.task.kept.state_dict())
                state.selected, state.selected_sha256 = selected["selected"], selected["selected_sha256"]

        on_first(self.fabric, write)
        self._show(finite)

    def _show(self, numbers: Mapping[str, float]) -> None:
        if self.fabric.is_global_zero:
            if self._board is not None:
                self._board.write(self.state.step, numbers)
            if self.progress is not None:
                self.progress(self.state.step, self.settings.steps, numbers)

    def _save(self) -> None:
        tensors = {**_prefixed("student", self.task.student), **_prefixed("losses", self.task.losses)}
        for number, entry in self._raw_optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer.{number}.{key}": value for key, value in entry.items()})
        values = {**asdict(self.state), "precision": self.fabric.strategy.precision.state_dict()}
        on_first(
            self.fabric,
            lambda: self.run.checkpoints.save(self.state.step, tensors, {**values, **self.run.marks()}),
        )

    def _load_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = tensor
        groups = self._raw_optimizer.state_dict()["param_groups"]
        self._raw_optimizer.load_state_dict({"state": state, "param_groups": groups})


def _load_kept(task: Task, run: RunFolder, selected: str, fabric: Fabric) -> None:
    task.student.load_state_dict(on_first(fabric, lambda: read_weights(run.checkpoints.folder / selected)))
    task.student.eval()


def _prefixed(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
