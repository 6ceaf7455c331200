"""Rounds of teaching: corrections go into the dataset, a fit runs in its own process, its bundle detects from then on.

Everything about a round is in `rounds/N` of the project: `round.json` and what `augrgb fit` writes. A round is
`queued`, `running`, `done`, `failed` or `cancelled`; one that was running when the server stopped is taken up again,
and `fit` continues from what is finished.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import write_json
from augrgb.core.fit import fit
from augrgb.core.plain_data import parse_json, read_json
from augrgb.core.shown import printable
from augrgb.server.security.plain_faults import plain
from augrgb.server.teaching.project import Applied, LoopProject
from augrgb.server.teaching.worth import worth_in_summary

_log = logging.getLogger(__name__)
_OPEN = ("queued", "running")
_AGAIN_S = 30.0
Order = dict[str, Any]
Fitting = Callable[[Order, Callable[[str, float], object]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Round:
    """One round.

    Args:
        number: From 1; 0 is the model before any correction.
        state: See the module.
        digest: Of the saved documents that it was made from.
        applied: What the dataset had of them, see `Applied`.
        minutes: Time that people spent since the round before.
        stage, fraction: What the fit is doing, and how much of that is done.
        code, message: Why it failed.
        attempts: How often it was started.
        created_s, ended_s: By the server's clock.
        result: Bundle, folder, chosen method and `Worth` of a finished one.
    """

    number: int
    state: str
    digest: str = ""
    applied: dict[str, float] = field(default_factory=dict)
    minutes: float = 0.0
    stage: str = ""
    fraction: float = 0.0
    code: str = ""
    message: str = ""
    attempts: int = 0
    created_s: float = 0.0
    ended_s: float | None = None
    result: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What clients see: no paths."""
        shown = asdict(self)
        result = shown.pop("result")
        return {**shown, "worth": result.get("worth"), "chosen": result.get("chosen")}


