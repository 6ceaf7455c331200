"""The thresholds of a bundle: the score from which a detection of each class is shown.

They are chosen elsewhere, for example on validation videos, and written beside the model; `Detector` applies them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import read_json, write_json
from augrgb.core.fit import Unfit, fit
from augrgb.detection.pipeline import min_scores

THRESHOLDS_FILE = "thresholds.json"
SCHEMA = "augrgb.thresholds/1"


def write_thresholds(
    folder: Path | str,
    thresholds: Mapping[str, float],
    classes: Sequence[str],
    *,
    notes: Mapping[str, Any] | None = None,
) -> Path:
    """Write `thresholds.json` into a bundle's folder.

    Args:
        folder: The bundle.
        thresholds: A score in [0, 1] for every class.
        classes: The classes of the bundle's stream.
        notes: How they were chosen; plain JSON.

    Raises:
        UsageFault: E-DET-004, not one score in [0, 1] for each class.
    """
    values = dict(zip(classes, min_scores(thresholds, classes), strict=True))
    path = Path(folder) / THRESHOLDS_FILE
    write_json(path, {"schema": SCHEMA, "kind": "thresholds", "min_scores": values, "notes": dict(notes or {})})
    return path


def read_thresholds(folder: Path | str, classes: Sequence[str]) -> dict[str, float] | None:
    """The thresholds of a bundle by class, None if it has no such file.

    Raises:
        InputRefused: E-FILE-010 (not JSON), E-MOD-019 (not thresholds of these classes).
    """
    path = Path(folder) / THRESHOLDS_FILE
    if not path.is_file():
        return None
    raw = read_json(path, "thresholds file")
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        found = repr(raw.get("schema")) if isinstance(raw, dict) else type(raw).__name__
        raise InputRefused("E-MOD-019", path, f"schema is {found}, expected {SCHEMA!r}", "Choose the thresholds again.")
    try:
        values: dict[str, float] = fit(raw.get("min_scores"), dict[str, float], "min_scores")
        min_scores(values, classes)
    except (Unfit, UsageFault) as fault:
        problem = f"does not fit the model: {fault}"
        raise InputRefused("E-MOD-019", path, problem, "Delete the file, or choose the thresholds again.") from fault
    return values
