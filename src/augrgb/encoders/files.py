"""Encoder folders: `model.safetensors` and `model.json`. Nothing in them is ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import write_bytes, write_json
from augrgb.core.opening import sha256_file
from augrgb.core.plain_data import read_json
from augrgb.core.timeline import Clock
from augrgb.core.weights import check_state, read_weights
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
    """

    encoder: SnippetEncoder
    settings: EncoderSettings
    checksum: str
    folder: Path


def save_encoder(folder: Path, encoder: SnippetEncoder, settings: EncoderSettings) -> str:
    """Write an encoder folder; returns the checksum of the weights. The description is written last."""
    folder = Path(folder)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    write_bytes(folder / "model.safetensors", safetensors.torch.save(weights))
    checksum = sha256_file(folder / "model.safetensors")
    write_json(
        folder / "model.json",
        {
            "schema": SCHEMA,
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
            E-MOD-004 (NaN or infinite weights), E-MOD-006 (not an encoder folder of this version).
    """
    folder = Path(folder)
    description = read_json(folder / "model.json", "encoder description")
    encoder = _build(folder, description)
    path = folder / "model.safetensors"
    state = read_weights(path)
    checksum = sha256_file(path)
    if checksum != description["sha256"]:
        problem = f"SHA-256 is {checksum[:16]}..., model.json says {str(description['sha256'])[:16]}..."
        raise InputRefused("E-MOD-003", path, problem, "Copy the folder again.")
    check_state(path, state, encoder.state_dict())
    encoder.load_state_dict(state)
    encoder.to(device).eval().requires_grad_(False)
    size = description["size"]
    settings = EncoderSettings(
        clock=Clock(**description["clock"]),
        size=(int(size[0]), int(size[1])) if size else None,
        classes=tuple(description["classes"]),
        notes=description.get("notes", {}),
    )
    return LoadedEncoder(encoder, settings, checksum, folder)


def former_options(name: str) -> dict[str, Any]:
    """What options mean that the folder of an encoder does not have, because they did not exist yet."""
    return dict(ENCODERS[name].former_options) if name in ENCODERS else {}


def _build(folder: Path, description: Any) -> SnippetEncoder:
    path = folder / "model.json"
    needed = {"kind", "name", "modality", "options", "clock", "size", "classes", "sha256"}
    if not isinstance(description, dict) or description.get("schema") != SCHEMA or needed - description.keys():
        raise InputRefused("E-MOD-006", path, f"does not describe an encoder ({SCHEMA})", "Give an encoder folder.")
    try:
        name = description["name"]
        given = {**former_options(name), **description["options"]}
        options = check_options(ENCODERS, name, given, "encoder", str(path))
        return ENCODERS[name](**options)
    except (UsageFault, TypeError) as error:
        raise InputRefused("E-MOD-006", path, f"cannot be rebuilt: {error}", "It is of another version.") from error
