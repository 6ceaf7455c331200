"""Signatures of webhooks, as https://www.standardwebhooks.com describes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from augrgb.core.errors import UsageFault
from augrgb.core.plain_data import read_text

_LEAST_BYTES = 24
_PREFIX = "whsec_"


def read_secrets(path: Path) -> tuple[bytes, ...]:
    """Secrets of a file, one a line: the newest first, older ones while receivers change over.

    Raises:
        UsageFault: E-CFG-028, there is none, or one is not base64 of at least 24 bytes.
        InputRefused: E-FILE-..., the file cannot be read.
    """
    lines = [line.strip() for line in read_text(path).splitlines()]
    secrets = []
    for number, line in enumerate(lines, 1):
        if line:
            try:
                secret = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
            except ValueError:  # not base64, or not even ASCII
                secret = b""
            if len(secret) < _LEAST_BYTES:
                problem = f"line {number} is not `whsec_` and base64 of {_LEAST_BYTES} bytes or more"
                raise UsageFault("E-CFG-028", path, problem, _HOW)
            secrets.append(secret)
    if not secrets:
        raise UsageFault("E-CFG-028", path, "holds no secret", _HOW)
    return tuple(secrets)


_HOW = "Make one with: echo whsec_$(openssl rand -base64 32)"


def signature(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret.

    >>> signature([b"0" * 24], "msg_1", 0, b"{}")[:6]
    'v1,oKZ'
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets)
    return " ".join(f"v1,{one}" for one in made)
