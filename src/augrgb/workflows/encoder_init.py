"""Start an encoder from given weights: another run, or imported ones."""

from __future__ import annotations

import fnmatch
import logging

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import read_json
from augrgb.core.timeline import Clock
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.recipe.encoder_schema import InitSection
from augrgb.training.teachers.snippet_classifier import SnippetClassifier, read_classifier

_SHOWN = 10
_log = logging.getLogger(__name__)


def start_from(
    init: InitSection, encoder: SnippetEncoder, clock: Clock, classes: tuple[str, ...]
) -> SnippetClassifier | None:
    """Give an encoder the weights of an encoder folder, and freeze the parts that the recipe names.

    Returns:
        The folder's classifier, if it is of the same classes and wanted; else the head starts afresh.

    Raises:
        InputRefused: See `load_encoder`; E-ENC-001 (another encoder), E-ENC-002 (tensors of other names or shapes, all
            listed).
        UsageFault: E-ENC-003, a pattern freezes nothing.
    """
    loaded = load_encoder(init.folder)
    _check_same(loaded, encoder)
    encoder.load_state_dict(loaded.encoder.state_dict())
    names = [name for name, _ in encoder.named_parameters()]
    for pattern in init.freeze:
        if not fnmatch.filter(names, pattern):
            parts = list(dict.fromkeys(".".join(name.split(".")[:3]) for name in names))
            shown = ", ".join(parts[:_SHOWN]) + (", ..." if len(parts) > _SHOWN else "")
            problem = f"no weight of {encoder.name} is called {pattern!r}"
            raise UsageFault("E-ENC-003", "init.freeze", problem, f"Say such as '{parts[0]}*'; there are {shown}.")
    for name, parameter in encoder.named_parameters():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in init.freeze):
            parameter.requires_grad_(False)
    if loaded.settings.clock != clock:
        _log.warning("%s was trained on %s; this recipe says %s", init.folder, loaded.settings.clock, clock)
    if not init.classifier or loaded.settings.classes != classes:
        return None
    return read_classifier(init.folder)


def options_of(init: InitSection, name: str) -> dict[str, object]:
    """What the folder says of the options that an encoder takes from its data or weights (a downloaded model's own)."""
    told = read_json(init.folder / "model.json", "encoder description")
    own = told.get("options", {}) if isinstance(told, dict) and told.get("name") == name else {}
    return {option: own[option] for option in ENCODERS[name].data_options if option in own}


def _check_same(loaded: LoadedEncoder, encoder: SnippetEncoder) -> None:
    if loaded.encoder.name != encoder.name:
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
