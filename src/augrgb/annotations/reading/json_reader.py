"""JSON read one member at a time, so that a large annotation file never lies in memory whole."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from augrgb.annotations.reading import text_files
from augrgb.annotations.reading.json_values import as_list, as_object
from augrgb.annotations.reading.text_files import RepeatedKey, open_text, unique_keys
from augrgb.core.errors import InputRefused
from augrgb.core.plain_data import check_json, json_decoder

_CHUNK = 1 << 18
_NEAR_END = 1 << 12  # a mistake this close to the end of what was read may only be a value that is cut off
_BLANK = re.compile(r"[ \t\n\r]*")

Member = tuple[tuple[str | int, ...], Any]


def iter_json(path: Path, inside: Collection[str] = ()) -> Iterator[Member]:
    """The members of a file's object or list, as ((key or position,), value), one after another.

    What has no members is given whole, as ((), value).

    Args:
        inside: Keys whose objects are themselves given member by member, as ((key,), {}), ((key, inner key), value)...

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 not UTF-8; E-FILE-010 malformed, with line and column; E-FILE-003 a
            single value larger than 1 GiB; E-FILE-007 with the lines of a key that is given twice.
    """
    with open_text(path) as text:
        window = _Window(path, text)
        yield from _members(window, inside, ())
        if window.peek():
            raise window.malformed("Extra data")


def iter_object(path: Path) -> Iterator[tuple[str, Any]]:
    """The members of a file that must be an object, as (key, value), one after another.

    Raises:
        InputRefused: As `iter_json`; E-ANN-001, it is something else.
    """
    for place, value in iter_json(path):
        if not place or isinstance(place[0], int):
            as_object([] if place else value, path)  # refuses a list and a single value; an empty object passes
        else:
            yield place[0], value


def iter_list(path: Path) -> Iterator[tuple[str, Any]]:
    """The items of a file that must be a list, as (place such as `[0]`, value), one after another.

    Raises:
        InputRefused: As `iter_json`; E-ANN-001, it is something else.
    """
    for place, value in iter_json(path):
        if not place or isinstance(place[0], str):
            as_list({} if place else value, path)  # refuses an object and a single value; an empty list passes
        else:
            yield f"[{place[0]}]", value


def _members(window: _Window, inside: Collection[str], above: tuple[str | int, ...]) -> Iterator[Member]:
    opening = window.peek()
    if opening not in ("{", "["):
        yield above, window.value()
        return
    window.at += 1
    lines: dict[str, int] = {}
    closing = "}" if opening == "{" else "]"
    if window.peek() == closing:
        window.at += 1
        if not above:
            yield (), {} if opening == "{" else []
        return
    position = 0
    while True:
        key: str | int = position
        if opening == "{":
            key = _key(window, lines)
        if not above and key in inside and window.peek() == "{":
            yield (key,), {}  # it is there, even if it has no members
            yield from _members(window, (), (key,))
        else:
            yield (*above, key), window.value()
        position += 1
        found = window.peek()
        if found not in (",", closing):
            raise window.malformed("Expecting ',' delimiter")
        window.at += 1
        if found == closing:
            return


def _key(window: _Window, lines: dict[str, int]) -> str:
    if window.peek() != '"':
        raise window.malformed("Expecting property name enclosed in double quotes")
    line = window.line_at(window.at)
    key = window.value()
    assert isinstance(key, str)
    if key in lines:
        problem = f"the key {key!r} is given twice (line {lines[key]}, {line})"
        raise InputRefused("E-FILE-007", window.path, problem, "Keep one of them.")
    lines[key] = line
    if window.peek() != ":":
        raise window.malformed("Expecting ':' delimiter")
    window.at += 1
    return key


class _Window:
    """The part of a text that is being read; what has been read is dropped."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self.path, self.text = path, text
        self.buffer, self.at, self.ended = "", 0, False
        self._lines, self._column = 0, 0  # line breaks before the buffer, and characters since the last of them
        self._decoder = json_decoder(unique_keys)

    def peek(self) -> str:
        """The next character that is no blank, "" at the end of the file."""
        while True:
            match = _BLANK.match(self.buffer, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.buffer) or not self._more():
                return self.buffer[self.at : self.at + 1]

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self.buffer, self.at)
            except json.JSONDecodeError as error:
                going_on = error.msg.startswith("Unterminated") or error.pos > len(self.buffer) - _NEAR_END
                if going_on and self._more():
                    continue
                raise self.malformed(error.msg, error.pos) from error
            except RepeatedKey as error:
                raise self._repeated(error.args[0]) from error
            except RecursionError as error:
                raise InputRefused("E-FILE-010", self.path, "not valid JSON: nested too deeply") from error
            except ValueError as error:
                raise InputRefused("E-FILE-010", self.path, f"not valid JSON: {error}") from error
            if not self.buffer[end:].strip("+-.eE0123456789") and self._more():  # a number may go on
                continue
            check_json(value, self.buffer[self.at : end], self.path)
            self.at = end
            return value

    def line_at(self, place: int) -> int:
        """The line of a place in the buffer, from 1."""
        return self._lines + self.buffer.count("\n", 0, place) + 1

    def malformed(self, message: str, place: int | None = None) -> InputRefused:
        """The refusal of what lies at a place in the buffer (default: here)."""
        place = self.at if place is None else place
        before = self.buffer.rfind("\n", 0, place)
        column = place - before if before >= 0 else self._column + place + 1
        problem = f"not valid JSON at line {self.line_at(place)}, column {column}: {message}"
        return InputRefused("E-FILE-010", self.path, problem)

    def _repeated(self, key: str) -> InputRefused:
        pattern = re.compile(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:")
        places = [match.start() for match in pattern.finditer(self.buffer, self.at)][:2]
        lines = ", ".join(str(self.line_at(place)) for place in places)
        problem = f"the key {key!r} is given twice (line {lines})"
        return InputRefused("E-FILE-007", self.path, problem, "Keep one of them.")

    def _more(self) -> bool:
        """Forget what lies behind and read on, more the longer a value is; False at the end of the file."""
        if self.ended:
            return False
        limit = text_files.WHOLE_FILE_LIMIT
        rest = self.buffer[self.at :]
        if len(rest) > limit:
            problem = f"one value of it is larger than {limit / 2**30:.1f} GiB"
            raise InputRefused("E-FILE-003", self.path, problem, "Split it, or use CSV, which is streamed.")
        read = self.text.read(min(max(_CHUNK, len(rest)), limit))
        if not read:
            self.ended = True
            return False
        breaks = self.buffer.count("\n", 0, self.at)
        self._column = self.at - self.buffer.rfind("\n", 0, self.at) - 1 if breaks else self._column + self.at
        self._lines += breaks
        self.buffer, self.at = rest + read, 0
        return True
