"""`python -m augrgb.server.teaching.fit_process`: one round of `augrgb fit` in a process that a server starts.

The order is one line of JSON on the standard input, progress and the end are lines of JSON on the standard output. When
the input is closed, because the server was stopped or killed, the process ends at once; `fit` keeps what is finished.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from augrgb.core.errors import AugrgbError, FaultList
from augrgb.core.plain_data import parse_json

_EVERY_S = 0.3


def main() -> None:
    """Read the order, fit, measure, report."""
    order = parse_json(sys.stdin.readline(), "the order")
    lines, sys.stdout = sys.stdout, sys.stderr  # nobody else writes between the lines
    threading.Thread(target=_end_with_server, daemon=True).start()
    with contextlib.suppress(OSError):
        os.nice(5)  # the page comes first
    try:
        _say(lines, done=_fit(order, lines))
    except AugrgbError as error:
        fault = error.faults[0] if isinstance(error, FaultList) else error
        _say(lines, fault={"code": fault.code, "where": fault.where, "problem": fault.problem, "remedy": fault.remedy})


def _fit(order: dict[str, Any], lines: TextIO) -> dict[str, Any]:
    from augrgb.pipelines.fit import fit
    from augrgb.server.teaching.worth import worth_of

    last = 0.0

    def on_progress(stage: str, fraction: float) -> None:
        nonlocal last
        if time.monotonic() - last > _EVERY_S:
            last = time.monotonic()
            _say(lines, stage=stage, fraction=fraction)

    out = Path(order["out"])
    fitted = fit(order["project"], out, budget_s=order["budget_s"], workers=order["workers"], on_progress=on_progress)
    _say(lines, stage="measuring on test videos", fraction=0.0)
    before = Path(order["before"]) if order["before"] else None
    worth = worth_of(out, Path(order["dataset"]), before)
    return {"bundle": str(fitted.bundle), "folder": str(out), "chosen": fitted.chosen, "worth": worth.to_json()}


def _say(lines: TextIO, **values: object) -> None:
    lines.write(json.dumps(values) + "\n")
    lines.flush()


def _end_with_server() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
