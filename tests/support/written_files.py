"""Files of a test, in a folder or in a zip archive."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path


def write_files(path: Path, texts: Mapping[str, str | bytes], *, zipped: bool = False) -> None:
    """Write texts by name, into a new archive `path` or below the folder `path`."""
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in texts.items():
                archive.writestr(name, text)
        return
    for name, text in texts.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
