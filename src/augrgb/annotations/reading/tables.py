"""Tables as spreadsheets and tools write them: separators, a `sep=` line, quotes, blank lines, column names."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from augrgb.core.errors import InputRefused

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_SEPARATORS = ",;\t|"
_NAMED_SEPARATOR = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
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


def read_table(path: Path, text: TextIO, *, exact: bool = False) -> Table:
    """A table from open text. Leading blank lines and a line `sep=;` are skipped.

    Args:
        exact: Keep the blanks around the cells of the rows.

    Raises:
        InputRefused: E-ANN-005, there is no header; while rows are read: a row that is not CSV.
    """
    try:
        names, separator, before = _header(iter(text.readline, ""))
    except csv.Error as error:
        raise InputRefused("E-ANN-005", f"{path}:1", f"not a table: {error}") from error
    return Table(names, separator, _rows(path, text, separator, before, exact))


def column_name(text: str) -> str:
    """A column's name as it is compared: `Start Time (s)`, `start-time` and `Start_Time` are one.

    >>> column_name("Start Time (s)"), column_name("t-init")
    ('start_time', 't_init')
    """
    return re.sub(r"[\W_]+", "_", _UNIT.sub("", text.strip().lower())).strip("_")


def find_columns(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """For each key, the columns that can be meant, the likeliest first: the key's own name, then others in order."""
    compared = [column_name(name) for name in names]
    return {
        key: [compared.index(word) for word in dict.fromkeys((key, *words)) if word in compared]
        for key, words in known.items()
    }


def _header(lines: Iterator[str]) -> tuple[tuple[str, ...], str, int]:
    """Cells of the header, separator, and lines up to there."""
    named = None
    for count, line in enumerate(lines, 1):
        match = _NAMED_SEPARATOR.match(line) if named is None else None
        if match:
            named = match[1]
        elif line.strip():
            separator = named or _separator(line)
            return tuple(_cells(next(_reader([line], separator), []), separator)), separator, count
    return (), named or ",", 1


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


def _rows(path: Path, text: TextIO, separator: str, before: int, exact: bool) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=separator) if exact else _reader(text, separator)
    try:
        for row in reader:
            cells = _cells(row, separator)
            if any(cells):
                yield reader.line_num + before, row if exact else cells
    except csv.Error as error:
        raise InputRefused("E-ANN-005", f"{path}:{reader.line_num + before}", f"not CSV: {error}") from error
