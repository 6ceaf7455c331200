"""Where tests find files."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
PARITY = ROOT / "tests" / "parity" / "data"
RECIPES = ROOT / "src" / "augrgb" / "recipes"
SHARED = ROOT.parent / "shared"
"""Real files that may not be copied into the repository; tests that need them skip where it is absent."""
ABSENT = "needs ../shared"


def needs_shared(place: str) -> pytest.MarkDecorator:
    """Skips a test, with the reason, where a real file or folder of `SHARED` is absent."""
    return pytest.mark.skipif(not (SHARED / place).exists(), reason=f"{ABSENT}/{place}")
