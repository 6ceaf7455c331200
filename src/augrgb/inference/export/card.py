"""The model card of an export: what the model is, in words that travel with it."""

from __future__ import annotations

from augrgb.inference.bundle import Bundle
from augrgb.inference.export.folder import ExportSettings


def model_card(bundle: Bundle, settings: ExportSettings) -> str:
    """Markdown: task, classes, input, time base, events, training notes, differences from torch, limits."""
    clock, stream = settings.clock, bundle.stream.settings
    seen = "unlimited" if settings.reach is None else f"{settings.reach * clock.stride_s:.1f} s"
    ahead = "the whole video, or as far as the filter reaches"
    if settings.look_ahead is not None:
        ahead = f"{settings.look_ahead} snippets ({settings.look_ahead * clock.stride_s:.1f} s)"
    lines = [
        f"# {bundle.folder.name}",
        "",
        "Detects actions in video from RGB alone. Made with augrgb.",
        "",
        f"- **Classes ({len(settings.classes)}):** {', '.join(settings.classes)}",
        f"- **Input:** RGB frames stretched to {settings.size[0]} x {settings.size[1]}, uint8, {clock.fps:g} a second",
        f"- **Output:** a score in [0, 1] per class every {clock.stride_s:.3f} s; windows last {clock.window_s:.3f} s",
        f"- **Network:** {settings.encoder}, then {settings.filter}; {settings.parameters / 1e6:.2f} million weights",
        f"- **Sees:** up to {seen} around a snippet; after it {ahead}",
        f"- **Events:** {'see thresholds.json' if bundle.thresholds is not None else 'by the default rule'}",
        f"- **Weights:** SHA-256 {settings.bundle}",
        "",
        "## Training",
        "",
        *(_notes({**bundle.encoder.settings.notes}, "encoder") + _notes({**stream.notes}, "temporal filter")),
        "",
        "## Limits",
        "",
        "It knows the classes above, and the cameras, people and places that it was trained on. Measure it on videos",
        "of your own before you act on it (`augrgb evaluate`). Scores are probabilities only if thresholds.json has a",
        "calibration.",
        "",
    ]
    return "\n".join(lines)


def _notes(notes: dict[str, object], part: str) -> list[str]:
    plain = [f"{key} {value}" for key, value in sorted(notes.items()) if isinstance(value, (str, int, float))]
    return [f"- {part}: {'; '.join(plain) or 'nothing is recorded'}"]
