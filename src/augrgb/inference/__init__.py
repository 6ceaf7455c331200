"""What runs a trained model: the bundle, the detector, its result, and a guard for untrusted files.

Nothing here knows how models are trained or how results are shown. Names are imported when they are first used, so that
a process which only hands files to a `GuardedDetector` loads neither torch nor a decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augrgb.inference.bundle import Bundle, load_bundle
    from augrgb.inference.detector import Detector
    from augrgb.inference.supervisor import GuardedDetector
    from augrgb.inference.video_detections import VideoDetections

_MODULES = {
    "Bundle": "bundle",
    "Detector": "detector",
    "GuardedDetector": "supervisor",
    "VideoDetections": "video_detections",
    "load_bundle": "bundle",
}

__all__ = ["Bundle", "Detector", "GuardedDetector", "VideoDetections", "load_bundle"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
