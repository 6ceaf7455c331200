"""The log of repairs beside an output: one line of JSON per changed event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from augrgb.annotations.findings import Finding
from augrgb.core.files import write_text


def write_repairs(findings: Iterable[Finding], output: Path) -> Path | None:
    """Write the log of repairs beside an output: one JSON object per changed event; None when nothing was changed.

    `OUTPUT/repairs.jsonl` for a folder, `<name>.repairs.jsonl` beside a file. A log of an earlier run is replaced.
    """
    path = output / "repairs.jsonl" if output.is_dir() else output.with_name(f"{output.stem}.repairs.jsonl")
    rows = [
        {"code": f.code, "action": f.action, "kind": f.kind, "video": f.where, "detail": f.detail}
        for f in findings
        if f.is_repair
    ]
    if not rows:
        path.unlink(missing_ok=True)
        return None
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows))
    return path
