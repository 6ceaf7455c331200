"""Terminal tables for datasets, evaluations and the catalogs."""

from __future__ import annotations

import inspect
import os
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from augrgb.core.catalog import one_line, options_model
from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.types import Dataset

if TYPE_CHECKING:
    from augrgb.training.settings import FitResult
    from augrgb.workflows.evaluate import EvaluationResult


def stdout() -> Console:
    """Where results go; of several processes (torchrun) only the first one speaks."""
    return Console(quiet=os.environ.get("RANK", "0") != "0")


def stderr() -> Console:
    """Where warnings go."""
    return Console(stderr=True)


def fit_summary(run: Path, result: FitResult) -> str:
    """What a training run came to, in one line."""
    told = f"{run}: {result.steps} steps, kept the {result.kept} weights (step {result.kept_step})"
    if result.validation:
        told += ", validation " + ", ".join(f"{name} {100 * value:.1f}" for name, value in result.validation.items())
    if result.skipped_steps:
        told += f", {result.skipped_steps} steps skipped because a loss was not finite"
    return told


def dataset_table(dataset: Dataset) -> Table:
    """Classes, events and the videos of each role."""
    table = Table(title=f"{dataset.name}: {len(dataset.videos)} videos, {len(dataset.classes)} classes")
    for column in ("split", "role"):
        table.add_column(column)
    for column in ("videos", "minutes", "events"):
        table.add_column(column, justify="right")
    for split, roles in dataset.splits.items():
        for role, names in roles.items():
            videos = [dataset.videos[name] for name in names]
            minutes = sum(video.duration_s for video in videos) / 60
            events = sum(len(video.events or ()) for video in videos)
            table.add_row(split, role, str(len(videos)), f"{minutes:.1f}", str(events))
    return table


def evaluation_table(evaluation: EvaluationResult) -> Table:
    """Every protocol by its full name, with coverage, and per-frame AP of each class below."""
    table = Table(title=f"{' + '.join(evaluation.members)} on {evaluation.split}/{evaluation.role}")
    table.add_column("protocol")
    table.add_column("score", justify="right")
    table.add_column("videos scored", justify="right")
    for result in evaluation.results:
        covered = f"{result.videos_scored} of {result.videos_total}"
        table.add_row(result.protocol, f"{100 * result.value:.1f}", covered, style="bold")
        for tiou, value in result.details.get("map", {}).items():
            table.add_row(f"  at tIoU {float(tiou):g}", f"{100 * value:.1f}")
    first = evaluation.results[0]
    table.add_section()
    for label, value in first.per_class.items():
        table.add_row(Text(f"  {label}"), f"{100 * value:.1f}")
    return table


def catalogs() -> Mapping[str, Mapping[str, type]]:
    """Every kind of part that recipes and commands name."""
    from augrgb.annotations.formats import FORMATS
    from augrgb.encoders import ENCODERS
    from augrgb.filters import FILTERS
    from augrgb.losses import LOSSES
    from augrgb.poses.formats import SKELETON_FORMATS
    from augrgb.training.mean_teacher import MeanTeacher
    from augrgb.video.flow import FLOW_METHODS

    return {
        "losses": LOSSES,
        "semi_supervised": {"mean_teacher": MeanTeacher},
        "filters": FILTERS,
        "encoders": ENCODERS,
        "flow_methods": FLOW_METHODS,
        "annotation_formats": FORMATS,
        "skeleton_formats": SKELETON_FORMATS,
    }


def catalog_tables(only: str | None = None) -> Iterator[Table]:
    """One table per kind of part, or that of one kind.

    Raises:
        UsageFault: E-CFG-002, there is no such kind.
    """
    from augrgb.metrics.protocols import PROTOCOLS

    kinds = {kind: {name: one_line(part) for name, part in parts.items()} for kind, parts in catalogs().items()}
    kinds["protocols"] = {name: protocol.summary for name, protocol in PROTOCOLS.items()}
    if only is not None and only not in kinds:
        raise UsageFault("E-CFG-002", only, "no such kind of part", did_you_mean(only, kinds))
    for kind, rows in kinds.items():
        if only in (None, kind):
            yield _listing(kind, rows)


