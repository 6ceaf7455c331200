"""From a comparison recipe to its cells: where they lie, and the ordinary recipe that each of them comes to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from augrgb.core.errors import UsageFault
from augrgb.core.nested import merge_dotted
from augrgb.encoders import ENCODERS
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.recipe.encoder_schema import EncoderRecipe


class Places:
    """Where the cells of a comparison lie: readable names, nothing that must be looked up.

    Args:
        root: The comparison's folder.
        recipe: Says which encoders are shared by all seeds, and which seeds are of the search.
        shared: Where all cells lie, if several comparisons share them; default: in `root`.

    Attributes:
        winners: method -> name of its best trial, known once its search is over: with the seeds of the search, that
            trial is the method.
    """

    def __init__(self, root: Path, recipe: ComparisonRecipe, shared: Path | None = None) -> None:
        self.base = shared or root
        self.winners: dict[str, str] = {}
        self._shared = {name for name, entry in recipe.encoders.items() if entry.seeds == "shared"}
        self._search = recipe.search

    def encoder_seed(self, seed: int) -> int:
        """Seed of the encoders that go with a seed: all seeds of a search may share those of one."""
        given = self._search.encoder_seed if self._search is not None and self.is_search(seed) else None
        return seed if given is None else given

    def is_search(self, seed: int) -> bool:
        """Whether a seed is of the search."""
        return self._search is not None and seed in self._search.seeds

    def cell(self, encoder: str, seed: int) -> str:
        """Name of an encoder's cell."""
        return encoder if encoder in self._shared else f"{encoder}-{self.encoder_seed(seed)}"

    def encoder(self, name: str, seed: int) -> Path:
        """Run folder of an encoder."""
        return self.base / "encoders" / self.cell(name, seed)

    def features(self, name: str, seed: int) -> Path:
        """Feature folder of an encoder."""
        return self.base / "features" / self.cell(name, seed)

    def stream(self, method: str, seed: int) -> Path:
        """Run folder of a method."""
        if self.is_search(seed):
            winner = self.winners.get(method)
            return self.trial(method, winner, seed) if winner else self.base / "search" / f"{method}-{seed}"
        return self.base / "streams" / f"{method}-{seed}"

    def evaluation(self, row: str, seed: int) -> Path:
        """Scores of a row."""
        return self.base / "evaluation" / f"{row}-{seed}.json"

    def trial(self, method: str, name: str, seed: int) -> Path:
        """Run folder of one trial of a search."""
        return self.base / "search" / "streams" / f"{method}-{name}-{seed}"

    def trial_evaluation(self, method: str, name: str, seed: int) -> Path:
        """Its score."""
        return self.base / "search" / "evaluation" / f"{method}-{name}-{seed}.json"


def encoder_values(recipe: ComparisonRecipe, places: Places, name: str, seed: int) -> dict[str, Any]:
    """The encoder recipe of one cell, as plain values; `seed` says nothing where the encoder is shared."""
    entry = recipe.encoders[name]
    base = merge_dotted({"data": {"dataset": recipe.stream["data"]["dataset"]}}, recipe.encoder)
    split = recipe.stream["data"].get("split")
    if split is not None:
        base["data"].setdefault("split", split)
    values = merge_dotted({**base, "encoder": entry.encoder}, entry.set)
    if entry.seeds == "each":
        values["seed"] = places.encoder_seed(seed)
    if entry.distill is not None:
        teachers = {teacher: str(places.encoder(teacher, seed)) for teacher in entry.distill.teachers}
        own = places.encoder_seed(seed)
        streams = {name: str(places.stream(method, own)) for name, method in entry.distill.streams.items()}
        values["distill"] = {**entry.distill.model_dump(mode="json"), "teachers": teachers, "streams": streams}
    if entry.start is not None:
        values["init"] = {**(values.get("init") or {}), "folder": str(places.encoder(entry.start, seed))}
    if isinstance(values["data"], dict) and values["data"].get("frames") is None:
        values["data"]["frames"] = str(places.base / "frames" / _frames_name(values))
    return values


def stream_values(recipe: ComparisonRecipe, places: Places, key: str, seed: int) -> dict[str, Any]:
    """The stream recipe of one cell, as plain values.

    Raises:
        UsageFault: E-FEA-001, a modality has no features; E-CFG-039, two kinds of features at once; E-CFG-040, a fusion
            of several modalities as one teacher.
    """
    method = recipe.methods[key]
    values = merge_dotted(recipe.stream, {})
    folders = dict(values["data"].get("features") or {})
    modality, own = _source(recipe, places, key, seed)
    features: dict[str, Any] = {}
    for user, (sense, folder) in {
        key: (modality, own),
        **{teacher: _source(recipe, places, teacher, seed) for teacher in recipe.teaching(key)},
    }.items():
        found = folder if folder is not None else folders.get(sense)
        if found is None:
            problem = f"{user} has no {sense} features"
            raise UsageFault("E-FEA-001", "", problem, f"Name an `encoder`, or give stream.data.features.{sense}.")
        if features.setdefault(sense, found) != found:
            problem = f"{user} brings other {sense} features ({found}) than {key} already has ({features[sense]})"
            raise UsageFault("E-CFG-039", "", problem, "A stream sees one kind of features per modality.")
    values["data"]["features"] = features
    student = dict(values.get("student") or {})
    student["modality"] = modality
    if method.filter is not None:
        student["filter"] = copy.deepcopy(method.filter)
    values["student"] = student
    if method.teachers or method.losses:
        values["distill"] = {
            "teachers": {teacher: _runs_of(recipe, places, teacher, seed) for teacher in method.teachers},
            "teacher_mixing": dict(method.teachers),
            "losses": method.losses_at_scale(),
        }
    values["seed"] = seed
    return merge_dotted(values, method.set)


def _runs_of(recipe: ComparisonRecipe, places: Places, teacher: str, seed: int) -> str | list[str]:
    """Run folder of a teacher; of all its members, if it is a fusion."""
    if teacher not in recipe.fusions:
        return str(places.stream(teacher, seed))
    senses = sorted({_source(recipe, places, member, seed)[0] for member in recipe.members(teacher)})
    if len(senses) > 1:
        problem = f"the fusion {teacher} sees {', '.join(senses)}: it cannot teach as one"
        raise UsageFault("E-CFG-040", "", problem, "Name its members as teachers; `distill.teacher_mixing: equal`.")
    return [str(places.stream(member, seed)) for member in recipe.members(teacher)]


def _source(recipe: ComparisonRecipe, places: Places, key: str, seed: int) -> tuple[str, str | None]:
    """Modality of a method, and the feature folder of its encoder (None: of the base stream)."""
    encoder = recipe.methods[key].encoder
    if encoder is not None:
        kind = next(iter(recipe.encoders[encoder].encoder))
        return ENCODERS[kind].modality, str(places.features(encoder, seed))
    student = merge_dotted(recipe.stream, recipe.methods[key].set).get("student")
    return str(student.get("modality", "rgb")) if isinstance(student, dict) else "rgb", None


def _frames_name(values: Mapping[str, Any]) -> str:
    """Frames of different sizes or rates lie in different folders."""
    try:
        recipe = EncoderRecipe.model_validate(dict(values))
    except ValidationError:
        return "unknown"  # the faults are reported where the recipe is checked
    return f"{recipe.data.size[0]}x{recipe.data.size[1]}-{recipe.clock.fps:g}fps"
