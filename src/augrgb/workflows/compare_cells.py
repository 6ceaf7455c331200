"""The cells of a comparison: which are finished, which stand on something else now, and the jobs that are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from augrgb.core.errors import UsageFault
from augrgb.core.safe_files import read_json
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe
from augrgb.recipe.comparison import ComparisonRecipe, Places, encoder_values, stream_values
from augrgb.workflows.compare_jobs import (
    FeatureVideos,
    Run,
    attempt,
    encoder_job,
    evaluate_job,
    features_job,
    fingerprints,
    stream_job,
)
from augrgb.workflows.jobs import Job

MODEL, MANIFEST = "model.safetensors", "dataset.json"


class Cells:
    """Every cell of a comparison, and what it needs.

    Args:
        recipe: The comparison.
        root: Its folder.
        sources: Where encoders, features and tracks lie; default: in `root`.
    """

    def __init__(self, recipe: ComparisonRecipe, root: Path, sources: Path | None = None) -> None:
        self.recipe, self.root, self.places = recipe, root, Places(root, recipe, sources)
        self.encoders: dict[str, Run] = {}
        self.streams: dict[str, Run] = {}
        for seed in recipe.seeds:
            for name in recipe.encoders:
                self._add_encoder(name, seed)
            for key in recipe.methods:
                self._add_stream(key, seed)

    def _add_encoder(self, name: str, seed: int) -> None:
        values = encoder_values(self.recipe, self.places, name, seed)
        distill = self.recipe.encoders[name].distill
        recipe = check_recipe(values, EncoderRecipe)
        models = [self.places.encoder(teacher, seed) / MODEL for teacher in (distill.teachers if distill else ())]
        run = Run(self.places.encoder(name, seed), recipe, (*models, recipe.data.dataset / MANIFEST))
        self.encoders[self.places.cell(name, seed)] = run

    def _add_stream(self, key: str, seed: int) -> None:
        values = stream_values(self.recipe, self.places, key, seed)
        recipe = check_recipe(values, StreamRecipe)
        models = [self.places.stream(teacher, seed) / MODEL for teacher in self.recipe.methods[key].teachers]
        models += [self.places.encoder(name, seed) / MODEL for name in self._encoders_of(key)]
        run = Run(self.places.stream(key, seed), recipe, (*models, recipe.data.dataset / MANIFEST))
        self.streams[f"{key}-{seed}"] = run

    def _encoders_of(self, key: str) -> list[str]:
        """Encoders whose features a method is trained on: its own and its teachers'."""
        users = [self.recipe.methods[name].encoder for name in (key, *self.recipe.methods[key].teachers)]
        return list(dict.fromkeys(name for name in users if name is not None))

    def check_unchanged(self) -> None:
        """Refuse cells that were begun with another recipe, or made from models that are different now.

        Raises:
            UsageFault: E-RUN-002, every such cell and what differs.
        """
        told = [
            f"{run.folder}: {'; '.join(changes)}"
            for run in (*self.encoders.values(), *self.streams.values())
            if (changes := run.changes())
        ]
        if told:
            problem = "begun with other settings:\n  " + "\n  ".join(told) + "\n "
            remedy = (
                "Give the changed method a new key (the finished cells stay), choose another --out, or delete these "
                "folders, and with an encoder also its features."
            )
            raise UsageFault("E-RUN-002", self.root, problem, remedy)

    @property
    def videos(self) -> FeatureVideos:
        """Videos whose features streams are trained and tested on."""
        trained = sorted({run.recipe.data.split for run in self.streams.values()})
        dataset = Path(self.recipe.stream["data"]["dataset"])
        return FeatureVideos(dataset, tuple(trained), tuple(self.recipe.splits()), self.recipe.role)

    def evaluation_request(self, row: str, seed: int) -> dict[str, Any]:
        """What an evaluation is asked for; with the files behind it this decides whether a finished one still holds."""
        return {
            "splits": self.recipe.splits(),
            "role": self.recipe.role,
            "allow_missing": int(self.recipe.stream["data"].get("allow_missing", 0)),
            "protocols": list(self.recipe.protocols),
            "members": [self.places.stream(member, seed).name for member in self.recipe.members(row)],
        }

    def evaluation(self, row: str, seed: int) -> dict[str, Any] | None:
        """A finished evaluation, split -> protocol -> result; None if there is none or it is of something else."""
        path = self.places.evaluation(row, seed)
        if not path.is_file():
            return None
        found = read_json(path, "evaluation")
        request = {**self.evaluation_request(row, seed), "inputs": fingerprints(self._evaluated(row, seed))}
        return dict(found["results"]) if found["request"] == request else None

    def _evaluated(self, row: str, seed: int) -> list[Path]:
        """Files that an evaluation depends on."""
        models = [self.places.stream(member, seed) / MODEL for member in self.recipe.members(row)]
        return [*models, Path(self.recipe.stream["data"]["dataset"]) / MANIFEST]

    def jobs(self) -> list[Job]:
        """What is left to do, for all rows and seeds; nothing that is finished."""
        found: dict[str, Job] = {}
        for seed in self.recipe.seeds:
            for row in self.recipe.rows:
                if self.evaluation(row, seed) is None:
                    self._need_evaluation(found, row, seed)
        return list(found.values())

    def _need_evaluation(self, found: dict[str, Job], row: str, seed: int) -> None:
        after: list[str] = []
        for member in self.recipe.members(row):
            after += self._need_stream(found, member, seed)
            encoder = self.recipe.methods[member].encoder
            after += self._need_features(found, encoder, seed) if encoder is not None else []
        runs = [self.places.stream(member, seed) for member in self.recipe.members(row)]
        request = self.evaluation_request(row, seed)
        inputs = self._evaluated(row, seed)
        arguments = {"runs": runs, "request": request, "inputs": inputs, "path": self.places.evaluation(row, seed)}
        self._put(found, f"evaluation {row}-{seed}", "evaluation", evaluate_job, arguments, after)

    def _need_stream(self, found: dict[str, Job], key: str, seed: int) -> list[str]:
        run, name = self.streams[f"{key}-{seed}"], f"stream {key}-{seed}"
        if run.finished:
            return []
        if name not in found:
            after = [job for t in self.recipe.methods[key].teachers for job in self._need_stream(found, t, seed)]
            after += [job for e in self._encoders_of(key) for job in self._need_features(found, e, seed)]
            self._put(found, name, "streams", stream_job, {"run": run}, after)
        return [name]

    def _need_features(self, found: dict[str, Job], encoder: str, seed: int) -> list[str]:
        cell = self.places.cell(encoder, seed)
        name = f"features {cell}"
        if name not in found:
            after = self._need_encoder(found, encoder, seed)
            tracks = cast(EncoderRecipe, self.encoders[cell].recipe).data.tracks
            arguments = {
                "videos": self.videos,
                "encoder": self.places.encoder(encoder, seed),
                "folder": self.places.features(encoder, seed),
                "tracks": tracks,
            }
            self._put(found, name, "features", features_job, arguments, after)
        return [name]

    def _need_encoder(self, found: dict[str, Job], name: str, seed: int) -> list[str]:
        cell = self.places.cell(name, seed)
        run, job = self.encoders[cell], f"encoder {cell}"
        if run.finished:
            return []
        if job not in found:
            distill = self.recipe.encoders[name].distill
            after = [j for t in (distill.teachers if distill else ()) for j in self._need_encoder(found, t, seed)]
            self._put(found, job, "encoders", encoder_job, {"run": run}, after)
        return [job]

    def _put(
        self,
        found: dict[str, Job],
        name: str,
        stage: str,
        work: Callable[..., None],
        arguments: Any,
        after: Sequence[str],
    ) -> None:
        needs = tuple(dict.fromkeys(after))
        wrapped = {
            "cell": name,
            "work": work,
            "arguments": arguments,
            "failures": self.root / "failures",
            "needs": needs,
        }
        found[name] = Job(name, stage, attempt, wrapped, needs)
