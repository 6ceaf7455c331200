"""Share of a gap that is closed: how far a method goes from the baseline to a row with extra sensors.

The share is a ratio of two paired mean differences. Its 95 % interval is Fieller's (1954): all shares s for which the
paired t-test does not reject that `(student - baseline) - s (reference - baseline)` is zero. A bootstrap over five
seeds has 126 different samples and is too narrow; the delta method is symmetric, which a ratio is not. Where the gap
itself is not significant no interval is bounded, and none is given.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augrgb.metrics.statistics import t_quantile
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.row_result import Column
from augrgb.report.data import PlainTable
from augrgb.report.numbers import DASH

_COLUMNS = "row to split protocol seeds baseline student reference share low high"


@dataclass(frozen=True)
class Share:
    """Share of the gap from the baseline to `to` that `row` closes.

    Args:
        column: (split, protocol).
        pairs: Seeds in which all three rows have a result.
        baseline, student, reference: Means over these seeds, fractions.
        share: None where the reference is not better than the baseline.
        low, high: 95 % interval; NaN where it is not bounded.
    """

    row: str
    to: str
    column: Column
    pairs: int
    baseline: float
    student: float
    reference: float
    share: float | None
    low: float = math.nan
    high: float = math.nan


def shares_of(results: Results) -> tuple[Share, ...]:
    """For every RGB-only row and every row named in `gaps`, column by column."""
    recipe = results.recipe
    found = []
    for row, entry in recipe.rows.items():
        for to in recipe.gaps if row != recipe.baseline and not entry.sensors else ():
            for column in results.columns():
                values = [results.of(key, column) for key in (recipe.baseline, row, to)]
                known = [one for one in zip(*values, strict=True) if not any(map(math.isnan, one))]
                if known:
                    found.append(_share(row, to, column, known))
    return tuple(found)


def _share(row: str, to: str, column: Column, known: Sequence[tuple[float, ...]]) -> Share:
    baseline, student, reference = np.asarray(known, np.float64).T
    means = float(baseline.mean()), float(student.mean()), float(reference.mean())
    gain, gap = student - baseline, reference - baseline
    if gap.mean() <= 0:
        return Share(row, to, column, len(known), *means, share=None)
    low, high = fieller(gain.tolist(), gap.tolist())
    return Share(row, to, column, len(known), *means, share=float(gain.mean() / gap.mean()), low=low, high=high)


def fieller(numerator: Sequence[float], denominator: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Fieller's interval of mean(numerator) / mean(denominator) over paired values; NaN where it is not bounded."""
    n = len(numerator)
    if n < 2:
        return math.nan, math.nan
    a, d = float(np.mean(numerator)), float(np.mean(denominator))
    (s_aa, s_ad), (_, s_dd) = np.cov(numerator, denominator).tolist()
    k = t_quantile(0.5 + confidence / 2, n - 1) ** 2 / n
    # (a - s d)^2 <= k (s_aa - 2 s s_ad + s^2 s_dd), a quadratic in s
    square, linear, constant = d * d - k * s_dd, a * d - k * s_ad, a * a - k * s_aa
    if square <= 0:
        return math.nan, math.nan
    half = math.sqrt(max(0.0, linear * linear - square * constant))
    return (linear - half) / square, (linear + half) / square


def shares_csv(shares: Sequence[Share]) -> str:
    """The same as numbers, fractions; empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS.split())
    for one in shares:
        numbers = [one.baseline, one.student, one.reference, math.nan if one.share is None else one.share]
        shown = ["" if math.isnan(value) else f"{value:.6g}" for value in (*numbers, one.low, one.high)]
        writer.writerow([one.row, one.to, *one.column, one.pairs, *shown])
    return text.getvalue()


def shares_table(results: Results, shares: Sequence[Share]) -> PlainTable | None:
    """One line per row, reference, test and protocol; None without gaps."""
    if not shares:
        return None

    name = results.recipe.label
    lines = tuple(
        (
            name(one.row),
            name(one.to),
            results.recipe.heading(*one.column),
            str(one.pairs),
            f"{100 * one.share:.0f} %" if one.share is not None else "no gap",
            f"[{100 * one.low:.0f}, {100 * one.high:.0f}]" if not math.isnan(one.low) else DASH,
        )
        for one in shares
    )
    headers = ("Row", "gap to", "measured by", "seeds", "share closed", "95 % interval")
    note = (
        "Share of the way from the baseline to a row with extra sensors; intervals are Fieller's over the seeds, and "
        "are left out where the gap itself is not significant."
    )
    return PlainTable("Share of the gap that is closed", headers, lines, note)
