"""Encoders, streams, bundles and exported models, and the runs that made them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json
from augrgb.core.timeline import Clock
from augrgb.encoders.files import load_encoder
from augrgb.inference.bundle import has_encoder
from augrgb.inference.export.folder import ExportedModel
from augrgb.inference.stepping import look_ahead_of
from augrgb.inference.thresholds import read_thresholds
from augrgb.inference.training_facts import read_training_facts
from augrgb.pipelines.info.description import Info, listed, typed
from augrgb.report.numbers import counted, percent
from augrgb.streams.files import load_stream
from augrgb.training.run.folder import RunFolder


def run(path: Path) -> Info:
    """A run folder of `augrgb train`, `distill` or `train-encoder`."""
    folder = RunFolder(path)
    identity, result = folder.identity, folder.result()
    recipe = identity.get("recipe", {})
    kind = "run of an encoder" if "encoder" in recipe else "run of a stream"
    data: Mapping[str, Any] = recipe.get("data", {}) if isinstance(recipe.get("data"), dict) else {}
    facts = [
        ("dataset", str(data.get("dataset", ""))),
        ("split", str(data.get("split", ""))),
        ("seed", str(recipe.get("seed", ""))),
    ]
    steps = recipe.get("train", {}).get("steps", "?")
    command = "train-encoder" if "encoder" in recipe else "train"
    if result is None:
        facts.append(("trained", f"{max(folder.checkpoints.steps(), default=0)} of {steps} steps"))
        return Info(f"{kind}, not finished", tuple(facts), next=(f"the `augrgb {command}` that began it continues it",))
    numbers = ", ".join(f"{name} {percent(value)} %" for name, value in result["validation"].items())
    facts.append(
        ("trained", f"{result['steps']} steps; step {result['kept_step']} kept ({numbers or 'no validation'})")
    )
    made = model(path)
    steps_next = (f"augrgb evaluate {typed(path)}", *made.next) if "encoder" not in recipe else made.next
    return Info(kind, (*facts, *made.facts), made.faults, steps_next)


def model(path: Path) -> Info:
    """The folder of an encoder, a stream, or both."""
    values = read_json(path / "model.json", "model")
    if isinstance(values, dict) and values.get("kind") == "encoder":
        loaded = load_encoder(path)
        clock = loaded.settings.clock
        facts = [
            ("encoder", f"{loaded.encoder.name}: {loaded.encoder.modality} -> {loaded.encoder.dim} features"),
            ("clock", f"{clock.window} frames every {clock.stride} at {clock.fps:g} fps"),
            ("frames", f"{loaded.settings.size[0]}x{loaded.settings.size[1]}" if loaded.settings.size else "any"),
            ("checksum", loaded.checksum[:16]),
        ]
        return Info("encoder", tuple(facts), next=(f"augrgb extract DATASET {typed(path)} -o FEATURES",))
    stream = load_stream(path)
    settings = stream.settings
    facts = [
        ("stream", f"{settings.filter} on {settings.modality} features of {settings.dim_in} channels"),
        ("classes", listed(settings.classes)),
        ("clock", f"a snippet every {settings.clock.stride / settings.clock.fps:.2f} s"),
    ]
    if not has_encoder(path):
        return Info("stream without its encoder: it scores features, not videos", tuple(facts), next=())
    thresholds, training = read_thresholds(path, settings.classes), read_training_facts(path)
    facts.append(("thresholds", str(thresholds.notes.get("chosen_on", "given")) if thresholds else "the default ones"))
    if training is not None:
        sizes = f"{training.widths[0]}-{training.widths[1]} x {training.heights[0]}-{training.heights[1]} pixels"
        facts.append(("trained on", f"{counted(training.videos, 'video')}, {training.hours:.2f} h, {sizes}"))
    ahead = look_ahead_of(stream.stream.filter) if settings.modality == "rgb" else None
    facts.append(_live(ahead, settings.clock))
    steps = [f"augrgb detect VIDEO.mp4 --model {typed(path)}", f"augrgb export {typed(path)} -o EXPORTED"]
    if ahead is not None:
        steps.insert(1, f"augrgb watch SOURCE --model {typed(path)}")
    return Info("bundle", tuple(facts), next=tuple(steps))


def _live(ahead: int | None, clock: Clock) -> tuple[str, str]:
    """Whether `augrgb watch` can use it, in words."""
    if ahead is None:
        return "live", "no: it sees the whole video before it decides (docs/watch.md)"
    return "live", f"yes: it sees {counted(ahead, 'snippet')} ({ahead * clock.stride / clock.fps:.2f} s) ahead"


def export(path: Path) -> Info:
    """A folder of `augrgb export`."""
    found = ExportedModel(path)
    ahead = found.settings.look_ahead
    steps = [f"augrgb detect VIDEO.mp4 --model {typed(path)}"]
    steps += [f"augrgb watch SOURCE --model {typed(path)}"] if ahead is not None else []
    return Info("exported model", (*found.facts(), _live(ahead, found.clock)), next=tuple(steps))


def weights(path: Path) -> Info | None:
    """A file of weights: what its folder is."""
    return model(path.parent) if is_file(path.parent / "model.json") else None
