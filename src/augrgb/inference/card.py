"""The model card of a bundle: what the model is, what it was trained and measured on, and what it cannot, in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from augrgb.core.files import write_text
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json, read_text
from augrgb.filters import SdTcn
from augrgb.inference.bundle import Bundle

CARD_FILE = "CARD.md"
MEASURED_FILE = "per_class.csv"
"""Of a bundle of `augrgb fit`: a row for each class, measured on videos that nothing was chosen on."""
_SHOWN = ("class", "events", "precision", "recall", "f1", "false_alarms_per_hour", "misses_per_hour")


def write_card(bundle: Bundle) -> Path:
    """Write the card into the bundle's folder."""
    path = bundle.folder / CARD_FILE
    write_text(path, model_card(bundle))
    return path


def model_card(bundle: Bundle) -> str:
    """Markdown: task, classes, expected input, network, events, training data, measured quality, license, limits."""
    parts = {
        "": _facts(bundle),
        "Events": _events(bundle),
        "Training data": _training(bundle),
        "Measured": _measured(bundle.folder),
        "License of the weights": _license(bundle),
        "Limits": _limits(bundle),
    }
    lines = [f"# {bundle.folder.name}", "", "Detects actions in video. Made with augrgb."]
    for title, found in parts.items():
        lines += ["", *([f"## {title}", ""] if title else []), *found]
    return "\n".join([*lines, ""])


def _facts(bundle: Bundle) -> Iterator[str]:
    encoder, stream, clock = bundle.encoder, bundle.stream.settings, bundle.clock
    filter = bundle.stream.stream.filter
    seen = (
        "the whole video" if filter.reach is None else f"up to {filter.reach * clock.stride_s:.1f} s around a snippet"
    )
    ahead = "as far" if filter.reach is not None else "all of it"
    if isinstance(filter, SdTcn) and filter.look_ahead_snippets is not None:
        ahead = f"{filter.look_ahead_snippets} snippets ({filter.look_ahead_snippets * clock.stride_s:.1f} s)"
    kind, size = encoder.encoder.modality, encoder.settings.size
    frames = f"stretched to {size[0]} x {size[1]} pixels, 8 bits" if size is not None else "of any size"
    yield f"- **Classes ({len(bundle.classes)}):** {', '.join(bundle.classes)}"
    yield f"- **Expected input:** {kind.upper()} of a fixed camera; frames {frames}, {clock.fps:g} a second"
    yield f"- **Output:** a score in [0, 1] per class every {clock.stride_s:.3f} s; windows last {clock.window_s:.3f} s"
    yield f"- **Network:** {encoder.encoder.name}, then {stream.filter}; {bundle.parameters / 1e6:.2f} million weights"
    yield f"- **Sees:** {seen}; after it {ahead}"
    yield f"- **Weights:** SHA-256 {bundle.checksum}"


def _events(bundle: Bundle) -> Iterator[str]:
    chosen = bundle.thresholds
    if chosen is None:
        yield "No thresholds were chosen: events follow the default rule, and scores are not calibrated."
        return
    yield f"Chosen on {chosen.notes.get('chosen_on', 'unnamed videos')}. All of it can be overridden."
    yield ""
    yield "| class | on | off | least duration (s) | calibrated |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for label in bundle.classes:
        rule = chosen.rules[label]
        calibrated = "yes" if label in chosen.calibrations else "no"
        yield f"| {_cell(label)} | {rule.on:.3f} | {rule.low:.3f} | {rule.min_duration:g} | {calibrated} |"


def _training(bundle: Bundle) -> Iterator[str]:
    facts = bundle.training
    if facts is not None:
        yield f"- {facts.videos} videos, {facts.hours:.2f} hours"
        if facts.places:
            yield f"- places: {', '.join(facts.places)}"
        yield f"- people: {facts.people or 'not named'}"
        yield f"- frames of {_range(facts.widths)} x {_range(facts.heights)} pixels, {_range(facts.fps)} a second"
        yield f"- mean brightness {_range(facts.brightness)} of 255"
    yield from _notes(bundle.encoder.settings.notes, "encoder")
    yield from _notes(bundle.stream.settings.notes, "temporal filter")


def _measured(folder: Path) -> Iterator[str]:
    if is_file(folder / MEASURED_FILE):
        rows = list(csv.DictReader(io.StringIO(read_text(folder / MEASURED_FILE, "table"))))
        shown = [name for name in _SHOWN if rows and name in rows[0]]
        yield "On videos that nothing was chosen on; an empty cell could not be measured."
        yield ""
        yield f"| {' | '.join(name.replace('_', ' ') for name in shown)} |"
        yield f"| {' | '.join('---' for _ in shown)} |"
        yield from (f"| {' | '.join(_cell(row[name]) for name in shown)} |" for row in rows)
        return
    if is_file(folder / "result.json"):
        result = read_json(folder / "result.json", "result")
        values = result.get("validation") if isinstance(result, Mapping) else None
        known = [f"- {key} {value:.4g} on validation videos" for key, value in _numbers(values)]
        if known:
            yield from known
            return
    yield "Nothing is recorded. Measure it with `augrgb evaluate`."


def _license(bundle: Bundle) -> Iterator[str]:
    notes = bundle.encoder.settings.notes
    if isinstance(notes.get("license"), str):
        source = f" ({notes['source']})" if isinstance(notes.get("source"), str) else ""
        yield f"The encoder started from the weights {notes.get('weights', '')}{source}, license: {notes['license']}."
        yield "That license may bind what was trained from them."
    else:
        yield "No third-party weights are recorded: as far as is known, it is the property of whoever trained it."
    yield "The license of the training videos is not known to augrgb and may add conditions."


def _limits(bundle: Bundle) -> Iterator[str]:
    yield "It knows the classes above, and the cameras, people and places that it was trained on; what it says about"
    yield "anything else means nothing. Measure it on videos of your own before you act on it (`augrgb evaluate`)."
    if bundle.thresholds is None or not bundle.thresholds.calibrations:
        yield "Scores are not calibrated: they rank, but are no probabilities."
    yield "It must not be the only safeguard of a person."


def _notes(notes: Mapping[str, Any], part: str) -> Iterator[str]:
    plain = []
    for key, value in sorted(notes.items()):
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            value = ", ".join(value)
        if isinstance(value, str | int | float):
            plain.append(f"{key} {value}")
    yield f"- {part}: {'; '.join(plain) or 'nothing is recorded'}"


def _numbers(values: object) -> list[tuple[str, float]]:
    pairs = values.items() if isinstance(values, Mapping) else ()
    return [(str(key), float(value)) for key, value in pairs if isinstance(value, int | float)]


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.4g}" if ends[0] == ends[1] else f"{ends[0]:.4g} to {ends[1]:.4g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
