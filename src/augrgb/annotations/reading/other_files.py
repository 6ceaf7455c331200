"""Files that are no annotations in text: what they are by first bytes or ending, and what to do with them."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.opening import open_regular

_SHEET = "Save it as CSV (UTF-8) in the spreadsheet program."
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet", _SHEET),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", _SHEET),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first (gunzip)."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it, and give the folder."),
    (b"Rar!", "a RAR archive", "Unpack it, and give the folder."),
    (b"SQLite format 3", "a database", "Export its events as CSV."),
    (b"\x89HDF", "an HDF5 or MATLAB 7.3 file", "Export its events as CSV (video, label, start, end)."),
    (b"MATLAB 5.0", "a MATLAB file", "Export its events as CSV (video, label, start, end)."),
    (b"\x80\x02", "a Python pickle", "Pickles can run code when read, so they never are: write JSON or CSV."),
    (b"\x80\x03", "a Python pickle", "Pickles can run code when read, so they never are: write JSON or CSV."),
    (b"\x80\x04", "a Python pickle", "Pickles can run code when read, so they never are: write JSON or CSV."),
    (b"\x80\x05", "a Python pickle", "Pickles can run code when read, so they never are: write JSON or CSV."),
)
_ENDINGS = {
    ".ass": ("Advanced SubStation subtitles", "Save them as SubRip (.srt) or WebVTT (.vtt)."),
    ".ssa": ("SubStation subtitles", "Save them as SubRip (.srt) or WebVTT (.vtt)."),
    ".sbv": ("YouTube's subtitles", "Save them as SubRip (.srt) or WebVTT (.vtt)."),
    ".sub": ("MicroDVD or VobSub subtitles", "Save them as SubRip (.srt) or WebVTT (.vtt)."),
    ".textgrid": ("a Praat TextGrid", "Import it in ELAN, and save .eaf; or write a CSV of its intervals."),
    ".anvil": ("an Anvil project", "Export it to ELAN, and give the .eaf."),
    ".cha": ("a CHAT transcript", "Import it in ELAN, and save .eaf."),
    ".opf": ("a Datavyu project", "Export it as CSV in Datavyu."),
    ".xlsx": ("a spreadsheet", _SHEET),
    ".xls": ("a spreadsheet", _SHEET),
    ".ods": ("a spreadsheet", _SHEET),
    ".yaml": ("YAML", "Write it as JSON or CSV."),
    ".yml": ("YAML", "Write it as JSON or CSV."),
}


def other_kind(path: Path) -> tuple[str, str] | None:
    """What a file is, and what to do with it; None where nothing is known of it."""
    try:
        with open_regular(path) as handle:
            head = handle.read(16)
    except AugrgbError:
        return None
    known = _ENDINGS.get(path.suffix.lower())
    return known or next((found[1:] for found in _MAGIC if head.startswith(found[0])), None)


def refuse_other(path: Path) -> None:
    """Refuse a file that is empty, or known to be something else.

    Raises:
        InputRefused: E-ANN-006, with what it is and what to do.
    """
    if is_empty(path):
        raise InputRefused("E-ANN-006", path, "the file is empty", "Export it again.")
    found = other_kind(path)
    if found is not None:
        raise InputRefused("E-ANN-006", path, f"this is {found[0]}, which is not read", found[1])


def is_empty(path: Path) -> bool:
    """Whether a file holds nothing but blanks."""
    try:
        with open_regular(path) as handle:
            return not handle.read(16).strip()
    except AugrgbError:
        return False
