"""Times as people and tools write them: seconds with a point or a comma, or hours, minutes and seconds."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(-?)(?:(\d+):)?(\d+):(\d{1,2}(?:[.,]\d*)?)")
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+")


def seconds_of(text: str, *, decimal_comma: bool = True) -> float:
    """Seconds of a written time.

    Args:
        decimal_comma: `1,250` is 1.25; otherwise it could be 1250 and is refused.

    Raises:
        ValueError: Neither a number nor a clock time; the message says what is wrong with it.

    >>> seconds_of("1:02:03,250"), seconds_of("0:06.5"), seconds_of("00:00:01.500"), seconds_of("3,5")
    (3723.25, 6.5, 1.5, 3.5)
    >>> seconds_of("1,250", decimal_comma=False)
    Traceback (most recent call last):
    ValueError: '1,250' could be 1.25 or 1250 seconds; write it with a decimal point
    """
    stripped = text.strip()
    if ":" in stripped:
        return _clock_seconds(stripped)
    if not decimal_comma and _THOUSANDS.fullmatch(stripped):
        point, joined = stripped.replace(",", "."), stripped.replace(",", "")
        either = f"{float(point):g} or " if stripped.count(",") == 1 else ""
        raise ValueError(f"{text!r} could be {either}{joined} seconds; write it with a decimal point")
    try:
        return float(stripped.replace(",", "."))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a number of seconds or a time such as 0:01:02.5") from error


def _clock_seconds(text: str) -> float:
    match = _CLOCK.fullmatch(text)
    if match is None:
        frames = re.fullmatch(r"\d+:\d+:\d+[:;]\d+", text) is not None
        hint = "it ends in frames; export times with decimals" if frames else "expected hours:minutes:seconds"
        raise ValueError(f"{text!r} is not a time: {hint}")
    sign, hours, minutes, seconds = match.groups()
    rest = float(seconds.replace(",", "."))
    if rest >= 60 or (hours is not None and int(minutes) >= 60):
        raise ValueError(f"{text!r} is not a time: minutes and seconds go up to 59")
    total = (int(hours or 0) * 60 + int(minutes)) * 60 + rest
    return -total if sign else total
