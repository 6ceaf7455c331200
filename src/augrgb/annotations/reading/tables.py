"""Tables as spreadsheets and tools write them: separators, a `sep=` line, quotes, blank lines, column names."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from augrgb.core.errors import InputRefused

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_SEPARATORS = ",;\t|"
_NAMED_SEPARATOR = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNIT = re.compile(r"[\s_]*[(\[](s|sec|secs|seconds?)[)\]]\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table that is being read.

    Args:
        names: The cells of the header.
        separator: What stands between cells; a space means any number of blanks.
        rows: Line number and cells of each row that is not blank.
    """

    names: tuple[str, ...]
    separator: str
    rows: Iterator[tuple[int, list[str]]]


def header_of(text: str) -> tuple[str, ...]:
    """The header of a table by its first kilobytes; () if it has none."""
    try:
        return _header(iter(text.splitlines(keepends=True)))[0]
    except csv.Error:
        return ()


def read_table(path: Path, text: TextIO, *, exact: bool = False, names: Sequence[str] | None = None) -> Table:
    """A table from open text. Leading blank lines, comments (`# ...`) and a line `sep=;` are skipped.

    Args:
        exact: Keep the blanks around the cells of the rows.
        names: Of the columns, where the table has no header.

    Raises:
        InputRefused: E-ANN-005, there is no header; while rows are read: a row that is not CSV.
    """
    lines = iter(text.readline, "")
    try:
        header, separator, before, line = _header(lines)
    except csv.Error as error:
        raise InputRefused("E-ANN-005", f"{path}:1", f"not a table: {error}") from error
    if names is not None:  # the line that would be the header is a row
        return Table(tuple(names), separator, _rows(path, chain([line], lines), separator, before - 1, exact))
    return Table(header, separator, _rows(path, lines, separator, before, exact))


def column_name(text: str) -> str:
    """A column's name as it is compared: `Start Time (s)`, `start-time`, `startTime` and `Start_Time` are one.

    >>> column_name("Start Time (s)"), column_name("t-init"), column_name("startTime")
    ('start_time', 't_init', 'start_time')
    """
    words = _HUMP.sub("_", text.strip())
    return re.sub(r"[\W_]+", "_", _UNIT.sub("", words.lower())).strip("_")


def find_columns(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """For each key, the columns that can be meant, the likeliest first: the key's own name, then others in order."""
    compared = [column_name(name) for name in names]
    return {
        key: [compared.index(word) for word in dict.fromkeys((key, *words)) if word in compared]
        for key, words in known.items()
    }


def _header(lines: Iterator[str]) -> tuple[tuple[str, ...], str, int, str]:
    """Cells of the header, separator, number of its line, and the line itself."""
    named = None
    for count, line in enumerate(lines, 1):
        match = _NAMED_SEPARATOR.match(line) if named is None else None
        if match:
            named = match[1]
        elif line.strip() and not _is_comment(line):
            line = line.lstrip("#") if line.startswith("#") else line
            separator = named or _separator(line)
            return tuple(_cells(next(_reader([line], separator), []), separator)), separator, count, line
    return (), named or ",", 1, ""


def _is_comment(line: str) -> bool:
    """Whether a line is a remark above the table, and no header that begins with `#`: that has three cells or more."""
    bare = _QUOTED.sub("", line.strip())
    return bare.startswith("#") and max(map(bare.count, _SEPARATORS)) < 2


def _separator(header: str) -> str:
    bare = _QUOTED.sub("", header.strip())
    best = max(_SEPARATORS, key=bare.count)
    return best if bare.count(best) or " " not in bare else " "


def _reader(lines: Iterable[str], separator: str) -> CsvReader:
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator in " ,;|")


def _cells(row: list[str], separator: str) -> list[str]:
    """Cells without the blanks around them; a row between blanks may end in some."""
    cells = [cell.strip() for cell in row]
    while separator == " " and cells and not cells[-1]:
        cells.pop()
    return cells


def _rows(path: Path, text: Iterable[str], separator: str, before: int, exact: bool) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=separator) if exact else _reader(text, separator)
    try:
        for row in reader:
            cells = _cells(row, separator)
            if any(cells):
                yield reader.line_num + before, row if exact else cells
    except csv.Error as error:
        raise InputRefused("E-ANN-005", f"{path}:{reader.line_num + before}", f"not CSV: {error}") from error
