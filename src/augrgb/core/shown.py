"""Text of unknown origin and size, made fit for a message: bounded before it is built, and without control characters.

`repr(value)[:80]` builds the whole text first, which takes gigabytes for a few lines of YAML aliases, and a file name
may contain the escape codes of a terminal.
"""

from __future__ import annotations

import re
import reprlib
from pathlib import PurePath

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_NUMBER = 10**40
_PLACE = 400


class _Bounded(reprlib.Repr):
    """`reprlib`, bounded also for whole numbers and for objects of any class."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, limit, limit
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 6

    def repr_int(self, value: int, level: int) -> str:
        return repr(value) if abs(value) < _LONGEST_NUMBER else f"<a number of {value.bit_length()} bits>"

    def repr_instance(self, value: object, level: int) -> str:
        if isinstance(value, PurePath):
            return self.repr1(str(value), level)
        if value is None or isinstance(value, (bool, float, complex)):
            return repr(value)
        return f"<{type(value).__name__}>"


def shown(value: object, limit: int = 80) -> str:
    """A short `repr`, whose cost does not depend on the size of the value.

    >>> shown({"steps": [1, 2]}), shown(10**5000), shown("a" * 10**6, 10)
    ("{'steps': [1, 2]}", '<a number of 16610 bits>', "'aa...aaa'")
    """
    text = printable(_Bounded(limit).repr(value), newlines=False)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def printable(text: str, *, newlines: bool = True) -> str:
    r"""Text with control characters, bidirectional overrides and surrogates written as escapes.

    Args:
        newlines: Leave line breaks and tabs as they are.

    >>> printable("a\x1b[31mb\n"), printable("a\nb", newlines=False)
    ('a\\x1b[31mb\n', 'a\\nb')
    """
    if text.isascii() and text.isprintable():
        return text
    escaped = _UNPRINTABLE.sub(_escape, text)
    return escaped if newlines else escaped.replace("\n", "\\n").replace("\t", "\\t")


def place(where: object) -> str:
    """A file, video or key for a message: one line, printable, its middle cut out if it is very long."""
    text = str(where)
    if len(text) > _PLACE:
        text = f"{text[: _PLACE // 2]}...{text[-_PLACE // 4 :]}"
    return printable(text, newlines=False)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
