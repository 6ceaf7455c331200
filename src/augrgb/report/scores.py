"""From results of single seeds to what a report shows: means and paired differences."""

from __future__ import annotations

from collections.abc import Sequence

from augrgb.metrics.statistics import mean_and_std, paired_difference
from augrgb.report.data import Score, known


def score_over_seeds(
    values: Sequence[float],
    baseline: Sequence[float] | None = None,
    *,
    videos_scored: int | None = None,
    videos_total: int | None = None,
) -> Score:
    """Mean, std and paired difference to the baseline of the same seeds.

    Args:
        values: One result per seed, fractions; NaN where a seed has none, which leaves that pair out.
        baseline: The baseline's results in the same order; None for the baseline itself.

    Raises:
        ValueError: Not one baseline value per value.
    """
    mean, std = mean_and_std([value for value in values if known(value)])
    score = Score(tuple(values), mean, std, videos_scored=videos_scored, videos_total=videos_total)
    pairs = [] if baseline is None else list(zip(values, baseline, strict=True))
    pairs = [pair for pair in pairs if known(pair[0]) and known(pair[1])]
    if not pairs:
        return score
    paired = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
    return Score(
        values=tuple(values),
        mean=mean,
        std=std,
        delta=paired.mean,
        delta_low=paired.low,
        delta_high=paired.high,
        p=paired.p_t,
        videos_scored=videos_scored,
        videos_total=videos_total,
    )
