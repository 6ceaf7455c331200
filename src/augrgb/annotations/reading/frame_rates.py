"""The frame rate by which a file's frame numbers become seconds: declared once, or per video; never guessed."""

from __future__ import annotations

from augrgb.annotations.videos.match_ids import match_ids
from augrgb.core.errors import InputRefused

Rates = float | dict[str, float] | None

_REMEDY = "Declare it (--set fps=25) if it is constant, or give --videos so that it is measured."


class MeasuredRates(dict[str, float]):
    """The rates of all videos of a folder: where they are the same, an id that names none of them has that rate too."""


def need_rates(rates: Rates, where: object) -> None:
    """Refuse a file of frame numbers when no frame rate was declared.

    Raises:
        InputRefused: E-ANN-007.
    """
    if rates is None:
        raise InputRefused("E-ANN-007", where, "times are frame numbers, and the frame rate is not known", _REMEDY)


def rate_of(rates: Rates, video_id: str, where: object, remedy: str = _REMEDY) -> float:
    """The declared rate of one video: of its id, of the same written differently, or the one that all have.

    Raises:
        InputRefused: E-ANN-007: none was declared for it.
    """
    rate = _of(rates, video_id) if isinstance(rates, dict) else rates
    if rate is None:
        problem = f"times are frame numbers, and the frame rate of {video_id!r} is not known"
        raise InputRefused("E-ANN-007", where, problem, remedy)
    return float(rate)


def _of(rates: dict[str, float], video_id: str) -> float | None:
    if video_id in rates:
        return rates[video_id]
    known = match_ids([video_id], rates).names.get(video_id)
    if known is not None:
        return rates[known]
    return next(iter(rates.values())) if isinstance(rates, MeasuredRates) and len(set(rates.values())) == 1 else None
