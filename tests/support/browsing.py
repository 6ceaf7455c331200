"""Driving the page in a real browser as a person would, who waits until something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.server_client import wait_for

# No test measures these: they are how long a slow, loaded machine may take before something counts as lost.
PATIENCE_S = 90.0


def upload(page: Any, film: Path) -> None:
    """Choose a file; the page takes none before it has begun and, where it asks for a token, let the person in."""
    page.wait_for_selector("#app:not([hidden])")
    page.set_input_files("#file", film)


def until(page: Any, expression: str, seconds: float = PATIENCE_S) -> None:
    """Wait for a true expression; Playwright's own way is forbidden by the page's security policy."""
    wait_for(lambda: page.evaluate(f"Boolean({expression})"), seconds)


def eventually(check: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Run assertions until they hold: a gesture is answered before the page has drawn what it did."""
    last = time.monotonic() + seconds
    while True:
        try:
            check()
            return
        except AssertionError:
            if time.monotonic() > last:
                raise
        time.sleep(0.02)
