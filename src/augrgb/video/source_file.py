"""Which file something was made from, and whether it is still that file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.core.opening import open_regular, sha256_file


def source_identity(path: Path) -> dict[str, Any]:
    """SHA-256 and size in bytes of a regular file. No times: equal files must give equal bytes.

    Raises:
        InputRefused: E-FILE-001 (absent), E-FILE-009 (not a regular file), E-FILE-008 (cannot be read).
    """
    path = Path(path)
    with open_regular(path) as handle:
        size = os.fstat(handle.fileno()).st_size
    return {"sha256": sha256_file(path), "size": size}


def same_source(path: Path, identity: Mapping[str, Any], product: Path) -> bool:
    """Whether a file still has the content that `product` was made from.

    Only a file of the same size that was modified after the product is worth reading again.
    """
    try:
        state, made = Path(path).stat(), Path(product).stat()
    except (OSError, ValueError):
        return False
    if state.st_size != identity.get("size"):
        return False
    return state.st_mtime_ns < made.st_mtime_ns or sha256_file(path) == identity.get("sha256")
