"""Options of annotation formats as a command line gives them: `key=value`."""

from __future__ import annotations

from typing import Any

from augrgb.core.errors import UsageFault
from augrgb.core.plain_data import parse_option


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """`["fps=25", "tiers=[a, b]"]` as options; values are YAML.

    Raises:
        UsageFault: E-CFG-004: not `key=value`.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key.strip():
            raise UsageFault("E-CFG-004", pair, "expected KEY=VALUE, such as fps=25")
        options[key.strip()] = parse_option(text, pair)
    return options
