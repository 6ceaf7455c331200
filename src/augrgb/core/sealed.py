"""JSON files that this program writes for itself: a schema, values of known types, and a hash of their content.

A file that was damaged, or changed without saying so, is named and refused, and never half believed. Files of versions
before the hash are read without it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import sha256_json, write_json
from augrgb.core.fit import Unfit, fit
from augrgb.core.opening import GIB, is_file
from augrgb.core.plain_data import parse_json, read_json
from augrgb.core.shown import shown

SEAL = "content_sha256"
_REMEDY = "Restore or make it again; if it was changed on purpose, remove its `content_sha256`."

T = TypeVar("T")
_log = logging.getLogger(__name__)


def sealed(schema: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with their schema and hash, as they are written.

    >>> sorted(sealed("x/1", {"a": (1, 2)}))
    ['a', 'content_sha256', 'schema']
    """
    plain = parse_json(json.dumps({"schema": schema, **values}, allow_nan=False), schema)  # lists for tuples, str keys
    return {**plain, SEAL: sha256_json(plain)}


def write_sealed(path: Path, schema: str, values: Mapping[str, Any]) -> None:
    """Write a file of ours atomically; equal values give equal bytes."""
    write_json(path, sealed(schema, values))


def read_sealed(
    path: Path, schema: str, kind: type[T], *, what: str, code: str, remedy: str = "", limit: int = GIB
) -> T:
    """Read a file of ours.

    Args:
        path: The file.
        schema: What it must be.
        kind: A dataclass of its values, see `core.fit`.
        what: What it is, for messages.
        code: Of the error if it is something else.
        remedy: For that error.
        limit: Largest size in bytes.

    Raises:
        InputRefused: E-FILE-001/002/010; E-FILE-018, changed since it was written; `code`, anything else.
    """
    return unsealed(read_json(path, what, limit), path, schema, kind, code=code, remedy=remedy)


def read_note(path: Path, schema: str, what: str) -> dict[str, Any] | None:
    """The values of a note that can be made again: None if it is absent, or damaged, which is logged.

    Args:
        path: The note.
        schema: What it must be; notes of versions before schemas say nothing.
        what: What it is, for messages.
    """
    if not is_file(path):
        return None
    try:
        raw = read_json(path, what)
        found = unsealed(raw if "schema" in raw else {**raw, "schema": schema}, path, schema, dict, code="E-FILE-018")
    except (AugrgbError, TypeError) as fault:
        _log.warning("%s; it is made again", fault)
        return None
    return found


def check_seal(raw: Any, path: Path) -> None:
    """Refuse a file of ours that was changed since it was written; one without a hash passes.

    Raises:
        InputRefused: E-FILE-018.
    """
    if isinstance(raw, dict) and SEAL in raw:
        values = {key: value for key, value in raw.items() if key != SEAL}
        if raw[SEAL] != sha256_json(values):
            raise InputRefused("E-FILE-018", path, "its content changed since it was written", _REMEDY)


def unsealed(raw: Any, path: Path, schema: str, kind: type[T], *, code: str, remedy: str = "") -> T:
    """The values of a file of ours that is already parsed; see `read_sealed`."""
    if not isinstance(raw, dict) or raw.get("schema") != schema:
        found = (
            f"schema {shown(raw.get('schema'))}" if isinstance(raw, dict) else f"{type(raw).__name__}, not an object"
        )
        raise InputRefused(code, path, f"not a file of this version ({found}, expected {schema!r})", remedy)
    check_seal(raw, path)
    values = {key: value for key, value in raw.items() if key not in (SEAL, "schema")}
    try:
        found_values: T = fit(values, kind, "it")
    except (Unfit, AugrgbError, TypeError, ValueError, OverflowError) as error:
        raise InputRefused(code, path, f"does not fit: {error}", remedy) from error
    return found_values