def _listing(kind: str, rows: Mapping[str, str]) -> Table:
    table = Table(title=kind, show_header=False, title_justify="left", title_style="bold", box=None)
    for name, summary in rows.items():
        table.add_row(name, Text(summary))
    return table


def describe(name: str) -> Iterator[RenderableType]:
    """What a part is and its options; the recipe's keys; or a run folder's resolved recipe and result.

    Raises:
        UsageFault: Nothing has that name.
    """
    from augrgb.metrics.protocols import PROTOCOLS

    if name in ("recipe", "stream-recipe", "encoder-recipe"):
        yield from _describe_recipes()
        return
    if (Path(name) / "run.json").is_file():
        yield Text((Path(name) / "run.json").read_text())
        if (Path(name) / "result.json").is_file():
            yield Text((Path(name) / "result.json").read_text())
        return
    everything = catalogs()
    for entries in everything.values():
        if name in entries:
            yield Text(inspect.getdoc(entries[name]) or "")
            if verified := getattr(entries[name], "verified", None):
                yield Text(f"Verified: {verified}.")
            if options_model(entries[name]).model_fields:
                yield _options(entries[name])
            return
    if name in PROTOCOLS:
        yield Text(str(PROTOCOLS[name].summary))
        return
    known = [part for entries in everything.values() for part in entries] + list(PROTOCOLS)
    raise UsageFault("E-CFG-002", name, "nothing has this name", f"{did_you_mean(name, known)} (augrgb list)")


def _options(entry: type) -> Table:
    table = Table("option", "type", "default", title="options", title_justify="left")
    for option, field in options_model(entry).model_fields.items():
        default = "(required)" if field.is_required() else repr(field.default)
        table.add_row(option, Text(_type_name(field.annotation)), Text(default))
    return table


def _describe_recipes() -> Iterator[RenderableType]:
    from augrgb.recipe.encoder_schema import EncoderRecipe
    from augrgb.recipe.schema import StreamRecipe

    for title, model in (
        ("stream recipe (train, distil)", StreamRecipe),
        ("encoder recipe (train-encoder)", EncoderRecipe),
    ):
        table = Table("key", "type", "default", title=title, title_justify="left")
        for key, type_name, default in _fields(model, ""):
            table.add_row(key, Text(type_name), Text(default))
        yield table


def _fields(model: type, prefix: str, given: object = None) -> Iterator[tuple[str, str, str]]:
    """Key, type and default of every field; `given` is a section whose values are the defaults here."""
    from pydantic import BaseModel

    assert issubclass(model, BaseModel)
    for key, field in model.model_fields.items():
        inner = [
            part for part in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(part, type)
        ]
        sections = [part for part in inner if issubclass(part, BaseModel)]
        value = getattr(given, key) if given is not None else field.default
        if sections:
            named = ".NAME" if typing.get_origin(field.annotation) is dict else ""
            own = value if isinstance(value, BaseModel) else None
            yield from _fields(sections[0], f"{prefix}{key}{named}.", own)
        else:
            default = "(required)" if field.is_required() and given is None else str(value)
            yield f"{prefix}{key}", _type_name(field.annotation), default


def _type_name(annotation: object) -> str:
    """`dict[str, FeatureSection]`: no modules, and nothing of how values are checked.

    >>> _type_name(dict[str, Annotated[int, "positive"]] | None)
    'dict[str, int] | None'
    """
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _type_name(parts[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(_type_name, parts))
    if origin is not None and origin is not typing.Literal:
        inner = ", ".join("..." if part is ... else _type_name(part) for part in parts)
        return f"{_type_name(origin)}[{inner}]"
    if annotation in (None, type(None)):
        return "None"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
