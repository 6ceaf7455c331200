"""Names compared as people and file systems see them."""

from __future__ import annotations

import unicodedata


def alike(name: str) -> str:
    """A key that two names share when people take them for the same: case, Unicode form and blanks do not count."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
