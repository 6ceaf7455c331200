"""The files by which a fit is known: `settings.json`, what it was begun with, and `summary.json`, what it found.

The summary is written last: a folder with one is finished.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_json
from augrgb.core.sealed import read_sealed, write_sealed

SETTINGS_FILE, SUMMARY_FILE = "settings.json", "summary.json"
SCHEMA = "augrgb.fit/1"
_REMEDY = "Run `augrgb fit` again: it makes what is damaged once more."


@dataclass(frozen=True)
class Summary:
    """What `summary.json` says.

    Args:
        chosen: `rgb` or `augmented`.
        verdict: One sentence on whether Augmented-RGB beats plain RGB.
        teachers: Modalities that taught.
        held_out_on: What the videos are called on which method and thresholds were chosen.
        held_out: Numbers on these, see `measured_json`.
        test: The same on test videos; {} without any.
        splits: Name -> role -> ids.
        left_out: One line for each video or sensor file that could not be used.
        failures: One line for each model that could not be trained.
    """

    chosen: str
    verdict: str
    teachers: tuple[str, ...]
    held_out_on: str = ""
    held_out: dict[str, Any] = field(default_factory=dict)
    test: dict[str, Any] = field(default_factory=dict)
    splits: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    def frame_map(self, part: str) -> dict[str, float]:
        """Method -> frame mAP on `held_out` or `test` videos, a fraction; NaN where not defined."""
        found = getattr(self, part).get("frame_map", {})
        return {name: math.nan if value is None else float(value) for name, value in found.items()}


def write_summary(folder: Path, summary: Summary) -> None:
    """Write `summary.json` into the folder of a fit."""
    write_sealed(folder / SUMMARY_FILE, SCHEMA, asdict(summary))


def read_summary(folder: Path) -> Summary:
    """The `summary.json` of a fit.

    Raises:
        InputRefused: E-FILE-001/002/010; E-FILE-018, damaged or of another version.
    """
    return read_sealed(
        folder / SUMMARY_FILE, SCHEMA, Summary, what="summary of a fit", code="E-FILE-018", remedy=_REMEDY
    )


def read_settings(folder: Path) -> dict[str, Any] | None:
    """What a fit in this folder was begun with; None if none was.

    Raises:
        InputRefused: E-FILE-002/010; E-FILE-018, not the settings of a fit.
    """
    path = folder / SETTINGS_FILE
    if not is_file(path):
        return None
    known = read_json(path, "settings")
    if not isinstance(known, dict) or not isinstance(known.get("project"), dict):
        raise InputRefused("E-FILE-018", path, "these are not the settings of a fit", "Use another folder.")
    return known


def check_same(folder: Path, known: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse to go on in a folder that was begun with other settings.

    Raises:
        UsageFault: E-RUN-011, with every difference.
    """
    keys = sorted(known.keys() | settings.keys())
    changed = [f"{k}: {known.get(k)} then, {settings.get(k)} now" for k in keys if known.get(k) != settings.get(k)]
    if changed:
        remedy = "Use the same settings to continue, another --out, or --replace to delete what is there."
        raise UsageFault("E-RUN-011", folder, "begun with other settings: " + "; ".join(changed), remedy)
