"""Files with a hash of their content, changed by a test as somebody would who means it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def edit_json(path: Path, change: Callable[[dict[str, Any]], object] | None = None, **values: Any) -> None:
    """Change a JSON file on purpose: without the hash that would betray it."""
    found = json.loads(path.read_text())
    found.pop("content_sha256", None)
    if change is not None:
        change(found)
    path.write_text(json.dumps(found | values))
