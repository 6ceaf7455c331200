"""What can be the name or address of a machine: looked at before anything tries to reach it, for ever in vain."""

from __future__ import annotations

import ipaddress
import re

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE | re.ASCII)
_LONGEST = 253


def is_host(text: str) -> bool:
    """Whether a text is an IP address or can be a name (RFC 1123, with the underscores that local networks use).

    >>> [is_host(text) for text in ("camera-3.local", "10.0.0.7", "::1", "bücher.example", "a b", "x" * 64, "")]
    [True, True, True, True, False, False, False]
    """
    try:
        ipaddress.ip_address(text.partition("%")[0])
        return True
    except ValueError:
        pass
    try:
        name = text.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:  # a label that is empty or too long, or letters that no name has
        return False
    return len(name) <= _LONGEST and all(_LABEL.fullmatch(label) for label in name.split("."))
