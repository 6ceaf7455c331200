"""Sentences of tables and pages; a difference that is not significant is never called one."""

from __future__ import annotations

from dataclasses import dataclass

from augrgb.report.data import Comparison, GapShare, Score, known
from augrgb.report.numbers import counted, percent, points


@dataclass(frozen=True, slots=True)
class Headline:
    """The result in a sentence, and in another what it rests on."""

    result: str
    evidence: str


def headline(comparison: Comparison) -> Headline | None:
    """The featured row against the baseline, or the row that it is paired with, under the headline protocol.

    None when either was not measured.
    """
    student, baseline = comparison.featured, comparison.baseline
    if student is None or baseline is None or not comparison.protocols:
        return None
    protocol = comparison.protocols[comparison.headline_protocol].name
    score, base = student.scores[comparison.headline_protocol], baseline.scores[comparison.headline_protocol]
    if (
        score is None
        or base is None
        or score.delta is None
        or not all(map(known, (score.mean, base.mean, score.delta)))
    ):
        return None
    source = f"With {' and '.join(('RGB', *student.extra_sensors))}" if student.extra_sensors else "From RGB alone"
    reached = f"{source}, {student.name} reaches {percent(score.mean)} % in {protocol}"
    seeds = counted(score.seeds, "seed")
    side = "above" if score.delta >= 0 else "below"
    other = student.against or f"plain {baseline.name}"
    size = f"{points(abs(score.delta)).lstrip('+')} points {side} {other}"
    if score.delta_low is None or score.delta_high is None or not score.has_interval:
        return Headline(f"{reached}: {size}.", f"Measured on {seeds}: no interval can be given.")
    bounds = f"{points(score.delta_low)} to {points(score.delta_high)} points, over {seeds}"
    evidence = f"95 % interval of the paired difference to {other}: {bounds}."
    if score.delta_low <= 0 <= score.delta_high:
        rest = other if student.against else f"the {percent(base.mean)} % of {other}"
        unclear = f"{reached}, which {seeds} cannot distinguish from {rest}."
        return Headline(unclear, evidence)
    return Headline(f"{reached}: {size}.", evidence)


def gap_sentence(gap: GapShare) -> str:
    """What a share of the gap means, in words."""
    if gap.share is None or not known(gap.share):
        return f"{gap.reference} is not better than plain RGB here ({gap.protocol}), so there is no gap to close."
    if gap.share < 0:
        return f"The gap to {gap.reference} grows by {-100 * gap.share:.0f} % ({gap.protocol})."
    return f"{100 * gap.share:.0f} % of the gap to {gap.reference} is closed ({gap.protocol})."


def coverage(comparison: Comparison, place: int) -> str:
    """Test videos and seeds behind one column, such as "24 videos · 3 seeds"."""
    scores = [row.scores[place] for row in comparison.rows]
    totals = sorted({score.videos_total for score in scores if score and score.videos_total is not None})
    seeds = max((score.seeds for score in scores if score), default=0)
    return " · ".join([*(counted(total, "video") for total in totals), *([counted(seeds, "seed")] if seeds else [])])


def coverage_gap(score: Score) -> str:
    """Says when a method was not scored on every test video; "" when it was, or when it is not known."""
    if score.videos_total is None or score.videos_scored == score.videos_total:
        return ""
    return f"{score.videos_scored} of {counted(score.videos_total, 'video')} scored"
