"""What a fit found: numbers, the verdict on Augmented-RGB, and the files that hold them."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.pipelines.fitting.design import Design
from augrgb.pipelines.fitting.events import FittedEvents
from augrgb.pipelines.fitting.measures import Measured
from augrgb.pipelines.fitting.recipe import STUDENTS
from augrgb.report.numbers import interval, points


@dataclass(frozen=True)
class FittedProject:
    """What `fit` made.

    Args:
        folder: Holds everything.
        bundle: For `augrgb detect --model` and `augrgb.Detector`.
        report: The page.
        chosen: `rgb` or `augmented`, whichever the held-out videos prefer.
        verdict: One sentence on whether Augmented-RGB beats plain RGB.
        validation: Frame mAP of each method on held-out videos (validation, or all folds), fractions; NaN where not
            defined.
        test: The same on test videos; {} without any.
        left_out: One line for each video or sensor file that could not be used.
        peak_mib: The most memory that this call needed at once, with its processes; 0 if all was done before.
    """

    folder: Path
    bundle: Path
    report: Path
    chosen: str
    verdict: str
    validation: Mapping[str, float]
    test: Mapping[str, float]
    left_out: tuple[str, ...] = ()
    peak_mib: float = 0.0


FEW_JUDGED = 5
"""With fewer videos nothing is said about which method is better."""
_THIN = "too little video to tell"
FLOW_LEAD = 0.05
"""From so far above the chosen student on, flow shows that there is motion which RGB does not see (frame mAP)."""


def folder_bytes(folder: Path) -> int:
    """What lies in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def choose_method(measured: Measured) -> str:
    """The method of the best value; plain RGB where they are equal."""
    values = {name: measured.value.get(name, math.nan) for name in STUDENTS if name in measured.value}
    return max(values, key=lambda name: (-1.0 if math.isnan(values[name]) else values[name], name == "rgb"))


def verdict(held_out: Measured, test: Measured | None, design: Design, chosen: str, *, encoder: str = "small") -> str:
    """Whether Augmented-RGB helps, from numbers and intervals; and what else to try, by `encoder` of the project."""
    judged_on = {held_out_name(design): held_out, "test videos": test}
    use = f"The bundle uses {STUDENTS[chosen]}.{_motion_advice(judged_on, chosen, encoder)}"
    gains = {held_out_name(design): held_out.gain.get("augmented")}
    if test is not None:
        gains["test videos"] = test.gain.get("augmented")
    if "rgb" not in held_out.value or "augmented" not in held_out.value:
        return f"Only {STUDENTS[chosen]} could be trained. {use}"
    known = {part: gain for part, gain in gains.items() if gain is not None and math.isfinite(gain[0])}
    if not known:
        return f"Nothing can be said about Augmented-RGB: there are too few events. {use}"
    measured = dict(zip(gains, (held_out, test), strict=False))
    judged = {part: _THIN if _thin(measured[part]) else _against_plain(gain) for part, gain in known.items()}
    found = set(judged.values())
    if len(found) == 1:
        head = {
            "better": "Augmented-RGB beats plain RGB",
            "worse": "Augmented-RGB is worse than plain RGB",
            "not clearly different": "No clear difference between Augmented-RGB and plain RGB",
            _THIN: "Too little video to tell Augmented-RGB and plain RGB apart",
        }[found.pop()]
    else:
        each = (f"{said} on {part}" for part, said in judged.items())
        head = f"Augmented-RGB against plain RGB: {', '.join(each)}"
    parts = [
        f"{points(gain[0])} {interval(gain[1], gain[2])} points on {part}".replace("  ", " ")
        for part, gain in known.items()
    ]
    told = f"{head}: {' and '.join(parts)} (frame mAP, one seed; intervals over videos). {use}"
    if judged.get("test videos") == ("worse" if chosen == "augmented" else "better"):
        told += (
            " The test videos disagree with that choice, and nothing is chosen on them: if the detector will meet "
            "videos like them, label some for training."
        )
    return told


