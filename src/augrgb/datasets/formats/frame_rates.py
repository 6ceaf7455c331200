"""The frame rate by which a file's frame numbers become seconds: declared once, or per video; never guessed."""

from __future__ import annotations

from augrgb.core.errors import InputRefused

Rates = float | dict[str, float] | None


def rate_of(rates: Rates, video_id: str, where: object) -> float:
    """The declared rate of one video.

    Raises:
        InputRefused: E-ANN-007: none was declared.
    """
    rate = rates.get(video_id) if isinstance(rates, dict) else rates
    if rate is None:
        remedy = "Declare it (--set fps=25) if it is constant, or give --videos so that it is measured."
        raise InputRefused(
            "E-ANN-007", where, f"times are frame numbers; the frame rate of {video_id!r} is not known", remedy
        )
    return float(rate)
