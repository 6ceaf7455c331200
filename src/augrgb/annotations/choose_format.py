"""Read and write annotations by the name of their format, or by looking at them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.formats import FORMATS
from augrgb.core.catalog import check_choice, check_options
from augrgb.core.errors import InputRefused, UsageFault


def detect_format(path: Path) -> str:
    """The name of the format that a file or folder is in.

    Raises:
        InputRefused: E-FILE-001 nothing there; E-ANN-006: no format claims it, or several do.
    """
    path = Path(path)
    if not path.exists():
        raise InputRefused("E-FILE-001", path, "no such annotation file or folder")
    found = [name for name, entry in FORMATS.items() if entry.sniff(path)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(found or FORMATS)
    problem = "could be any of several formats" if found else "the format was not recognized"
    raise InputRefused("E-ANN-006", path, problem, f"Name the format (--format, --from): {known}.")


def make_format(name: str, options: Mapping[str, Any] | None = None) -> AnnotationFormat:
    """A format with checked options.

    Raises:
        UsageFault: Unknown format or option, with the nearest name; a value of the wrong type.
    """
    check_choice(FORMATS, name, "annotation format", "formats")
    return FORMATS[name](**check_options(FORMATS, name, options or {}, "annotation format", "formats"))


def requires_option(name: str, option: str) -> bool:
    """Whether a format has an option without a default, such as the frame rate."""
    defaults = (FORMATS[name].__init__.__kwdefaults__ or {}) if name in FORMATS else {}
    return option in defaults and defaults[option] is None


def read_annotations(
    path: Path, *, format_name: str | None = None, options: Mapping[str, Any] | None = None
) -> AnnotationSet:
    """Read annotations of any format as they are written; `repair.repair` judges them.

    Raises:
        AugrgbError: Not readable; see the formats.
    """
    path = Path(path)
    return make_format(format_name or detect_format(path), options).read(path)


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
