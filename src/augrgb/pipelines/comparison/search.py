"""The search of a comparison: an equal number of trials per method, scored on validation, teachers before students.

A trial is an ordinary stream of the comparison, with settings of its own and the seeds of the search; its teachers are
the best trials of the same seed. The best settings are then those of the method's tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from augrgb.core.errors import InputRefused
from augrgb.core.sealed import read_note
from augrgb.parallel.jobs import Job
from augrgb.pipelines.comparison.cells import MANIFEST, MODEL, Cells, Trial
from augrgb.pipelines.comparison.graph import ancestors, rounds
from augrgb.pipelines.comparison.jobs import DIVERGED, FAILURE, Failure, Run, evaluate_job
from augrgb.pipelines.comparison.recipe import scaled_encoder
from augrgb.pipelines.comparison.row_result import Column
from augrgb.pipelines.comparison.search_space import SearchSection, grid_size, next_scale

Work = Callable[[list[Job]], list[Failure]]


@dataclass(frozen=True)
class TrialScore:
    """One trial's score per seed of the search, None where it diverged.

    Args:
        score: Mean over the seeds; None if it diverged with any of them.
    """

    settings: dict[str, Any]
    seeds: tuple[float | None, ...]
    score: float | None


@dataclass(frozen=True)
class MethodSearch:
    """What the search of one method came to.

    Args:
        grid: How many settings there were to choose from.
        chosen: Place of the best trial; None if all diverged.
    """

    method: str
    grid: int
    trials: tuple[TrialScore, ...]
    chosen: int | None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the tests."""
        return self.trials[self.chosen].settings if self.chosen is not None else {}


