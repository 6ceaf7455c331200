"""Times as people and tools write them: seconds with a point or a comma, clock times, time codes with frames."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(-?)(?:(\d+):)?(\d+):(\d{1,2}(?:[.,]\d*)?)")
_TIME_CODE = re.compile(r"(\d+):(\d\d?):(\d\d?)([:;])(\d+)")
_WORDS = re.compile(
    r"(?:(\d+)\s*h(?:ours?)?\s*)?(?:(\d+)\s*m(?:in|inutes?)?\s*)?(?:(\d+(?:[.,]\d+)?)\s*s(?:ec|econds?)?)?"
)
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+")
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)


def seconds_of(text: str, *, decimal_comma: bool = True, rate: float | None = None, per_second: float = 1.0) -> float:
    """Seconds of a written time.

    Args:
        decimal_comma: `1,250` is 1.25; otherwise it could be 1250 and is refused.
        rate: Frames per second of time codes (`00:00:01:12`); `;` before the frames drops numbers, as 29.97 does.
        per_second: How many of the unit that plain numbers are in are a second.

    Raises:
        ValueError: Neither a number nor a time; the message says what is wrong with it.

    >>> seconds_of("1:02:03,250"), seconds_of("0:06.5"), seconds_of("00:00:01.500"), seconds_of("3,5")
    (3723.25, 6.5, 1.5, 3.5)
    >>> seconds_of("1h02m03.5s"), seconds_of("2.5 s"), seconds_of("1500", per_second=1000)
    (3723.5, 2.5, 1.5)
    >>> seconds_of("00:00:01:12", rate=24), round(seconds_of("00:01:00;02", rate=30000 / 1001), 6)
    (1.5, 60.06)
    >>> seconds_of("1,250", decimal_comma=False)
    Traceback (most recent call last):
    ValueError: '1,250' could be 1.25 or 1250 seconds; write it with a decimal point
    """
    stripped = text.strip()
    if ":" in stripped:
        return _clock_seconds(stripped, rate)
    if not decimal_comma and _THOUSANDS.fullmatch(stripped):
        point, joined = stripped.replace(",", "."), stripped.replace(",", "")
        either = f"{float(point):g} or " if stripped.count(",") == 1 else ""
        raise ValueError(f"{text!r} could be {either}{joined} seconds; write it with a decimal point")
    if _NUMBER.fullmatch(stripped):
        return float(stripped.replace(",", ".")) / per_second
    words = _WORDS.fullmatch(stripped.lower())
    if words is None or not any(words.groups()):
        raise ValueError(f"{text!r} is not a number of seconds or a time such as 0:01:02.5")
    hours, minutes, seconds = words.groups()
    return (float(hours or 0) * 60 + float(minutes or 0)) * 60 + float((seconds or "0").replace(",", "."))


def is_time_code(text: str) -> bool:
    """Whether a time ends in frames, so that a frame rate is needed."""
    return _TIME_CODE.fullmatch(text.strip()) is not None


def _clock_seconds(text: str, rate: float | None) -> float:
    code = _TIME_CODE.fullmatch(text)
    if code is not None and rate is not None:
        return _time_code_seconds(text, code, rate)
    match = _CLOCK.fullmatch(text)
    if match is None:
        hint = (
            "it ends in frames, so their rate is needed (--set rate=25)" if code else "expected hours:minutes:seconds"
        )
        raise ValueError(f"{text!r} is not a time: {hint}")
    sign, hours, minutes, seconds = match.groups()
    rest = float(seconds.replace(",", "."))
    if rest >= 60 or (hours is not None and float(minutes) >= 60):
        raise ValueError(f"{text!r} is not a time: minutes and seconds go up to 59")
    total = (float(hours or 0) * 60 + float(minutes)) * 60 + rest
    return -total if sign else total


def _time_code_seconds(text: str, code: re.Match[str], rate: float) -> float:
    """A time code counts frames at the whole number next to the rate; a drop-frame code leaves numbers out."""
    hours, minutes, seconds, frame = (float(code[group]) for group in (1, 2, 3, 5))
    counted = round(rate)
    if minutes >= 60 or seconds >= 60 or frame >= counted:
        raise ValueError(f"{text!r} is no time code at {rate:g} frames per second")
    number = ((hours * 60 + minutes) * 60 + seconds) * counted + frame
    if code[4] == ";":
        past = hours * 60 + minutes
        number -= round(counted / 15) * (past - past // 10)
    return number / rate
