"""Class list files: number and name per line (`c092 Playing on a phone`, `7<tab>Use_telephone`), or names only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from augrgb.annotations.reading.text_files import read_text
from augrgb.core.errors import InputRefused
from augrgb.core.files import write_text

_NUMBERED = re.compile(r"^[A-Za-z]?(\d+)[\s,;:]+(\S.*)$")
_LARGEST = 99_999
_CODE = re.compile(r"^c(\d+)$")


@dataclass(frozen=True, slots=True)
class ClassList:
    """Class names by the number that annotation files use for them, in order of that number."""

    names: Mapping[int, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(self.names.values())


def read_class_list(path: Path, *, first: int = 0) -> ClassList:
    """Read a class list.

    Args:
        first: The number of the first class, when lines hold names only.

    Raises:
        InputRefused: E-ANN-004: a name or number given twice; E-ANN-036: no class, or lines of both kinds.
    """
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    matches = [_NUMBERED.match(line) for line in lines]
    if lines and all(matches):
        pairs = [(int(match[1]), match[2].strip()) for match in matches if match]
    elif not any(matches):
        pairs = list(enumerate(lines, first))
    else:
        odd = next(i for i, match in enumerate(matches) if not match)
        raise InputRefused("E-ANN-036", path, f"class {odd + 1} has no number, others have: {lines[odd]!r}")
    if not pairs:
        raise InputRefused("E-ANN-036", path, "no classes in this file", "One class per line.")
    for column in (0, 1):
        twice = [str(value) for value, count in Counter(pair[column] for pair in pairs).items() if count > 1]
        if twice:
            raise InputRefused("E-ANN-004", path, f"given twice: {', '.join(twice[:5])}")
    return ClassList(dict(sorted(pairs)))


def classes_or(path: Path | None, used: Iterable[str]) -> tuple[str, ...]:
    """The classes of a list where there is one, else the labels that are used, sorted."""
    return read_class_list(path).classes if path is not None else tuple(sorted(used))


def unnamed(numbers: Iterable[int], *, first: int = 0) -> ClassList:
    """Names `c000`, `c001`, ... from `first` to the largest number, for files that come without a class list.

    Raises:
        InputRefused: E-ANN-030: a number so large that it cannot be a class.
    """
    largest = max(numbers, default=first - 1)
    if largest > _LARGEST:
        raise InputRefused("E-ANN-030", f"class number {largest}", f"too large: at most {_LARGEST}")
    return ClassList({number: f"c{number:03d}" for number in range(first, largest + 1)})


def number_classes(classes: Iterable[str], *, first: int = 0) -> dict[str, int]:
    """The number of each class in a file of numbered classes: that of the names of `unnamed`, else its position."""
    names = list(classes)
    codes = [_CODE.match(name) for name in names]
    if all(codes):
        return {name: int(code[1]) for name, code in zip(names, codes, strict=True) if code}
    return {name: number for number, name in enumerate(names, first)}


def write_class_list(numbers: Mapping[str, int], path: Path) -> Path:
    """Write a class list that `read_class_list` gives back; line breaks in names become blanks."""
    write_text(path, "".join(f"{number} {' '.join(name.split())}\n" for name, number in numbers.items()))
    return path