class Search:
    """The trials of a comparison, round by round.

    Args:
        cells: The comparison; gets the best settings as they become known.

    Attributes:
        found: Searches that are over.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.found: dict[str, MethodSearch] = {}
        self._tried: dict[str, list[Trial]] = {}
        self._rounds = rounds(cells.recipe) if cells.recipe.search is not None else []

    def settle(self) -> None:
        """Settle every method whose trials, and whose teachers' trials, are all finished."""
        for keys in self._rounds:
            for key in keys:
                if key not in self.found and self._searched(key) and self._ready(key):
                    result = self._result(key)
                    if result is not None:
                        self.found[key] = result
                        if result.chosen is not None:
                            self.cells.settle(self._trials(key)[result.chosen])

    def run(self, work: Work) -> list[Failure]:
        """Make the trials that are missing, with `work` as the one who runs jobs; what failed other than by diverging.

        Raises:
            UsageFault: E-RUN-002, finished trials were made from other recipes.
            InputRefused: E-RUN-009, the protocol is not defined on the validation videos.
        """
        failures: list[Failure] = []
        for number, keys in enumerate(self._rounds, start=1):
            self.settle()
            self.cells.check_unchanged(self.trial_runs(keys))
            begun: set[str] = set()
            jobs = self.jobs(keys, f"search, round {number}")
            while {job.name for job in jobs} - begun:
                begun |= {job.name for job in jobs}
                failures += work(jobs)
                jobs = self.jobs(keys, f"search, round {number}")  # a climb goes on from what these came to
        self.settle()
        return [one for one in failures if one.code != DIVERGED or not one.origin.startswith("trial ")]

    def open_methods(self) -> dict[str, str]:
        """Methods that cannot be tested -> the method whose search has no outcome: itself, or one behind it."""
        recipe = self.cells.recipe
        lost = {
            key
            for key in recipe.methods
            if self._searched(key) and (key not in self.found or self.found[key].chosen is None)
        }
        causes = {key: {key} & lost or ancestors(recipe, key) & lost for key in recipe.methods}
        return {key: min(found) for key, found in causes.items() if found}

    def failures(self) -> list[Failure]:
        """Searches in which every trial diverged, and the tests that need one without an outcome."""
        recipe, lost = self.cells.recipe, self.open_methods()
        found = [
            Failure(f"search of {key}", "every trial diverged.", f"search of {key}", DIVERGED)
            for key, one in self.found.items()
            if one.chosen is None
        ]
        for row, cause in self.lost_rows().items():
            origin = f"search of {lost[cause]}"
            reason = f"not done, because {origin} has no outcome"
            found += [Failure(f"evaluation {row}-{seed}", reason, origin) for seed in recipe.seeds]
        return found

    def lost_rows(self) -> dict[str, str]:
        """Rows that cannot be tested -> the first of their methods that cannot."""
        lost, recipe = self.open_methods(), self.cells.recipe
        found = {row: [one for one in recipe.members(row) if one in lost] for row in recipe.rows}
        return {row: members[0] for row, members in found.items() if members}

    def assume(self) -> None:
        """Give the methods whose search is not over their first trial, to count what lies ahead; for plans only."""
        for keys in self._rounds:
            for key in keys:
                if self._searched(key) and key not in self.found:
                    self.cells.settle(self._trials(key)[0])

    def trial_runs(self, keys: list[str]) -> list[Run]:
        """The run folders of the trials of some methods, as far as their teachers are settled."""
        return [
            self.cells.stream(key, seed, trial)
            for key in keys
            if self._searched(key) and self._ready(key)
            for trial in self._trials(key)
            for seed in self._section.seeds
        ]

    def jobs(self, keys: list[str], stage: str) -> list[Job]:
        """What is left to do for the trials of some methods."""
        found: dict[str, Job] = {}
        for key in keys:
            if key in self.found or not self._searched(key) or not self._ready(key):
                continue
            for trial in self._trials(key):
                for seed in self._section.seeds:
                    if self._score(trial, seed) is None and not self._diverged(trial, seed):
                        self._need_score(found, trial, seed)
        return [
            Job(job.name, stage, job.function, job.arguments, job.after) if job.stage == "search" else job
            for job in found.values()
        ]

    def count(self) -> int:
        """Trials in all, times seeds."""
        recipe = self.cells.recipe
        return sum(len(recipe.trials(key)) for key in recipe.methods) * len(
            recipe.search.seeds if recipe.search else ()
        )

    @property
    def all_methods(self) -> list[str]:
        """Methods in the order of their rounds."""
        return [key for keys in self._rounds for key in keys]

    @property
    def _section(self) -> SearchSection:
        if self.cells.recipe.search is None:
            raise ValueError("this comparison has no search")
        return self.cells.recipe.search

    def _searched(self, key: str) -> bool:
        return self.cells.recipe.search is not None and self.cells.recipe.methods[key].trials != 0

    def _ready(self, key: str) -> bool:
        """Whether everything that teaches a method is settled."""
        before = [one for one in ancestors(self.cells.recipe, key) if self._searched(one)]
        return all(one in self.cells.places.winners for one in before)

    def _trials(self, key: str) -> list[Trial]:
        if key not in self._tried:  # asked for only once its teachers are settled, so it stays the same
            self._tried[key] = [self.cells.trial(key, settings) for settings in self.cells.recipe.trials(key)]
        return [*self._tried[key], *self._climbed(key, self._tried[key])]

    def _climbed(self, key: str, tried: list[Trial]) -> list[Trial]:
        """The trials of a climb as far as scores lead, the last of them perhaps without one; see `ClimbSection`."""
        climb, entry = self._section.climb, self.cells.recipe.methods[key]
        by_encoder = entry.climb == "encoder" and entry.encoder is not None
        if climb is None or not (entry.losses or by_encoder):
            return []
        scores = [self._mean(trial) for trial in tried]
        if any(score is None for score in scores) or not any(score[0] is not None for score in scores if score):
            return []  # not finished, or nothing to climb from
        known = [score[0] if score is not None else None for score in scores]
        first = known.index(max(one for one in known if one is not None))
        settings = dict(tried[first].settings)
        if by_encoder and settings.get("encoder", entry.encoder) != entry.encoder:
            return []  # the grid chose another encoder
        start = 1.0 if by_encoder else float(settings.get("scale", entry.scale))
        scored, found = {start: known[first]}, []
        while (scale := next_scale(scored, climb)) is not None:
            change = {"encoder": scaled_encoder(str(entry.encoder), scale)} if by_encoder else {"scale": scale}
            found.append(self.cells.trial(key, {**settings, **change}))
            score = self._mean(found[-1])
            if score is None:
                break
            scored[scale] = score[0]
        names = {trial.name for trial in tried}
        return [trial for trial in found if trial.name not in names]

    def _mean(self, trial: Trial) -> tuple[float | None] | None:
        """Mean score over the seeds, None inside if it diverged; None if it is not known yet."""
        values = []
        for seed in self._section.seeds:
            value = self._score(trial, seed)
            if value is None and not self._diverged(trial, seed):
                return None
            values.append(value)
        known = [value for value in values if value is not None]
        return (sum(known) / len(known) if len(known) == len(values) else None,)

    def _result(self, key: str) -> MethodSearch | None:
        scores = []
        for trial in self._trials(key):
            seeds = []
            for seed in self._section.seeds:
                value = self._score(trial, seed)
                if value is None and not self._diverged(trial, seed):
                    return None
                seeds.append(value)
            known = [value for value in seeds if value is not None]
            mean = sum(known) / len(known) if len(known) == len(seeds) else None
            scores.append(TrialScore(dict(trial.settings), tuple(seeds), mean))
        best = max((one.score for one in scores if one.score is not None), default=None)
        chosen = None if best is None else [one.score for one in scores].index(best)
        return MethodSearch(key, grid_size(self.cells.recipe.grid(key)), tuple(scores), chosen)

    def _request(self, trial: Trial, seed: int) -> dict[str, Any]:
        search = self._section
        return {
            "splits": [search.split or self.cells.split(trial.method)],
            "role": search.role,
            "allow_missing": int(self.cells.recipe.stream["data"].get("allow_missing", 0)),
            "protocols": [search.protocol],
            "members": [self.cells.places.trial(trial.method, trial.name, seed).name],
        }

    def _inputs(self, trial: Trial, seed: int) -> list[Any]:
        run = self.cells.stream(trial.method, seed, trial)
        return [run.folder / MODEL, run.recipe.data.dataset / MANIFEST]

    def _score(self, trial: Trial, seed: int) -> float | None:
        path = self.cells.places.trial_evaluation(trial.method, trial.name, seed)
        request = self._request(trial, seed)
        found = self.cells.finished(path, request, self._inputs(trial, seed))
        if found is None:
            return None
        column = Column(request["splits"][0], self._section.protocol)
        value = found[column].value
        if math.isnan(value):
            problem = f"{column.protocol} is not defined on the validation videos of {column.split}"
            raise InputRefused("E-RUN-009", path, problem, "Choose another search.protocol or search.split.")
        return value

    def _diverged(self, trial: Trial, seed: int) -> bool:
        """Whether training came to numbers that are not finite: that would happen again, so it is not tried again."""
        name = self.cells.places.trial(trial.method, trial.name, seed).name
        path = self.cells.root / "failures" / f"trial {name}.json"
        return (read_note(path, FAILURE, "failure") or {}).get("code") == DIVERGED

    def _need_score(self, found: dict[str, Job], trial: Trial, seed: int) -> None:
        after = self.cells.need_stream(found, trial.method, seed, trial)
        after += self.cells.need_features_of(found, trial, seed)
        run = self.cells.stream(trial.method, seed, trial)
        arguments = {
            "runs": [run.folder],
            "request": self._request(trial, seed),
            "inputs": self._inputs(trial, seed),
            "path": self.cells.places.trial_evaluation(trial.method, trial.name, seed),
        }
        self.cells.put(found, f"score {run.folder.name}", "search", evaluate_job, arguments, after)
