"""Frames as they stand in a page: JPEG data URIs, the only addresses of images that a page may hold."""

from __future__ import annotations

PREFIX = "data:image/jpeg;base64,"


def is_frame_uri(uri: str) -> bool:
    """Whether a page may show this address without reaching outside itself."""
    return uri.startswith(PREFIX)
