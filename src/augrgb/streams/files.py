"""Stream folders: `model.safetensors` and `model.json`. Nothing in them is ever executed or unpickled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors.torch import save

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused
from augrgb.core.files import write_bytes
from augrgb.core.opening import sha256_file
from augrgb.core.sealed import read_sealed, write_sealed
from augrgb.core.timeline import Clock
from augrgb.core.weights import build_fitting, check_finite, check_state, read_outline, read_weights
from augrgb.filters import FILTERS
from augrgb.streams.stream import Stream

SCHEMA = "augrgb.stream/1"


@dataclass(frozen=True)
class StreamSettings:
    """All that is needed to rebuild a stream, and to know what it expects and says.

    Args:
        modality: What its features are of.
        filter: Name of the temporal filter.
        dim_in: Channels of the input features.
        classes: Class names, in the order of the scores.
        clock: Time base of the features it was trained on.
        options: Options of the filter.
        notes: Anything else worth keeping (where the features came from, ...); JSON values.
    """

    modality: str
    filter: str
    dim_in: int
    classes: tuple[str, ...]
    clock: Clock
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedStream:
    """A stream read from a folder, in evaluation mode, and its settings."""

    stream: Stream
    settings: StreamSettings


def build_stream(settings: StreamSettings) -> Stream:
    """A fresh stream.

    Raises:
        UsageFault: E-CFG-..., unknown filter or option, with the nearest name.
    """
    options = check_options(FILTERS, settings.filter, settings.options, "filter", "filter")
    return Stream(FILTERS[settings.filter](settings.dim_in, **options), len(settings.classes))


def save_stream(folder: Path | str, stream: Stream, settings: StreamSettings) -> None:
    """Write a stream folder; equal streams give equal bytes.

    Raises:
        InputRefused: E-MOD-004, weights that are not finite.
    """
    folder = Path(folder)
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in stream.state_dict().items()}
    check_finite(folder, tensors)
    data = save(tensors)
    write_bytes(folder / "model.safetensors", data)
    write_sealed(
        folder / "model.json",
        SCHEMA,
        {
            "kind": "stream",
            "modality": settings.modality,
            "filter": settings.filter,
            "options": check_options(FILTERS, settings.filter, settings.options, "filter", "filter"),
            "dim_in": settings.dim_in,
            "classes": list(settings.classes),
            "clock": settings.clock.to_json(),
            "notes": dict(settings.notes),
            "sha256": hashlib.sha256(data).hexdigest(),
        },
    )


def load_stream(folder: Path | str, *, classes: Sequence[str] | None = None) -> LoadedStream:
    """Read a stream folder.

    Args:
        folder: Holds `model.safetensors` and `model.json`.
        classes: The class list that is to be scored, if it must agree.

    Raises:
        InputRefused: E-FILE-001/010; E-MOD-001 (damaged or not a safetensors file), E-MOD-002 (tensors differ from what
            the settings need, all listed), E-MOD-003 (checksum), E-MOD-004 (not finite), E-MOD-006 (not a stream
            folder), E-MOD-007 (other classes), E-FILE-018 (its description was changed).
        UsageFault: E-CFG-..., a filter or option this version does not know.
    """
    folder = Path(folder)
    description = read_stream_settings(folder)
    settings = description.settings
    path, weights = folder / "model.json", folder / "model.safetensors"
    if classes is not None and tuple(classes) != settings.classes:
        raise InputRefused("E-MOD-007", path, _class_differences(settings.classes, classes), "Train a stream on these.")
    read_outline(weights)  # is it such a file?
    if sha256_file(weights) != description.sha256:
        problem = f"its SHA-256 is not the one in model.json ({description.sha256[:12]}...)"
        raise InputRefused("E-MOD-003", weights, problem, "Copy the whole folder again.")
    stream = build_fitting(weights, lambda: build_stream(settings))
    tensors = read_weights(weights)
    check_state(weights, tensors, stream.state_dict())
    stream.load_state_dict(tensors)
    return LoadedStream(stream.eval(), settings)


@dataclass(frozen=True)
class StreamDescription(StreamSettings):
    """What `model.json` says."""

    kind: str = ""
    sha256: str = ""

    @property
    def settings(self) -> StreamSettings:
        """Without what concerns the file."""
        return StreamSettings(**{one.name: getattr(self, one.name) for one in fields(StreamSettings)})


def read_stream_settings(folder: Path | str) -> StreamDescription:
    """The `model.json` of a stream folder.

    Raises:
        InputRefused: E-FILE-001/010/018, E-MOD-006.
    """
    path, remedy = Path(folder) / "model.json", "Name the folder of a trained stream, and copy it whole."
    found: StreamDescription = read_sealed(
        path, SCHEMA, StreamDescription, what="stream folder", code="E-MOD-006", remedy=remedy
    )
    if found.kind != "stream":
        raise InputRefused("E-MOD-006", path, f"describes no stream but {found.kind!r}", remedy)
    return found


def _class_differences(model: Sequence[str], wanted: Sequence[str]) -> str:
    only_model, only_wanted = [c for c in model if c not in wanted], [c for c in wanted if c not in model]
    if not only_model and not only_wanted:
        return f"the {len(model)} classes are the same but in another order"
    return (
        f"{len(model)} classes, {len(wanted)} asked for; only in the model: {only_model}; only asked for: {only_wanted}"
    )
