"""Where tests find files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
PARITY = ROOT / "tests" / "parity" / "data"
RECIPES = ROOT / "src" / "augrgb" / "recipes"
SHARED = ROOT.parent / "shared"
"""Real files that may not be copied into the repository; tests that need them skip where it is absent."""