class Rounds:
    """The rounds of a project, and the thread that fits them.

    Args:
        project: Where they are.
        on_done: Called with the bundle of a finished round.
        fitting: Carries out an order; default: in a child process.
        attempts: How often a round is started.
        budget_s: See `augrgb.fit`.
        workers: Processes of a fit.
    """

    def __init__(
        self,
        project: LoopProject,
        on_done: Callable[[Path], object],
        fitting: Fitting | None = None,
        *,
        attempts: int = 3,
        budget_s: float | None = None,
        workers: int | None = None,
    ) -> None:
        self._project, self._on_done, self._attempts = project, on_done, attempts
        self._budget_s, self._workers = budget_s, workers
        self._fitting = fitting or FitProcess()
        self._lock = threading.Lock()
        self._news, self._ending = threading.Event(), False
        self._live: Round | None = None
        self._thread = threading.Thread(target=self._run, name="augrgb rounds", daemon=True)

    def start(self) -> None:
        """Go on with the round that a stopped server left."""
        for one in self.all():
            if one.state == "running":
                message = "The server stopped while it fitted this round, several times."
                failed = replace(one, state="failed", code="E-SRV-013", message=message, ended_s=time.time())
                self._write(replace(one, state="queued") if one.attempts < self._attempts else failed)
        self._thread.start()
        self._news.set()

    def stop(self) -> None:
        """End the process; the round goes on at the next start."""
        self._ending = True
        self._news.set()
        self._stop_process()
        if self._thread.is_alive():
            self._thread.join(5.0)

    @property
    def is_open(self) -> bool:
        """Whether a round waits or runs, so that the dataset must not change."""
        return any(one.state in _OPEN for one in self.all())

    def all(self) -> list[Round]:
        """Round 0, if the project was fitted before, and every round since."""
        found = [self._first()]
        for path in (self._project.folder / "rounds").glob("*/round.json"):
            found.append(_read(path))
        live = self._live
        known = (live if live is not None and one is not None and one.number == live.number else one for one in found)
        return sorted((one for one in known if one is not None), key=lambda one: one.number)

    def newest_bundle(self) -> Path | None:
        """The bundle of the newest finished round, 0 included."""
        for one in reversed(self.all()):
            bundle = Path(one.result.get("bundle", ""))
            if one.state == "done" and (bundle / "model.json").is_file():
                return bundle
        return None

    def add(self, digest: str, applied: Applied, minutes: float) -> Round:
        """Queue a round.

        Raises:
            InputRefused: E-SRV-016: one is being fitted, or nothing was corrected since the last one.
        """
        with self._lock:
            rounds = self.all()
            self.check(rounds, digest)
            number = max((one.number for one in rounds), default=0) + 1
            found = Round(number, "queued", digest, applied.to_json(), minutes, created_s=time.time())
            self._write(found)
        self._news.set()
        return found

    def check(self, rounds: list[Round], digest: str) -> None:
        """Whether another round makes sense.

        Raises:
            InputRefused: E-SRV-016.
        """
        if any(one.state in _OPEN for one in rounds):
            raise InputRefused("E-SRV-016", "round", "a round is being fitted already", "Wait for it, or cancel it.")
        done = [one for one in rounds if one.state == "done"]
        if done and done[-1].digest == digest:
            problem = "nothing has been corrected since the last round"
            raise InputRefused("E-SRV-016", "round", problem, "Review some events first.")

    def cancel(self) -> None:
        """Give up the round that waits or runs; what `fit` finished is kept on the disk."""
        with self._lock:
            for one in self.all():
                if one.state in _OPEN:
                    self._write(replace(one, state="cancelled", ended_s=time.time()))
        self._stop_process()

    def _stop_process(self) -> None:
        if isinstance(self._fitting, FitProcess):
            self._fitting.stop()

    def _first(self) -> Round | None:
        path = self._project.folder / "fit" / "summary.json"
        if not path.is_file():
            return None
        try:
            worth = worth_in_summary(path.parent).to_json()
            chosen = read_json(path)["chosen"]
        except (AugrgbError, AttributeError, KeyError, TypeError, ValueError) as fault:
            _log.warning("%s is damaged, so the fit before all rounds is left out (%s)", path, printable(str(fault)))
            return None
        result = {"bundle": str(path.parent / "bundle"), "folder": str(path.parent), "worth": worth}
        return Round(0, "done", result={**result, "chosen": chosen})

    def _run(self) -> None:
        wait_s: float | None = None
        while not self._ending:
            self._news.wait(wait_s)
            self._news.clear()
            try:
                while not self._ending and (found := next((one for one in self.all() if one.state == "queued"), None)):
                    self._fit(found.number)
                wait_s = None
            except Exception:  # noqa: BLE001 - a full disk or a bug must not end the thread: try again later
                _log.exception("the rounds wait")
                wait_s = _AGAIN_S

    def _fit(self, number: int) -> None:
        with self._lock:
            queued = self._stored(number)
            if queued.state != "queued":  # cancelled meanwhile
                return
            one = replace(queued, state="running", attempts=queued.attempts + 1)
            self._write(one)
        folder = self._project.folder
        done = [other for other in self.all() if other.state == "done" and other.number < one.number]
        order: Order = {
            "project": str(self._project.file),
            "out": str(folder / "rounds" / str(one.number)),
            "dataset": str(self._project.dataset_folder),
            "before": done[-1].result.get("folder") if done else None,
            "budget_s": self._budget_s,
            "workers": self._workers,
        }

        def on_progress(stage: str, fraction: float) -> None:
            if self._ending or self._stored(number).state == "cancelled":  # when there was no process to end yet
                raise RuntimeError("nobody wants this round any more")
            self._live = replace(one, stage=stage, fraction=fraction)

        try:
            result = self._fitting(order, on_progress)
            ended = replace(one, state="done", fraction=1.0, result=result, ended_s=time.time())
        except AugrgbError as fault:
            ended = replace(one, state="failed", code=fault.code, message=plain(fault), ended_s=time.time())
        except Exception as error:  # noqa: BLE001 - a bug must not end the thread
            if not self._ending and self._stored(one.number).state != "cancelled":
                _log.exception("round %d", one.number, exc_info=error)
            message = "This is a bug in augrgb; the server's terminal shows more."
            ended = replace(one, state="failed", code="E-BUG-001", message=message, ended_s=time.time())
        self._live = None
        if self._ending:
            return
        with self._lock:
            if self._stored(one.number).state == "cancelled":
                return
            self._write(ended)
        if ended.state == "done":
            self._on_done(Path(ended.result["bundle"]))

    def _stored(self, number: int) -> Round:
        return Round(**read_json(self._path(number)))

    def _path(self, number: int) -> Path:
        return self._project.folder / "rounds" / str(number) / "round.json"

    def _write(self, one: Round) -> None:
        write_json(self._path(one.number), asdict(one))


def _read(path: Path) -> Round | None:
    """A round; None if its file is damaged, which is logged: the other rounds are still of use."""
    try:
        found: Round = fit(read_json(path, "round"), Round, "round")
    except (AugrgbError, ValueError, TypeError) as fault:
        _log.warning("%s is damaged, so this round is left out (%s)", path, printable(str(fault)))
        return None
    return found


class FitProcess:
    """Carries out an order with `augrgb.server.teaching.fit_process` in a process that ends with this one.

    Args:
        words: Arguments of Python.
    """

    def __init__(self, words: Sequence[str] = ("-m", "augrgb.server.teaching.fit_process")) -> None:
        self._words = words
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, order: Order, on_progress: Callable[[str, float], object]) -> dict[str, Any]:
        """Fit.

        Raises:
            AugrgbError: What the fit raised.
            RuntimeError: The process ended without a result.
        """
        words = [sys.executable, *self._words]
        environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self._process = process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = parse_json(line, "the fit")
                if "done" in said:
                    return dict(said["done"])
                if "fault" in said:
                    fault = said["fault"]
                    raise InputRefused(fault["code"], fault["where"], fault["problem"], fault["remedy"])
                on_progress(str(said["stage"]), float(said["fraction"]))
        finally:
            self.stop()
        raise RuntimeError(f"the fit ended with code {process.wait()}")

    def stop(self) -> None:
        """End the process, if one runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
