"""What a comparison recipe may say: encoders, methods, fusions, seeds, tests, and how their recipes follow from it.

A method is a stream; any method can teach any other. Each becomes an ordinary stream recipe per seed, each encoder an
ordinary encoder recipe, in run folders with readable names: nothing here trains differently from `augrgb train`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from augrgb.core.errors import UsageFault
from augrgb.encoders import ENCODERS
from augrgb.recipe.schema import EncoderRecipe, LossSection, Section

KEY = r"^[A-Za-z0-9]([A-Za-z0-9_.+-]*[A-Za-z0-9])?$"


def _as_seeds(value: Any) -> Any:
    return list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_weights(value: Any) -> Any:
    # A list shares a weight of 1, so that methods with one teacher and with two get the same budget of distillation.
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: 1 / len(value) for name in value}
    return value


class EncoderTeaching(Section):
    """Section `distill` of an encoder: teachers are names of other encoders here."""

    teachers: list[str] = Field(min_length=1)
    losses: dict[str, LossSection] = Field(min_length=1)
    unlabelled_share: float = Field(0.5, ge=0, lt=1)


class EncoderEntry(Section):
    """One snippet encoder: its kind, its teachers, and what else differs from the base.

    `seeds: shared` trains it once, for all seeds.
    """

    encoder: dict[str, dict[str, Any]]
    distill: EncoderTeaching | None = None
    seeds: Literal["each", "shared"] = "each"
    set: dict[str, Any] = Field({})


class MethodEntry(Section):
    """One stream: what people see, and what differs from the base.

    `encoder` names the encoder whose features it gets; `teachers` names other methods (a list shares a weight of 1;
    a mapping gives each its own); `sensors` is what it needs at test time beyond RGB; `against` names the row that its
    differences are paired with, if not the baseline.
    """

    name: str = ""
    group: str = "Methods"
    note: str = ""
    encoder: str | None = None
    filter: dict[str, dict[str, Any]] | None = None
    teachers: Annotated[dict[str, float], BeforeValidator(_as_weights)] = Field({})
    losses: dict[str, LossSection] = Field({})
    sensors: list[str] = Field([])
    against: str | None = None
    set: dict[str, Any] = Field({})


class FusionEntry(Section):
    """Methods whose scores are averaged at test time."""

    name: str = ""
    group: str = "Fusions"
    note: str = ""
    members: list[str] = Field(min_length=2)
    sensors: list[str] = Field([])
    against: str | None = None


class ComparisonRecipe(Section):
    """Methods x teachers x filters x seeds, tested alike.

    `stream` and `encoder` are the recipes that all methods and all encoders start from. `gaps` names rows with extra
    sensors: the share of the way from the baseline to them is reported. `featured` is the row of the headline.
    """

    title: str = "Comparison"
    about: str = ""
    stream: dict[str, Any]
    encoder: dict[str, Any] = Field({})
    encoders: dict[str, EncoderEntry] = Field({})
    methods: dict[str, MethodEntry] = Field(min_length=1)
    fusions: dict[str, FusionEntry] = Field({})
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], BeforeValidator(_as_seeds)] = Field([0, 1, 2], min_length=1)
    tests: list[str] = Field([], description="Splits whose videos are scored; default: the one of `stream`.")
    role: Literal["test", "val"] = "test"
    protocols: list[str] = Field(["frame-map/present", "event-map"], min_length=1)
    baseline: str
    featured: str | None = None
    gaps: list[str] = Field([])

    @property
    def rows(self) -> dict[str, MethodEntry | FusionEntry]:
        """Methods, then fusions."""
        return {**self.methods, **self.fusions}

    def splits(self) -> list[str]:
        """The splits whose videos are scored."""
        return self.tests or [str(self.stream["data"].get("split", "cross_subject"))]

    def members(self, row: str) -> tuple[str, ...]:
        """The methods behind a row."""
        return tuple(self.fusions[row].members) if row in self.fusions else (row,)

    def against(self, row: str) -> str | None:
        """The row with which the differences of `row` are paired; None for the baseline."""
        return None if row == self.baseline else self.rows[row].against or self.baseline


class Places:
    """Where the cells of a comparison lie: readable names, nothing that must be looked up.

    Args:
        root: The comparison's folder.
        recipe: Says which encoders are shared by all seeds.
        sources: Where encoders, features and decoded tracks lie, if several comparisons share them; default: in `root`.
    """

    def __init__(self, root: Path, recipe: ComparisonRecipe, sources: Path | None = None) -> None:
        self.root, self.sources = root, sources or root
        self._shared = {name for name, entry in recipe.encoders.items() if entry.seeds == "shared"}

    def cell(self, encoder: str, seed: int) -> str:
        """Name of an encoder's cell."""
        return encoder if encoder in self._shared else f"{encoder}-{seed}"

    def encoder(self, name: str, seed: int) -> Path:
        """Run folder of an encoder."""
        return self.sources / "encoders" / self.cell(name, seed)

    def features(self, name: str, seed: int) -> Path:
        """Feature folder of an encoder."""
        return self.sources / "features" / self.cell(name, seed)

    def stream(self, method: str, seed: int) -> Path:
        """Run folder of a method."""
        return self.root / "streams" / f"{method}-{seed}"

    def evaluation(self, row: str, seed: int) -> Path:
        """Scores of a row."""
        return self.root / "evaluation" / f"{row}-{seed}.json"


