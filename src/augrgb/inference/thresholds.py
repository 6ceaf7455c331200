"""From a model's scores to events: the calibration and the event rule of each class, as a bundle keeps them.

They are chosen elsewhere, for example on validation videos, and written beside the model; `Detector` applies them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.fit import Unfit, fit
from augrgb.core.opening import is_file
from augrgb.core.sealed import read_sealed, write_sealed
from augrgb.detection.calibration import Calibration, Scaling, Staircase
from augrgb.detection.event_rule import EventRule, rules_by_class

THRESHOLDS_FILE = "thresholds.json"
SCHEMA = "augrgb.thresholds/2"


@dataclass(frozen=True)
class Thresholds:
    """What a bundle says about its events.

    Args:
        rules: A rule for every class.
        calibrations: Applied to raw scores before smoothing; classes without one stay as they are.
        notes: How they were chosen; plain JSON.
    """

    rules: Mapping[str, EventRule]
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Written:
    rules: dict[str, EventRule]
    calibrations: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    kind: str = "thresholds"


def write_thresholds(folder: Path | str, thresholds: Thresholds, classes: Sequence[str]) -> Path:
    """Write `thresholds.json` into a bundle's folder.

    Raises:
        UsageFault: E-DET-004, not one rule for each class.
    """
    rules = dict(zip(classes, rules_by_class(thresholds.rules, classes), strict=True))
    path = Path(folder) / THRESHOLDS_FILE
    values = {
        "kind": "thresholds",
        "rules": {label: asdict(rule) for label, rule in rules.items()},
        "calibrations": {label: asdict(one) for label, one in thresholds.calibrations.items()},
        "notes": dict(thresholds.notes),
    }
    write_sealed(path, SCHEMA, values)
    return path


def read_thresholds(folder: Path | str, classes: Sequence[str]) -> Thresholds | None:
    """The thresholds of a bundle, None if it has no such file.

    Raises:
        InputRefused: E-FILE-010 (not JSON), E-FILE-018 (changed), E-MOD-019 (not thresholds of these classes).
    """
    path = Path(folder) / THRESHOLDS_FILE
    if not is_file(path):
        return None
    raw = read_sealed(
        path, SCHEMA, _Written, what="thresholds file", code="E-MOD-019", remedy="Choose the thresholds again."
    )
    rules = raw.rules
    try:
        rules_by_class(rules, classes)
        calibrations = {}
        for label, values in raw.calibrations.items():
            rules_by_class({**rules, label: EventRule()}, classes)  # refuses unknown classes
            kind = Staircase if "probabilities" in values else Scaling
            calibrations[label] = fit(values, kind, f"calibrations.{label}")
            if isinstance(calibrations[label], Scaling) and not calibrations[label].slope > 0:
                raise UsageFault("E-DET-014", f"calibrations.{label}.slope", "must be above 0")
    except (Unfit, UsageFault) as fault:
        problem = f"does not fit the model: {fault}"
        raise InputRefused("E-MOD-019", path, problem, "Delete the file, or choose the thresholds again.") from fault
    return Thresholds(rules, calibrations, raw.notes)
