"""The second model of a fit: where it disagrees with the one that was chosen, a look is worth more."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.errors import AugrgbError
from augrgb.core.plain_data import read_json

_METHODS = ("rgb", "augmented")
_PARTS = ("result.json", "model.json", "model.safetensors", "encoder/model.json")


def second_opinion_of(bundle: Path) -> Path | None:
    """A model that the fit of a bundle trained besides it, and that needs nothing but plain video; None without one.

    Plain RGB where Augmented-RGB was chosen, and the other way round; where only the chosen method was trained on all
    videos, the one of the first fold.

    Args:
        bundle: Folder `bundle` of a fit.
    """
    fit = bundle.parent
    try:
        chosen = read_json(fit / "summary.json", "summary")["chosen"]
    except (AugrgbError, KeyError, TypeError):
        return None
    others = [name for name in _METHODS if name != chosen]
    names = [f"{name}-0" for name in others] + [f"{name}-fold1-0" for name in (*others, chosen)]
    streams = (fit / "work" / "streams" / name for name in names)
    return next((found for found in streams if all((found / part).is_file() for part in _PARTS)), None)
