"""The tables of docs/results/real.md from finished comparisons.

    python benchmarks/real_tables.py OUT/arid/results.json
    python benchmarks/real_tables.py OUT/gmdcsa2/results.json OUT/gmdcsa3/results.json     # folds: the mean of both
    python benchmarks/real_tables.py OUT/fir/results.json --choose rgb,three_rgb --cells cells/fir

Percent, mean over seeds; differences paired by seed with 95 % t-intervals. Several files are folds of one comparison: a
seed's value is then the mean over folds; intervals are over seeds. With `--choose` one line instead: what is gained
over the first row if the streams' own validation videos choose, in every fold and seed, between it and the others.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from augrgb.metrics.statistics import mean_and_std, paired_difference

GROUPS = ("Plain", "Networks", "Temporal level", "Rivals", "Encoder level", "Both levels", "Teachers", "Fusions")
PROTOCOLS = {"frame-map/present": "per-frame mAP", "event-map": "event mAP"}
Values = dict[str, dict[str, float]]  # row -> seed -> value


def values_of(files: list[dict[str, Any]], protocol: str, label: str | None = None) -> Values:
    """A row's value for each seed that all folds have, in percent."""
    found: dict[str, dict[str, list[float]]] = {}
    for file in files:
        for row, entry in file["rows"].items():
            for seed, result in entry["seeds"].items():
                if result is not None:
                    one = next(iter(result.values()))[protocol]
                    value = one["value"] if label is None else one["per_class"].get(label)
                    value = math.nan if value is None else 100 * value
                    found.setdefault(row, {}).setdefault(seed, []).append(value)
    return {
        row: {seed: _mean(each) for seed, each in seeds.items() if len(each) == len(files)}
        for row, seeds in found.items()
    }


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def cell(values: Values, row: str, against: str | None) -> str:
    """`32.1 ± 1.0 (+2.0 [-1.1, +5.1])`"""
    mean, std = mean_and_std(list(values[row].values()))
    text = f"{mean:.1f}" + (f" ± {std:.1f}" if len(values[row]) > 1 else "")
    return text if against is None else f"{text} ({difference(values, row, against)})"


def difference(values: Values, row: str, against: str) -> str:
    """`+2.0 [-1.1, +5.1]`, paired by seed."""
    seeds = [seed for seed in values[row] if seed in values[against]]
    pairs = [(values[row][s], values[against][s]) for s in seeds]
    pairs = [(a, b) for a, b in pairs if not (math.isnan(a) or math.isnan(b))]
    if not pairs:
        return "-"
    paired = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
    interval = f" [{paired.low:+.1f}, {paired.high:+.1f}]" if len(pairs) > 1 else ""
    return f"{paired.mean:+.1f}{interval}"


def chosen(files: list[dict[str, Any]], cells: list[Path], rows: list[str]) -> str:
    """Gains of the choice by validation over the first row, and how often that row was not chosen."""
    tables = {protocol: [values_of([file], protocol) for file in files] for protocol in PROTOCOLS}
    gained: dict[str, Values] = {protocol: {"plain": {}, "chosen": {}} for protocol in PROTOCOLS}
    seeds, others = list(tables["frame-map/present"][0][rows[0]]), 0
    for seed in seeds:
        best = [max(rows, key=lambda row, of=folder: _validation(of / "streams" / f"{row}-{seed}")) for folder in cells]
        others += sum(row != rows[0] for row in best)
        for protocol, folds in tables.items():
            for name, taken in (("plain", [rows[0]] * len(folds)), ("chosen", best)):
                found = [fold[row][seed] for fold, row in zip(folds, taken, strict=True)]
                gained[protocol][name][seed] = _mean(found)
    told = [f"{label} {difference(gained[name], 'chosen', 'plain')}" for name, label in PROTOCOLS.items()]
    return f"{', '.join(told)}; {others} of {len(seeds) * len(files)} times not {rows[0]}"


def _validation(run: Path) -> float:
    """The best validation value of a stream; equal ones keep the row that is named first."""
    return float(json.loads((run / "result.json").read_text())["result"]["validation"]["frame_map"])


def main() -> None:
    """Print two tables, all rows and the gains per class of the featured row, or the line of `--choose`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--choose", default=None, help="Rows, the plain one first, such as rgb,three_rgb.")
    parser.add_argument("--cells", type=Path, nargs="+", default=[], help="Folder of shared cells of each file.")
    given = parser.parse_args()
    files = [json.loads(path.read_text()) for path in given.results]
    if given.choose is not None:
        print(chosen(files, given.cells, given.choose.split(",")))
        return
    recipe, rows = files[0]["recipe"], files[0]["rows"]
    tables = {protocol: values_of(files, protocol) for protocol in PROTOCOLS}
    seeds = max(len(seeds) for seeds in tables["frame-map/present"].values())
    print(f"{recipe['title']}: {seeds} seeds, against {rows[recipe['baseline']]['name']}\n")
    print(f"| method | at test time | {' | '.join(PROTOCOLS.values())} |\n| --- | --- | --- | --- |")
    for row, entry in sorted(rows.items(), key=lambda item: GROUPS.index(item[1]["group"])):
        if row in tables["frame-map/present"]:
            cells = [cell(tables[name], row, entry["against"]) for name in PROTOCOLS]
            needs = " + ".join(entry["sensors"]) or "RGB alone"
            print(f"| {entry['group']}: {entry['name']} | {needs} | {' | '.join(cells)} |")
    featured = recipe.get("featured")
    if featured is None:
        return
    labels: dict[str, None] = {}
    for file in files:
        for result in file["rows"][featured]["seeds"].values():
            for one in (result or {}).values():
                labels.update(dict.fromkeys(one["frame-map/present"]["per_class"]))
    print("\n| class | baseline | gain of the featured row |\n| --- | --- | --- |")
    for label in sorted(labels):
        values = values_of(files, "frame-map/present", label)
        base = cell(values, recipe["baseline"], None)
        print(f"| {label} | {base} | {difference(values, featured, recipe['baseline'])} |")


if __name__ == "__main__":
    main()