def _motion_advice(judged: Mapping[str, Measured | None], chosen: str, encoder: str) -> str:
    """What to try where flow is far better than the chosen student: an encoder that sees the motion that flow sees."""
    if encoder == "motion":
        return ""
    leads = []
    for part, measured in judged.items():
        if measured is not None and not _thin(measured) and "flow" in measured.gain and chosen in measured.value:
            lead = measured.value["flow"] - measured.value[chosen]
            if lead >= FLOW_LEAD and measured.gain["flow"][1] > 0:
                leads.append(f"{points(lead)} points above it on {part}")
    if not leads:
        return ""
    return (
        f" Flow is {' and '.join(leads)}: a detector that sees motion alone is worth a try. Set `encoder: motion` in "
        "the project file, fit into another --out, and compare."
    )


def told_apart(verdict: str) -> tuple[str, str]:
    """The judgment of a verdict, and the numbers and all that follows.

    >>> told_apart("Augmented-RGB against plain RGB: worse on test videos: +1.0 points on 4 folds. The bundle ...")
    ('Augmented-RGB against plain RGB: worse on test videos', '+1.0 points on 4 folds. The bundle ...')
    """
    found = re.search(r": (?=[+−±\-0-9])", verdict)
    return (verdict[: found.start()], verdict[found.end() :]) if found else (verdict, "")


def _thin(measured: Measured | None) -> bool:
    """Whether an interval over videos would pretend to know more than so few videos or events can say."""
    if measured is None or measured.videos < FEW_JUDGED:
        return True
    return bool(measured.events) and len(measured.few) == len(measured.events)


def _against_plain(gain: tuple[float, float, float]) -> str:
    """Which side of zero the whole interval lies on."""
    return "better" if gain[1] > 0 else "worse" if gain[2] < 0 else "not clearly different"


def held_out_name(design: Design) -> str:
    """What the videos are called on which method and thresholds are chosen."""
    return f"{len(design.folds)} folds" if design.folds else "validation videos"


COLUMNS = (
    "class", "events", "ap_rgb", "ap_augmented", "on", "off", "precision", "recall", "f1", "false_alarms_per_hour",
    "false_alarms_per_hour_bound", "misses_per_hour", "delay_p50_s", "delay_p95_s",
    "decision_p50_s", "decision_p95_s", "rule",
)  # fmt: skip


def class_rows(classes: tuple[str, ...], events: FittedEvents, measured: Measured) -> list[dict[str, Any]]:
    """Numbers of each class on videos that nothing was chosen on."""
    rows = []
    for label in classes:
        counts, chosen = events.counts[label], events.chosen[label]
        values = (
            label, counts.events, *(measured.per_class.get(name, {}).get(label, math.nan) for name in STUDENTS),
            chosen.rule.on, chosen.rule.low, counts.precision, counts.recall, counts.f1, counts.false_alarms_per_hour,
            counts.false_alarms_per_hour_bound, counts.misses_per_hour, counts.delay_s(0.5), counts.delay_s(0.95),
            counts.decision_s(0.5), counts.decision_s(0.95), chosen.why,
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def rows_csv(rows: list[dict[str, Any]]) -> str:
    """`per_class.csv`; numbers that are not defined are empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_cell(value) for value in row.values())
    return text.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.6g}"


def measured_json(measured: Measured | None) -> dict[str, Any]:
    """Plain values; null where not defined."""
    if measured is None:
        return {}
    return {
        "videos": measured.videos,
        "classes": list(measured.classes),
        "frame_map": {name: _number(value) for name, value in measured.value.items()},
        "interval_95": {name: list(map(_number, ends)) for name, ends in measured.interval.items()},
        "gain": {name: list(map(_number, values)) for name, values in measured.gain.items()},
        "too_few_events": list(measured.few),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