def encoder_values(recipe: ComparisonRecipe, places: Places, name: str, seed: int) -> dict[str, Any]:
    """The encoder recipe of one cell, as plain values; `seed` says nothing where the encoder is shared."""
    entry = recipe.encoders[name]
    base = merged({"data": {"dataset": recipe.stream["data"]["dataset"]}}, recipe.encoder)
    split = recipe.stream["data"].get("split")
    if split is not None:
        base["data"].setdefault("split", split)
    values = merged({**base, "encoder": entry.encoder}, entry.set)
    if entry.seeds == "each":
        values["seed"] = seed
    if entry.distill is not None:
        teachers = {teacher: str(places.encoder(teacher, seed)) for teacher in entry.distill.teachers}
        values["distill"] = {**entry.distill.model_dump(mode="json"), "teachers": teachers}
    if isinstance(values["data"], dict) and values["data"].get("tracks") is None:
        values["data"]["tracks"] = str(places.sources / "tracks" / _track_name(values))
    return values


def stream_values(recipe: ComparisonRecipe, places: Places, key: str, seed: int) -> dict[str, Any]:
    """The stream recipe of one cell, as plain values.

    Raises:
        UsageFault: E-CFG-003, a modality has no features, or two kinds of features at once.
    """
    method = recipe.methods[key]
    values = merged(recipe.stream, {})
    folders = dict(values["data"].get("features") or {})
    modality, own = _source(recipe, places, key, seed)
    features: dict[str, Any] = {}
    for user, (sense, folder) in {
        key: (modality, own),
        **{teacher: _source(recipe, places, teacher, seed) for teacher in method.teachers},
    }.items():
        found = folder if folder is not None else folders.get(sense)
        if found is None:
            problem = f"{user} has no {sense} features"
            raise UsageFault("E-CFG-003", "", problem, f"Name an `encoder`, or give stream.data.features.{sense}.")
        if features.setdefault(sense, found) != found:
            problem = f"{user} brings other {sense} features ({found}) than {key} already has ({features[sense]})"
            raise UsageFault("E-CFG-003", "", problem, "A stream sees one kind of features per modality.")
    values["data"]["features"] = features
    student = dict(values.get("student") or {})
    student["modality"] = modality
    if method.filter is not None:
        student["filter"] = copy.deepcopy(method.filter)
    values["student"] = student
    if method.teachers or method.losses:
        values["distill"] = {
            "teachers": {teacher: str(places.stream(teacher, seed)) for teacher in method.teachers},
            "teacher_weights": dict(method.teachers),
            "losses": {name: loss.model_dump(mode="json") for name, loss in method.losses.items()},
        }
    values["seed"] = seed
    return merged(values, method.set)


def _source(recipe: ComparisonRecipe, places: Places, key: str, seed: int) -> tuple[str, str | None]:
    """Modality of a method, and the feature folder of its encoder (None: of the base stream)."""
    encoder = recipe.methods[key].encoder
    if encoder is not None:
        kind = next(iter(recipe.encoders[encoder].encoder))
        return ENCODERS[kind].modality, str(places.features(encoder, seed))
    student = merged(recipe.stream, recipe.methods[key].set).get("student")
    return str(student.get("modality", "rgb")) if isinstance(student, dict) else "rgb", None


def _track_name(values: Mapping[str, Any]) -> str:
    """Frames of different sizes or rates lie in different folders."""
    try:
        recipe = EncoderRecipe.model_validate(dict(values))
    except ValidationError:
        return "unknown"  # the faults are reported where the recipe is checked
    return f"{recipe.data.size[0]}x{recipe.data.size[1]}-{recipe.clock.fps:g}fps"


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of `base` with `changes`: sections are merged, a dotted key replaces what lies there.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d.e": 4})
    {'a': {'b': 3, 'c': 2}, 'd': {'e': 4}}
    """
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in changes.items():
        *sections, last = str(key).split(".")
        place = result
        for section in sections:
            if not isinstance(place.get(section), dict):
                place[section] = {}
            place = place[section]
        old = place.get(last)
        if not sections and isinstance(old, dict) and isinstance(value, dict):
            place[last] = merged(old, value)
        else:
            place[last] = copy.deepcopy(value)
    return result
