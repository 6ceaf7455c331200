"""Encoder folders: `model.safetensors` and `model.json`. Nothing in them is ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import write_bytes
from augrgb.core.opening import sha256_file
from augrgb.core.sealed import read_sealed, write_sealed
from augrgb.core.timeline import Clock
from augrgb.core.weights import build_fitting, check_state, read_outline, read_weights
from augrgb.encoders import ENCODERS
from augrgb.encoders.snippet_encoder import SnippetEncoder

SCHEMA = "augrgb.encoder/1"


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What is needed besides the weights to use an encoder on a video.

    Args:
        clock: Frame rate and windows it was trained on.
        size: (width, height) of frames; None for poses.
        classes: Labels it was trained with, () if none.
        notes: Anything about its training, plain JSON (seed, videos, method).
    """

    clock: Clock
    size: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedEncoder:
    """A frozen encoder in evaluation mode.

    Args:
        checksum: SHA-256 of its weights file.
        options: As its folder gives them: an option of a later version does not make other features of it.
    """

    encoder: SnippetEncoder
    settings: EncoderSettings
    checksum: str
    folder: Path
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EncoderDescription:
    """What `model.json` says."""

    kind: str
    name: str
    modality: str
    options: dict[str, Any]
    clock: Clock
    size: tuple[int, int] | None
    classes: tuple[str, ...]
    sha256: str
    notes: dict[str, Any] = field(default_factory=dict)


def save_encoder(folder: Path, encoder: SnippetEncoder, settings: EncoderSettings) -> str:
    """Write an encoder folder; returns the checksum of the weights. The description is written last."""
    folder = Path(folder)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    write_bytes(folder / "model.safetensors", safetensors.torch.save(weights))
    checksum = sha256_file(folder / "model.safetensors")
    write_sealed(
        folder / "model.json",
        SCHEMA,
        {
            "kind": "encoder",
            "name": encoder.name,
            "modality": encoder.modality,
            "options": encoder.options,
            "clock": settings.clock.to_json(),
            "size": settings.size,
            "classes": settings.classes,
            "notes": dict(settings.notes),
            "sha256": checksum,
        },
    )
    return checksum


def load_encoder(folder: Path, device: torch.device | str = "cpu") -> LoadedEncoder:
    """Rebuild an encoder from its folder.

    Raises:
        InputRefused: E-FILE-001/010 (no description), E-MOD-001 (not safetensors, such as a pickle),
            E-MOD-002 (names, shapes or kinds of tensors differ), E-MOD-003 (changed since it was saved),
            E-MOD-004 (NaN or infinite weights), E-MOD-006 (not an encoder folder of this version), E-FILE-018 (its
            description was changed).
    """
    folder = Path(folder)
    description = read_description(folder)
    path = folder / "model.safetensors"
    read_outline(path)  # is it such a file?
    checksum = sha256_file(path)
    if checksum != description.sha256:
        problem = f"SHA-256 is {checksum[:16]}..., model.json says {description.sha256[:16]}..."
        raise InputRefused("E-MOD-003", path, problem, "Copy the folder again.")
    encoder = build_fitting(path, lambda: _build(folder, description))
    state = read_weights(path)
    check_state(path, state, encoder.state_dict())
    encoder.load_state_dict(state)
    encoder.to(device).eval().requires_grad_(False)
    settings = EncoderSettings(description.clock, description.size, description.classes, description.notes)
    return LoadedEncoder(encoder, settings, checksum, folder, description.options)


def check_encoder_files(folder: Path) -> EncoderDescription:
    """Whether an encoder folder is intact, without loading it.

    Raises:
        InputRefused: E-FILE-001/010/018, E-MOD-006; E-MOD-003, the weights are not those that it describes.
    """
    description, path = read_description(folder), Path(folder) / "model.safetensors"
    if sha256_file(path) != description.sha256:
        problem = f"its SHA-256 is not the one in model.json ({description.sha256[:12]}...)"
        raise InputRefused("E-MOD-003", path, problem, "Copy the folder again.")
    return description


def read_description(folder: Path) -> EncoderDescription:
    """The `model.json` of an encoder folder.

    Raises:
        InputRefused: E-FILE-001/010/018, E-MOD-006.
    """
    path = Path(folder) / "model.json"
    found: EncoderDescription = read_sealed(
        path, SCHEMA, EncoderDescription, what="encoder description", code="E-MOD-006", remedy="Give an encoder folder."
    )
    if found.kind != "encoder":
        raise InputRefused("E-MOD-006", path, f"describes no encoder but {found.kind!r}", "Give an encoder folder.")
    return found


def former_options(name: str) -> dict[str, Any]:
    """What options mean that the folder of an encoder does not have, because they did not exist yet."""
    return dict(ENCODERS[name].former_options) if name in ENCODERS else {}


def _build(folder: Path, description: EncoderDescription) -> SnippetEncoder:
    path = folder / "model.json"
    try:
        name = description.name
        given = {**former_options(name), **description.options}
        options = check_options(ENCODERS, name, given, "encoder", str(path))
        return ENCODERS[name](**options)
    except (UsageFault, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise InputRefused("E-MOD-006", path, f"cannot be rebuilt: {error}", "It is of another version.") from error
