"""Choosing a file in the page, as soon as a person could."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def upload(page: Any, film: Path) -> None:
    """Choose a file; the page takes none before it has begun and, where it asks for a token, let the person in."""
    page.wait_for_selector("#app:not([hidden])")
    page.set_input_files("#file", film)
