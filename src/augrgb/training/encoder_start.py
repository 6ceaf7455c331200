"""Start an encoder from existing weights: those of another run, or imported ones."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Sequence
from pathlib import Path

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import LoadedEncoder, former_options, load_encoder, read_description
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.training.teachers.snippet_classifier import SnippetClassifier, read_classifier

_SHOWN = 10
_log = logging.getLogger(__name__)


def start_from(
    folder: Path,
    encoder: SnippetEncoder,
    clock: Clock,
    classes: tuple[str, ...],
    *,
    frozen: Sequence[str] = (),
    classifier: bool = True,
) -> SnippetClassifier | None:
    """Give an encoder the weights of an encoder folder, and freeze some of them.

    Args:
        folder: The encoder folder.
        encoder: Gets its weights.
        clock: Of the new training; a warning says if it differs.
        classes: Of the new training.
        frozen: Patterns of names of weights that are not trained, see `freeze`.
        classifier: Take over the folder's classifier if it has the same classes.

    Returns:
        The folder's classifier, if it has the same classes and is wanted; otherwise the head starts from scratch.

    Raises:
        InputRefused: See `load_encoder`; E-ENC-001 (another encoder), E-ENC-002 (tensors of other names or shapes, all
            listed).
        UsageFault: E-ENC-003, a pattern freezes nothing.
    """
    loaded = load_encoder(folder)
    _check_same(loaded, encoder)
    encoder.load_state_dict(loaded.encoder.state_dict())
    freeze(encoder, frozen)
    if loaded.settings.clock != clock:
        _log.warning("%s was trained on %s; this training uses %s", folder, loaded.settings.clock, clock)
    if not classifier or loaded.settings.classes != classes:
        return None
    return read_classifier(folder)


def freeze(encoder: SnippetEncoder, patterns: Sequence[str]) -> None:
    """Keep weights whose names match one of the patterns (`*` matches anything) as they are in training.

    Raises:
        UsageFault: E-ENC-003, a pattern matches nothing.
    """
    names = [name for name, _ in encoder.named_parameters()]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            parts = list(dict.fromkeys(".".join(name.split(".")[:3]) for name in names))
            shown = ", ".join(parts[:_SHOWN]) + (", ..." if len(parts) > _SHOWN else "")
            problem = f"no weight of {encoder.name} matches {pattern!r}"
            raise UsageFault("E-ENC-003", "init.freeze", problem, f"For example '{parts[0]}*'; available: {shown}.")
    for name, parameter in encoder.named_parameters():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(False)


def inherited_options(folder: Path, name: str) -> dict[str, object]:
    """The options in an encoder folder that belong to its data or weights, and so are kept when starting from it."""
    description = read_description(folder)
    options = {**former_options(name), **description.options} if description.name == name else {}
    return {option: options[option] for option in ENCODERS[name].data_options if option in options}


def _check_same(loaded: LoadedEncoder, encoder: SnippetEncoder) -> None:
    if loaded.encoder.name not in (encoder.name, *encoder.starts_like):
        problem = f"{loaded.folder} is a {loaded.encoder.name}, the recipe trains a {encoder.name}"
        raise InputRefused("E-ENC-001", "init", problem, "Name the same encoder, or other weights.")
    have, want = loaded.encoder.state_dict(), encoder.state_dict()
    shapes = {name: (_shape(have.get(name)), _shape(want.get(name))) for name in {**want, **have}}
    faults = [f"{name} is {found}, not {wanted}" for name, (found, wanted) in shapes.items() if found != wanted]
    if faults:
        rest = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        options = {key: value for key, value in loaded.encoder.options.items() if encoder.options.get(key) != value}
        problem = f"{loaded.folder} does not fit: {'; '.join(faults[:_SHOWN])}{rest}"
        raise InputRefused("E-ENC-002", "init", problem, f"Its options differ in {options}.")


def _shape(tensor: object) -> str:
    shape = getattr(tensor, "shape", None)
    return str(tuple(shape)) if shape is not None else "absent"
