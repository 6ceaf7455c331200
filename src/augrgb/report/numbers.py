"""Numbers as people read them: fractions become percent, seconds become times. A dash stands for an absent number."""

from __future__ import annotations

from augrgb.report.data import known

DASH = "–"


def percent(fraction: float | None) -> str:
    """A fraction as percent with one decimal, without the sign.

    >>> percent(0.6239), percent(float("nan"))
    ('62.4', '–')
    """
    return f"{100 * fraction:.1f}" if fraction is not None and known(fraction) else DASH


def points(difference: float | None) -> str:
    """A difference of fractions in percentage points, always signed.

    >>> points(0.072), points(-0.0101), points(-0.0001)
    ('+7.2', '−1.0', '0.0')
    """
    if difference is None or not known(difference):
        return DASH
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text.replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """A 95 % interval of differences, or "" when there is none.

    >>> interval(-0.01, 0.034)
    '[−1.0, +3.4]'
    """
    return f"[{points(low)}, {points(high)}]" if known(low) and known(high) else ""


def clock_time(seconds: float, decimals: int = 1) -> str:
    """A place in a video.

    >>> clock_time(7.25), clock_time(3723.0, 0)
    ('0:07.2', '1:02:03')
    """
    scale = 10**decimals
    units = round(seconds * scale)
    whole, rest = divmod(units, scale)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    return (f"{hours}:{minute:02d}" if hours else f"{minute}") + f":{second:02d}{fraction}"


def duration(seconds: float | None) -> str:
    """How long something took.

    >>> duration(4.31), duration(95), duration(7320)
    ('4.3 s', '1 min 35 s', '2 h 02 min')
    """
    if seconds is None or not known(seconds):
        return DASH
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60:02d} min"


def memory(size: float | None) -> str:
    """Bytes as MiB or GiB.

    >>> memory(3 * 2**29)
    '1.5 GiB'
    """
    if size is None or not known(size):
        return DASH
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "seed"), counted(3, "seed"), counted(8, "class")
    ('1 seed', '3 seeds', '8 classes')
    """
    if count == 1:
        return f"{count} {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"
