"""Read and write annotations by the name of their format, or by looking at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.formats import FORMATS, PlainCsv
from augrgb.annotations.reading.encodings import encoding_of, is_assumed
from augrgb.annotations.reading.text_files import files_below
from augrgb.core.catalog import check_choice, check_options
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.opening import is_folder, regular_file

_COLUMN_OPTIONS = {"video", "label", "start", "end"}


def detect_format(path: Path, options: Mapping[str, Any] | None = None) -> str:
    """The name of the format that a file or folder is in.

    Args:
        options: Options of the format: a table whose columns are named by them is one whatever its header says.

    Raises:
        InputRefused: E-FILE-001 nothing there; E-ANN-006: no format claims it (with what it lacks for the two likeliest
            ones), or several do.
    """
    path = Path(path)
    if not is_folder(path):
        regular_file(path, "annotation file")
    found = [name for name, entry in FORMATS.items() if entry.sniff(path)]
    found = [name for name in found if not FORMATS[name].generic] or found
    if len(found) == 1:
        return found[0]
    if found:
        remedy = f"Name the format (--format, --from): {', '.join(found)}."
        raise InputRefused("E-ANN-006", path, "could be any of several formats", remedy)
    near = {name: nearness for name, entry in FORMATS.items() if (nearness := entry.near(path)) is not None}
    if PlainCsv.name in near and _COLUMN_OPTIONS & set(options or ()):
        return PlainCsv.name
    likely = sorted(near, key=lambda name: (-near[name].share, name))[:2]
    lacks = "".join(f"; not {name}: {near[name].missing or 'something else is wrong'}" for name in likely)
    remedy = f"Name the format (--format, --from): {', '.join(likely + [n for n in FORMATS if n not in likely])}."
    raise InputRefused("E-ANN-006", path, f"the format was not recognized{lacks}", remedy)


def make_format(name: str, options: Mapping[str, Any] | None = None) -> AnnotationFormat:
    """A format with checked options.

    Raises:
        UsageFault: Unknown format or option, with the nearest name; a value of the wrong type.
    """
    check_choice(FORMATS, name, "annotation format", "formats")
    return FORMATS[name](**check_options(FORMATS, name, options or {}, "annotation format", "formats"))


def requires_option(name: str, option: str) -> bool:
    """Whether a format has an option without a default, such as the frame rate."""
    defaults = (getattr(FORMATS[name].__init__, "__kwdefaults__", None) or {}) if name in FORMATS else {}
    return option in defaults and defaults[option] is None


def read_annotations(
    path: Path, *, format_name: str | None = None, options: Mapping[str, Any] | None = None
) -> AnnotationSet:
    """Read annotations of any format as they are written; `repair.repair` judges them.

    Raises:
        AugrgbError: Not readable; see the formats.
    """
    path = Path(path)
    chosen = make_format(format_name or detect_format(path, options), options)
    found = chosen.read(path)
    return replace(found, findings=(*found.findings, *_encoding_findings(path, chosen.suffixes)))


def write_annotations(
    annotations: AnnotationSet, path: Path, *, format_name: str, options: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write annotations; returns the files.

    Raises:
        UsageFault: E-ANN-008: the format cannot be written; E-ANN-039: there are no videos.
    """
    if not annotations.videos:
        raise UsageFault("E-ANN-039", path, "there are no videos to write")
    return make_format(format_name, options).write(annotations, Path(path))


def _encoding_findings(path: Path, suffixes: tuple[str, ...]) -> list[Finding]:
    """A note for each file whose encoding was assumed."""
    found = []
    try:
        for file in files_below(path, *suffixes):
            encoding = encoding_of(file)
            if is_assumed(encoding):
                detail = f"not UTF-8, so read as {encoding}; check names with accents"
                found.append(Finding("E-FILE-014", "encoding was assumed", "noted", str(file), detail))
    except AugrgbError:  # a file beside the annotations, or none with these endings
        return found
    return found
