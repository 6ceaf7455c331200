"""XML read one element at a time, so that a large annotation file never lies in memory whole."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TextIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

from augrgb.annotations.reading import text_files
from augrgb.annotations.reading.text_files import open_text
from augrgb.core.errors import InputRefused

_HEAD = 8192


def iter_xml(path: Path, inside: Collection[str] = ()) -> Iterator[tuple[Element | None, Element]]:
    """The elements of a file's root, one after another; an element is forgotten when the next one is asked for.

    Document types, entities and external references are refused.

    Args:
        inside: Tags of children of the root that are themselves given element by element.

    Yields:
        (None, root) without its content; then (root, child) for each child, whole. A child named in `inside` comes as
        (root, child) without its content, then (child, grandchild) for each of its children, whole.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-011 malformed or not UTF-8, with line and column; E-FILE-003 a single
            element larger than 1 GiB; E-FILE-004 for a DTD or an entity.
    """
    above: list[Element] = []
    try:
        with open_text(path) as text:
            reader = _Reader(path, text)
            for event, element in iterparse(reader, ("start", "end"), forbid_dtd=True):
                if event == "start":
                    above.append(element)
                    if len(above) == 1 or (len(above) == 2 and element.tag in inside):
                        yield (above[-2] if len(above) > 1 else None), element
                    continue
                above.pop()
                opened = len(above) == 1 and element.tag in inside
                if len(above) == 1 or (len(above) == 2 and above[1].tag in inside):
                    if not opened:
                        yield above[-1], element
                    above[-1].remove(element)
                    reader.held = 0
    except DefusedXmlException as error:
        problem = f"has a document type or an entity ({type(error).__name__})"
        raise InputRefused("E-FILE-004", path, problem, "Remove the DTD; annotation tools never write one.") from error
    except ParseError as error:
        line, column = error.position
        problem = f"not valid XML at line {line}, column {column + 1}: {str(error).split(':')[0]}"
        raise InputRefused("E-FILE-011", path, problem) from error


class _Reader:
    """Text for the parser without its XML declaration: the encoding named there is checked already."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self._path, self._text, self._begun = path, text, False
        self.held = 0  # characters since an element was given away

    def read(self, size: int) -> str:
        piece = self._text.read(size if self._begun else max(size, _HEAD))
        self.held += len(piece)
        if self.held > text_files.WHOLE_FILE_LIMIT:
            problem = f"one element of it is larger than {text_files.WHOLE_FILE_LIMIT / 2**30:.1f} GiB"
            raise InputRefused("E-FILE-003", self._path, problem, "Split it, or use CSV, which is streamed.")
        if not self._begun:
            self._begun = True
            piece = re.sub(r"^\s*<\?xml[^>]*\?>", "", piece, count=1)
        return piece
