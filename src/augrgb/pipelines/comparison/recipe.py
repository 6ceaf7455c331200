"""What a comparison recipe may say: encoders, methods, fusions, seeds, tests, and how settings are searched.

A method is a stream; any method can teach any other. Each becomes an ordinary stream recipe per seed, each encoder an
ordinary encoder recipe, in run folders with readable names: nothing here trains differently from `augrgb train`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, model_validator

from augrgb.core.nested import merge_dotted
from augrgb.pipelines.comparison.search_space import SearchSection, Settings, grid_of, grid_size, trials_of
from augrgb.recipe.encoder_schema import AttentionSection, JointCellSection, JointSection
from augrgb.recipe.sections import LossSection, Section

SEARCHED_FIELDS = ("encoder", "filter", "teachers", "losses", "scale")
KEY = r"^[A-Za-z0-9]([A-Za-z0-9_.+-]*[A-Za-z0-9])?$"


def scaled_encoder(name: str, scale: float) -> str:
    """Name of the encoder with the weights of its teachers times `scale`."""
    return name if scale == 1 else f"{name}_x{scale:g}"


def _as_seeds(value: Any) -> Any:
    return list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_weights(value: Any) -> Any:
    # A list shares a weight of 1, so that methods with one teacher and with two get the same budget of distillation.
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: 1 / len(value) for name in value}
    return value


def _as_named(value: Any) -> Any:
    return {name: name for name in value} if isinstance(value, list) else value


class EncoderTeaching(Section):
    """Section `distill` of an encoder: `teachers` are other encoders here, `streams` are methods.

    Streams are a list of methods, or a mapping of names to methods where an encoder has the same name.
    """

    teachers: list[str] = Field([])
    streams: Annotated[dict[str, str], BeforeValidator(_as_named)] = Field({})
    losses: dict[str, LossSection] = Field({})
    joints: JointSection | None = None
    joint_cells: JointCellSection | None = None
    attention: AttentionSection | None = None
    teacher_mixing: dict[str, float] | Literal["equal", "learned", "validated"] = Field({})
    unlabelled_share: float = Field(0.5, ge=0, lt=1)


class EncoderEntry(Section):
    """One snippet encoder: its kind, its teachers, and what else differs from the base.

    `seeds: shared` trains it once, for all seeds. `start` names another encoder here whose weights it begins with.
    """

    encoder: dict[str, dict[str, Any]]
    distill: EncoderTeaching | None = None
    seeds: Literal["each", "shared"] = "each"
    start: str | None = None
    set: dict[str, Any] = Field({})

    @property
    def teachers(self) -> list[str]:
        """Encoders that teach it."""
        return list(self.distill.teachers) if self.distill is not None else []

    @property
    def needs(self) -> list[str]:
        """Encoders that must be finished before it: its teachers, and the one that it starts from."""
        return list(dict.fromkeys([*self.teachers, *([self.start] if self.start is not None else [])]))

    def scaled(self, scale: float) -> EncoderEntry:
        """The same encoder with the weights of all that teaches it times `scale`."""
        if self.distill is None:
            return self
        values = self.distill.model_dump(mode="json")
        for part in (*values["losses"].values(), values["joints"], values["joint_cells"], values["attention"]):
            if part is not None:
                part["weight"] = float(f"{part['weight'] * scale:.12g}")
        return self.model_copy(update={"distill": EncoderTeaching.model_validate(values)})


class MethodEntry(Section):
    """One stream: what people see, and what differs from the base.

    `encoder` names the encoder whose features it gets; `teachers` names other methods (a list shares a weight of 1;
    a mapping gives each its own), or fusions of methods of one modality, which teach as an ensemble; `sensors` is what
    it needs at test time beyond RGB; `against` names the row that its differences are paired with, if not the baseline.
    `scale` multiplies the weights of all losses. `grid` adds to the grid of the search; `trials` says outright that
    this method makes fewer trials than the others (0: none). `climb` says whose weights the search climbs, where it
    does: those of the method's own `losses`, or those of what teaches its `encoder`.
    """

    name: str = ""
    group: str = "Methods"
    note: str = ""
    encoder: str | None = None
    filter: dict[str, dict[str, Any]] | None = None
    teachers: Annotated[dict[str, float], BeforeValidator(_as_weights)] = Field({})
    losses: dict[str, LossSection] = Field({})
    scale: PositiveFloat = 1.0
    sensors: list[str] = Field([])
    against: str | None = None
    set: dict[str, Any] = Field({})
    grid: dict[str, list[Any] | None] = Field({})
    trials: int | None = Field(None, ge=0)
    climb: Literal["losses", "encoder"] = "losses"

    def losses_at_scale(self) -> dict[str, dict[str, Any]]:
        """The losses with their weights times `scale`, as plain values."""
        losses = {name: loss.model_dump(mode="json") for name, loss in self.losses.items()}
        for loss in losses.values():
            if loss.get("teachers", ()) is None:
                del loss["teachers"]  # all of them, which goes without saying
            loss["weight"] = float(f"{loss['weight'] * self.scale:.12g}")  # 0.1 x 3 is 0.3 in a run folder
        return losses

    def with_settings(self, settings: Mapping[str, Any]) -> MethodEntry:
        """This method with the settings of a trial: its own fields where a key begins with one, else those in `set`."""
        own = {key: value for key, value in settings.items() if key.split(".")[0] in SEARCHED_FIELDS}
        values = merge_dotted(self.model_dump(mode="json"), own)
        others = {key: value for key, value in settings.items() if key not in own}
        values["set"] = {key: value for key, value in self.set.items() if key not in others} | others
        return MethodEntry.model_validate(values)


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
    worlds: list[str] = Field([], description="Datasets alike, instead of that of `stream`: the whole for each.")
    label_seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [0], min_length=1, description="Draws of which training videos are labeled; 0 is the dataset's own."
    )
    tests: list[str] = Field([], description="Splits whose videos are scored; default: the one of `stream`.")
    role: Literal["test", "val"] = "test"
    protocols: list[str] = Field(["frame-map/present", "event-map"], min_length=1)
    baseline: str
    featured: str | None = None
    gaps: list[str] = Field([])
    test_names: dict[str, str] = Field({}, description="What people see of a split, such as `new people`.")
    timelines: list[str] = Field([], description="Rows whose detections the report draws, in one test video per split.")
    curves: list[str] = Field([], description="Methods whose training the report draws, with their encoders.")
    search: SearchSection | None = None

    @model_validator(mode="after")
    def _encoders_of_climbs(self) -> ComparisonRecipe:
        """Encoders whose teachers have other weights are encoders like all others."""
        climb = self.search.climb if self.search is not None else None
        for method in self.methods.values() if climb is not None else ():
            entry = self.encoders.get(method.encoder or "")
            if climb is None or method.climb != "encoder" or method.trials == 0 or entry is None:
                continue
            for scale in climb.scales:
                self.encoders.setdefault(scaled_encoder(str(method.encoder), scale), entry.scaled(scale))
        return self

    @property
    def rows(self) -> dict[str, MethodEntry | FusionEntry]:
        """Methods, then fusions."""
        return {**self.methods, **self.fusions}

    def label(self, row: str) -> str:
        """Name of a row that no other row has: its group goes before a name that several groups use."""
        names = [entry.name or key for key, entry in self.rows.items()]
        own = self.rows[row].name or row
        return own if names.count(own) == 1 else f"{self.rows[row].group}: {own}"

    def splits(self) -> list[str]:
        """The splits whose videos are scored."""
        return self.tests or [str(self.stream["data"].get("split", "cross_subject"))]

    def heading(self, split: str, protocol: str) -> str:
        """What people see of a column of the tables."""
        return f"{protocol}, {self.test_names.get(split, split)}"

    def members(self, row: str) -> tuple[str, ...]:
        """The methods behind a row."""
        return tuple(self.fusions[row].members) if row in self.fusions else (row,)

    def teaching(self, method: str) -> list[str]:
        """The methods that teach a method: a fusion among its teachers stands for its members."""
        return list(dict.fromkeys(one for teacher in self.methods[method].teachers for one in self.members(teacher)))

    def against(self, row: str) -> str | None:
        """The row with which the differences of `row` are paired; None for the baseline."""
        return None if row == self.baseline else self.rows[row].against or self.baseline

    def grid(self, method: str) -> dict[str, list[Any]]:
        """What the search tries for a method."""
        entry = self.methods[method]
        return grid_of(self.search.grid if self.search is not None else {}, entry.grid, taught=bool(entry.losses))

    def trials(self, method: str) -> list[Settings]:
        """The settings that a method is tried with; none if nothing is searched."""
        if self.search is None or self.methods[method].trials == 0:
            return []
        grid, own = self.grid(method), self.methods[method].trials
        return trials_of(grid, min(self.search.budget if own is None else own, grid_size(grid)))

    def settled(self, chosen: Mapping[str, Mapping[str, Any]]) -> ComparisonRecipe:
        """The same comparison with settings for some of its methods."""
        entries = {
            key: entry.with_settings(chosen[key]) if key in chosen else entry for key, entry in self.methods.items()
        }
        return self.model_copy(update={"methods": entries})
