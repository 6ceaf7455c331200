"""The cells of a comparison: which are finished, which stand on something else now, and the jobs that are left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from augrgb.core.errors import UsageFault
from augrgb.core.fault_lines import fault_lines
from augrgb.core.nested import merge_dotted
from augrgb.core.sealed import read_note
from augrgb.encoders import ENCODERS
from augrgb.parallel.jobs import Job
from augrgb.pipelines.comparison.jobs import (
    EVALUATION,
    FeatureVideos,
    Run,
    attempt,
    encoder_job,
    evaluate_job,
    features_job,
    fingerprints,
    stream_job,
)
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.comparison.row_result import RowResult
from augrgb.pipelines.comparison.search_space import trial_name
from augrgb.pipelines.comparison.values import Places, encoder_values, stream_values
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe

MODEL, MANIFEST = "model.safetensors", "dataset.json"


@dataclass(frozen=True)
class Trial:
    """Settings that a search tries for a method, and the name of their run folders."""

    method: str
    settings: Mapping[str, Any]
    name: str


class Cells:
    """Every cell of a comparison, and what it needs.

    Args:
        recipe: The comparison.
        root: Its folder.
        shared: Where encoders, features, streams and scores lie; default: in `root`.

    Attributes:
        settled: The comparison with the settings of all searches that are over.
    """

    def __init__(self, recipe: ComparisonRecipe, root: Path, shared: Path | None = None) -> None:
        self.recipe, self.settled, self.root = recipe, recipe, root
        self.places = Places(root, recipe, shared)
        self._encoders: dict[str, Run] = {}
        self._streams: dict[Path, Run] = {}

    def settle(self, trial: Trial) -> None:
        """Give a method the settings of its best trial, for all seeds that follow."""
        self.settled = self.settled.settled({trial.method: trial.settings})
        self.places.winners[trial.method] = trial.name
        self._encoders.clear()
        self._streams.clear()

    def trial(self, method: str, settings: Mapping[str, Any]) -> Trial:
        """A trial with its name; the searches of the method's teachers are over."""
        seeds = self.recipe.search.seeds if self.recipe.search is not None else self.recipe.seeds
        tried = self.settled.settled({method: settings})
        return Trial(method, settings, trial_name(stream_values(tried, self.places, method, seeds[0])))

    def encoder(self, name: str, seed: int) -> Run:
        """The cell of an encoder."""
        cell = self.places.cell(name, seed)
        if cell not in self._encoders:
            recipe = check_recipe(encoder_values(self.settled, self.places, name, seed), EncoderRecipe)
            models = [self.places.encoder(needed, seed) / MODEL for needed in self.recipe.encoders[name].needs]
            models += [run.folder / MODEL for run in self._streams_behind(name, seed)]
            run = Run(self.places.encoder(name, seed), recipe, (*models, recipe.data.dataset / MANIFEST))
            self._encoders[cell] = run
        return self._encoders[cell]

    def stream(self, key: str, seed: int, trial: Trial | None = None) -> Run:
        """The cell of a method; with the seeds of the search, its best trial (or the one that is given)."""
        folder = self.places.stream(key, seed) if trial is None else self.places.trial(key, trial.name, seed)
        if folder not in self._streams:
            recipe = self.settled if trial is None else self.settled.settled({key: trial.settings})
            resolved = check_recipe(stream_values(recipe, self.places, key, seed), StreamRecipe)
            models = [self.places.stream(teacher, seed) / MODEL for teacher in recipe.teaching(key)]
            models += [self.places.encoder(name, seed) / MODEL for name in _encoders_of(recipe, key)]
            self._streams[folder] = Run(folder, resolved, (*models, resolved.data.dataset / MANIFEST))
        return self._streams[folder]

    def _streams_behind(self, encoder: str, seed: int) -> list[Run]:
        """Streams that teach an encoder."""
        distill = self.recipe.encoders[encoder].distill
        own = self.places.encoder_seed(seed)
        return [self.stream(method, own) for method in distill.streams.values()] if distill else []

    def runs(self) -> Iterator[Run]:
        """Every encoder and stream of the tests, each once, in the order of the recipe."""
        found: dict[Path, Run] = {}
        for seed in self.recipe.seeds:
            for name in self.encoders_in_use():
                run = self.encoder(name, seed)
                found[run.folder] = run
            for key in self.recipe.methods:
                run = self.stream(key, seed)
                found[run.folder] = run
        yield from found.values()

    def encoders_in_use(self) -> list[str]:
        """Encoders that methods are trained on, with those that teach these."""
        wanted = [name for key in self.settled.methods for name in _encoders_of(self.settled, key)]
        for name in wanted:  # grows meanwhile
            wanted += [one for one in self.recipe.encoders[name].needs if one not in wanted]
        return [name for name in self.recipe.encoders if name in wanted]

    def check_unchanged(self, runs: Sequence[Run]) -> None:
        """Refuse cells that were begun with another recipe, or made from models that are different now.

        Raises:
            UsageFault: E-RUN-002, every such cell and what differs.
        """
        code = "E-RUN-002"
        changed = [UsageFault(code, run.folder, "; ".join(changes)) for run in runs if (changes := run.changes())]
        if changed:
            lines = [line.removeprefix(f"{code} ") for line in fault_lines(changed)]
            problem = "started with other settings:\n  " + "\n  ".join(lines) + "\n "
            remedy = (
                "Give the changed method a new key (the finished cells stay), choose another --out, or delete these "
                "folders, and with an encoder also its features."
            )
            raise UsageFault(code, self.root, problem, remedy)

    def split(self, key: str) -> str:
        """The split that a method is trained on."""
        return str(merge_dotted(self.recipe.stream, self.recipe.methods[key].set)["data"].get("split", "cross_subject"))

    @property
    def videos(self) -> FeatureVideos:
        """Videos whose features streams are trained and tested on."""
        trained = sorted({self.split(key) for key in self.recipe.methods})
        search = self.recipe.search
        searched = (search.split,) if search is not None and search.split is not None else ()
        dataset = Path(self.recipe.stream["data"]["dataset"])
        return FeatureVideos(dataset, tuple(trained), tuple(self.recipe.splits()), self.recipe.role, searched)

    def modalities(self, encoder: str) -> set[str]:
        """What an encoder and its teachers see."""
        distill = self.recipe.encoders[encoder].distill
        names = [encoder, *self.recipe.encoders[encoder].teachers]
        names += [
            one
            for method in (distill.streams.values() if distill else ())
            if (one := self.settled.methods[method].encoder) is not None
        ]
        kinds = {ENCODERS[kind].modality for name in names for kind in self.recipe.encoders[name].encoder}
        joints = distill is not None and (distill.joints is not None or distill.joint_cells is not None)
        return kinds | ({"pose"} if joints else set())

    def evaluation_request(self, row: str, seed: int) -> dict[str, Any]:
        """What an evaluation is asked for; with the files behind it this decides whether a finished one still holds."""
        return {
            "splits": self.recipe.splits(),
            "role": self.recipe.role,
            "allow_missing": int(self.recipe.stream["data"].get("allow_missing", 0)),
            "protocols": list(self.recipe.protocols),
            "members": [self.places.stream(member, seed).name for member in self.recipe.members(row)],
        }

    def evaluation(self, row: str, seed: int) -> RowResult | None:
        """A finished evaluation; None if there is none or it is of something else."""
        return self.finished(
            self.places.evaluation(row, seed), self.evaluation_request(row, seed), self._evaluated(row, seed)
        )

    def finished(self, path: Path, request: Mapping[str, Any], inputs: Sequence[Path]) -> RowResult | None:
        """The results in an evaluation's file, if they are what is asked for now, of the models that are there now."""
        found = read_note(path, EVALUATION, "evaluation")
        if found is None or found.get("request") != {**request, "inputs": fingerprints(inputs)}:
            return None
        return RowResult.from_json(found["results"])

    def _evaluated(self, row: str, seed: int) -> list[Path]:
        """Files that an evaluation depends on."""
        models = [self.places.stream(member, seed) / MODEL for member in self.recipe.members(row)]
        return [*models, Path(self.recipe.stream["data"]["dataset"]) / MANIFEST]

    def jobs(self, rows: Sequence[str]) -> dict[str, Job]:
        """What is left to do for some rows and all seeds; nothing that is finished."""
        found: dict[str, Job] = {}
        for seed in self.recipe.seeds:
            for row in rows:
                if self.evaluation(row, seed) is None:
                    self._need_evaluation(found, row, seed)
        return found

    def _need_evaluation(self, found: dict[str, Job], row: str, seed: int) -> None:
        after: list[str] = []
        for member in self.recipe.members(row):
            after += self.need_stream(found, member, seed)
            encoder = self.settled.methods[member].encoder
            after += self._need_features(found, encoder, seed) if encoder is not None else []
        runs = [self.places.stream(member, seed) for member in self.recipe.members(row)]
        request, inputs = self.evaluation_request(row, seed), self._evaluated(row, seed)
        arguments = {"runs": runs, "request": request, "inputs": inputs, "path": self.places.evaluation(row, seed)}
        self.put(found, f"evaluation {row}-{seed}", "evaluation", evaluate_job, arguments, after)

    def need_stream(self, found: dict[str, Job], key: str, seed: int, trial: Trial | None = None) -> list[str]:
        """Add the training of a stream and all that it needs, unless it is finished; names of what to wait for."""
        run = self.stream(key, seed, trial)
        tried = trial is not None or self.places.is_search(seed)
        name = f"{'trial' if tried else 'stream'} {run.folder.name}"
        if run.finished:
            return []
        if name not in found:
            recipe = self.settled if trial is None else self.settled.settled({key: trial.settings})
            after = [job for t in recipe.teaching(key) for job in self.need_stream(found, t, seed)]
            after += [job for e in _encoders_of(recipe, key) for job in self._need_features(found, e, seed)]
            self.put(found, name, "search" if tried else "streams", stream_job, {"run": run}, after)
        return [name]

    def need_features_of(self, found: dict[str, Job], trial: Trial, seed: int) -> list[str]:
        """Add what the scoring of a trial needs beside its stream."""
        encoder = self.settled.settled({trial.method: trial.settings}).methods[trial.method].encoder
        return self._need_features(found, encoder, seed) if encoder is not None else []

    def _need_features(self, found: dict[str, Job], encoder: str, seed: int) -> list[str]:
        cell = self.places.cell(encoder, seed)
        name = f"features {cell}"
        if name not in found:
            after = self._need_encoder(found, encoder, seed)
            arguments = {
                "videos": self.videos,
                "encoder": self.places.encoder(encoder, seed),
                "folder": self.places.features(encoder, seed),
                "frames": cast(EncoderRecipe, self.encoder(encoder, seed).recipe).data.frames,
            }
            self.put(found, name, "features", features_job, arguments, after)
        return [name]

    def _need_encoder(self, found: dict[str, Job], name: str, seed: int) -> list[str]:
        run, job = self.encoder(name, seed), f"encoder {self.places.cell(name, seed)}"
        if run.finished:
            return []
        if job not in found:
            distill = self.recipe.encoders[name].distill
            after = [j for e in self.recipe.encoders[name].needs for j in self._need_encoder(found, e, seed)]
            own = self.places.encoder_seed(seed)
            after += [j for m in (distill.streams.values() if distill else ()) for j in self.need_stream(found, m, own)]
            self.put(found, job, "encoders", encoder_job, {"run": run}, after)
        return [job]

    def put(
        self,
        found: dict[str, Job],
        name: str,
        stage: str,
        work: Callable[..., None],
        arguments: Any,
        after: Sequence[str],
    ) -> None:
        """Add one job whose failure stays its own."""
        needs = tuple(dict.fromkeys(after))
        failures = self.root / "failures"
        wrapped = {"cell": name, "work": work, "arguments": arguments, "failures": failures, "needs": needs}
        found[name] = Job(name, stage, attempt, wrapped, needs)


def _encoders_of(recipe: ComparisonRecipe, key: str) -> list[str]:
    """Encoders whose features a method is trained on: its own and its teachers'."""
    users = [recipe.methods[name].encoder for name in (key, *recipe.teaching(key))]
    return list(dict.fromkeys(name for name in users if name is not None))
