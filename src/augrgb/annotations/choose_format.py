"""Read and write annotations by the name of their format, or by looking at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat, Near
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.formats import FORMATS, DatasetJson, PlainCsv
from augrgb.annotations.merge import merged
from augrgb.annotations.reading.archives import Opened, opened
from augrgb.annotations.reading.encodings import encoding_of, is_assumed, read_as
from augrgb.annotations.reading.other_files import refuse_other
from augrgb.annotations.reading.text_files import files_below, first_below
from augrgb.annotations.several_labels import several_labels, several_of
from augrgb.annotations.unlabeled import unlabeled_as_ignored, untimed_as_ignored
from augrgb.annotations.videos.id_rule import ID_OPTIONS, IdRule
from augrgb.core.catalog import check_choice, check_options
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.opening import is_folder, regular_file
from augrgb.core.searching import files_in

_COLUMN_OPTIONS = {"video", "label", "start", "end", "columns"}
_SUFFIXES = {suffix for entry in FORMATS.values() for suffix in entry.suffixes} | {".txt", ".bundle", ".jsonl"}
_LOOKED_AT = 60
_FOR_ALL = {*ID_OPTIONS, "several", "encoding"}


def detect_format(path: Path, options: Mapping[str, Any] | None = None) -> str:
    """The name of the format that a file, a folder, or a zip archive of such is in.

    Args:
        options: Options of the format: a table whose columns are named by them is one whatever its header says.

    Raises:
        InputRefused: E-FILE-001 nothing there; E-FILE-020 an archive that cannot be unpacked; E-ANN-006: no format
            claims it (with what it lacks for the two likeliest ones), or several do.
    """
    path = Path(path)
    if not is_folder(path):
        regular_file(path, "annotation file or folder")
    with read_as((options or {}).get("encoding")), opened(path, _SUFFIXES) as export:
        return _detect(export.place, options)


def _detect(path: Path, options: Mapping[str, Any] | None) -> str:
    claims = _claims(path)
    if len(claims) > 1 and not is_folder(path):
        remedy = f"Name the format (--format, --from): {', '.join(claims)}."
        raise InputRefused("E-ANN-006", path, "could be any of several formats", remedy)
    first = _first_files(path, claims) if is_folder(path) else dict.fromkeys(claims, path)
    if len(first) == 1:
        return next(iter(first))
    if first:
        held = ", ".join(f"{name} ({file.relative_to(path)})" for name, file in first.items())
        remedy = (
            f"Name the one that counts (--format, --from): {', '.join(first)}; the others are left aside. Or convert "
            "each to one format (augrgb data convert), and give the folder of these."
        )
        raise InputRefused("E-ANN-006", path, f"holds files of several formats: {held}", remedy)
    if not is_folder(path):
        refuse_other(path)
    near: dict[str, Near] = {}
    for file in _some_files(path)[:9] if is_folder(path) else [path]:
        for name, entry in FORMATS.items():
            nearness = entry.near(file)
            if nearness is not None and (name not in near or nearness.share > near[name].share):
                near[name] = nearness
    if PlainCsv.name in near and _COLUMN_OPTIONS & set(options or ()):
        return PlainCsv.name
    likely = sorted(near, key=lambda name: (-near[name].share, name))[:2]
    lacks = "".join(f"; not {name}: {near[name].missing or 'something else is wrong'}" for name in likely)
    remedy = f"Name the format (--format, --from): {', '.join(likely + [n for n in FORMATS if n not in likely])}."
    raise InputRefused("E-ANN-006", path, f"the format was not recognized{lacks}", remedy)


def _first_files(folder: Path, claims: list[str]) -> dict[str, Path]:
    """The formats of the files in a folder, each with a file that shows it.

    Args:
        claims: Formats that the folder itself shows; their readers know which of its files belong to them.
    """
    first = dict.fromkeys(claims, folder)
    if DatasetJson.name in first:  # whatever else lies in a dataset's folder
        return {DatasetJson.name: folder}
    known = {suffix for name in claims for suffix in FORMATS[name].suffixes}
    for file in _some_files(folder):
        for name in _claims(file) if file.suffix.lower() not in known else ():
            first.setdefault(name, file)
    shown = {name: first_below(folder, *FORMATS[name].suffixes) for name in claims}
    return first | shown if len(first) > 1 else first


def _claims(path: Path) -> list[str]:
    """The formats that claim a file or folder; a generic one only where no other does."""
    found = [name for name, entry in FORMATS.items() if entry.sniff(path)]
    return [name for name in found if not FORMATS[name].generic] or found


def _some_files(folder: Path) -> list[Path]:
    """Files of a folder that could be annotations, not more than are needed to see what they are."""
    files = files_in(folder, *_SUFFIXES, deep=True)
    step = max(1, len(files) // _LOOKED_AT)
    return files[::step]


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


def has_option(name: str, option: str) -> bool:
    """Whether a format has an option."""
    return name in FORMATS and option in (getattr(FORMATS[name].__init__, "__kwdefaults__", None) or {})


def read_annotations(
    path: Path, *, format_name: str | None = None, options: Mapping[str, Any] | None = None
) -> AnnotationSet:
    """Read annotations of any format as they are written; `repair.repair` judges them.

    Args:
        options: Of the format; and for all formats `id_prefix`, `id_suffix` and `id_folders` (see `IdRule`), `several`
            (what separates several labels of one event) and `encoding` (of text).

    Raises:
        AugrgbError: Not readable; see the formats.
    """
    ids, several = IdRule.of(options or {}), several_of(options or {})
    own = {key: value for key, value in (options or {}).items() if key not in _FOR_ALL}
    with read_as((options or {}).get("encoding")), opened(Path(path), _SUFFIXES) as export:
        name = format_name or _detect(export.place, options)
        chosen = make_format(name, own)
        _refuse_unused(own, chosen.only_writes_with, "--set", f"says how {name} is written (--set-out)")
        if is_folder(export.place) and not chosen.folders:
            found = _read_files(chosen, export.place)
        else:
            found = chosen.read(export.place)
        found = several_labels(untimed_as_ignored(found, export.place), several, export.place)
        found = unlabeled_as_ignored(found, export.place)
        findings = (*found.findings, *_encoding_findings(export.place, chosen.suffixes), *_left(export))
        return ids.applied(export.annotations(replace(found, findings=findings)))


def _read_files(chosen: AnnotationFormat, folder: Path) -> AnnotationSet:
    """The files of a folder that are in a format which has one file for a dataset, joined."""
    files = files_below(folder, *chosen.suffixes)
    claimed = [file for file in files if chosen.sniff(file)]
    faults: list[AugrgbError] = []
    parts = []
    for file in claimed or files:
        try:
            parts.append((file, chosen.read(file)))
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    found = merged(parts)
    left = [file for file in files if file not in set(claimed)] if claimed else []
    if not left:
        return found
    detail = f"{len(left)} of {len(files)} are not {chosen.name}; the first is {left[0].relative_to(folder)}"
    note = Finding("E-FILE-021", "files left aside", "noted", str(folder), detail)
    return replace(found, findings=(*found.findings, note))


def _left(export: Opened) -> list[Finding]:
    count, first = export.left
    detail = f"{count} members are no annotation files; the first is {first}"
    return [Finding("E-FILE-021", "files left aside", "noted", str(export.place), detail)] if count else []


def write_annotations(
    annotations: AnnotationSet, path: Path, *, format_name: str, options: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write annotations; returns the files.

    Raises:
        UsageFault: E-ANN-008: the format cannot be written; E-ANN-039: there are no videos; E-CFG-013: an option
            that says nothing about writing.
    """
    if not annotations.videos:
        raise UsageFault("E-ANN-039", path, "there are no videos to write")
    chosen = make_format(format_name, options)
    can_write = type(chosen).write is not AnnotationFormat.write
    reading = {key for key in options or {} if can_write and key not in chosen.writes_with}
    _refuse_unused(options or {}, reading, "--set-out", f"says how {format_name} is read (--set)")
    return chosen.write(annotations, Path(path))


def _refuse_unused(options: Mapping[str, Any], unused: Collection[str], where: str, why: str) -> None:
    """Refuse options that would change nothing.

    Raises:
        UsageFault: E-CFG-013.
    """
    for key in options:
        if key in unused:
            raise UsageFault("E-CFG-013", f"{where} {key}", why, "Leave it out, or give it there.")


def _encoding_findings(path: Path, suffixes: tuple[str, ...]) -> list[Finding]:
    """A note for each file whose encoding was assumed."""
    found = []
    try:
        for file in files_below(path, *suffixes):
            encoding = encoding_of(file)
            if is_assumed(encoding):
                detail = f"not UTF-8, so read as {encoding}; check names (--set encoding=NAME says another)"
                found.append(Finding("E-FILE-014", "encoding was assumed", "noted", str(file), detail))
    except AugrgbError:  # a file beside the annotations, or none with these endings
        return found
    return found
