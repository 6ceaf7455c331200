"""What `augrgb list` and `augrgb show` print: catalogs of parts, their options, recipe keys, run folders."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from augrgb.core.catalog import one_line, options_model
from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json, read_text
from augrgb.core.sealed import check_seal


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


def parts(only: str | None = None) -> dict[str, dict[str, str]]:
    """Names and one-line descriptions of every kind of part, or of one kind.

    Raises:
        UsageFault: E-CFG-002, there is no such kind.
    """
    from augrgb.metrics.protocols import PROTOCOLS

    kinds = {kind: {name: one_line(part) for name, part in entries.items()} for kind, entries in catalogs().items()}
    kinds["protocols"] = {name: protocol.summary for name, protocol in PROTOCOLS.items()}
    if only is not None and only not in kinds:
        raise UsageFault("E-CFG-002", only, "no such kind of part", did_you_mean(only, kinds))
    return kinds if only is None else {only: kinds[only]}


def catalog_tables(only: str | None = None) -> Iterator[Table]:
    """One table per kind of part, or that of one kind.

    Raises:
        UsageFault: E-CFG-002, there is no such kind.
    """
    for kind, rows in parts(only).items():
        yield formats_table() if kind == "annotation_formats" else _listing(kind, rows)


def formats_table() -> Table:
    """The annotation formats: which can be read and written, and their options."""
    from augrgb.annotations.formats import FORMATS
    from augrgb.workflows.convert import writers

    table = Table("format", "reads", "writes", "options", "what", title="annotation_formats", title_justify="left")
    written = writers()
    for name, entry in FORMATS.items():
        options = ", ".join(options_model(entry).model_fields)
        reads = "yes" if entry.readable else "no"
        table.add_row(name, reads, "yes" if name in written else "no", options, Text(one_line(entry)))
    return table


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
    if is_file(Path(name) / "run.json"):
        for file in ("run.json", "result.json"):
            if is_file(Path(name) / file):
                check_seal(read_json(Path(name) / file), Path(name) / file)
                yield Text(read_text(Path(name) / file))
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


def recipe_keys() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Title of each kind of recipe, and (key, type, default) of everything in it."""
    from augrgb.recipe.encoder_schema import EncoderRecipe
    from augrgb.recipe.schema import StreamRecipe

    yield "stream recipe (train, distill)", list(_fields(StreamRecipe, ""))
    yield "encoder recipe (train-encoder)", list(_fields(EncoderRecipe, ""))


def _describe_recipes() -> Iterator[RenderableType]:
    for title, rows in recipe_keys():
        table = Table("key", "type", "default", title=title, title_justify="left")
        for key, type_name, default in rows:
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
