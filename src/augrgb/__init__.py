"""Teach an RGB-only video network to see what flow and pose see (Dai, Das, Bremond, ICCV 2021).

The names below load on first use, so `import augrgb` itself imports neither torch nor video libraries. Losses, filters,
metrics and encoders are in the packages of these names: `augrgb.losses.atomic_contrastive`, `augrgb.metrics.frame_ap`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augrgb.annotations.dataset_file import load_dataset
    from augrgb.core.batch import Batch
    from augrgb.core.timeline import Clock
    from augrgb.core.types import Detection, Event
    from augrgb.features.store import open_features
    from augrgb.inference.detector import Detector
    from augrgb.pipelines.api import compare, extract, load_recipe, train
    from augrgb.pipelines.fit import fit
    from augrgb.workflows.score import evaluate

__version__ = "0.1.0"

__all__ = [
    "Batch",
    "Clock",
    "Detection",
    "Detector",
    "Event",
    "__version__",
    "compare",
    "evaluate",
    "extract",
    "fit",
    "load_dataset",
    "load_recipe",
    "open_features",
    "train",
]

_HOMES = {
    "Batch": "core.batch",
    "Clock": "core.timeline",
    "Detection": "core.types",
    "Detector": "inference.detector",
    "Event": "core.types",
    "compare": "pipelines.api",
    "evaluate": "workflows.score",
    "extract": "pipelines.api",
    "fit": "pipelines.fit",
    "load_dataset": "annotations.dataset_file",
    "load_recipe": "pipelines.api",
    "open_features": "features.store",
    "train": "pipelines.api",
}
_PACKAGES = ("encoders", "filters", "losses", "metrics", "streams")


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"augrgb.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'augrgb' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"augrgb.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
