"""Folds for cross-validation of a small dataset: groups of videos that are held out in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augrgb.annotations.shared_units import shared_units
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, VideoRecord

FEW_VIDEOS = 20
"""Below this number of labeled videos, one held-out part of them says too little."""
RANDOM_SPLIT = "random"
"""Name of the split that `augrgb init` draws where the annotations name none."""
USUAL_FOLDS = 4


@dataclass(frozen=True)
class Folds:
    """Videos in groups that are held out in turn.

    Args:
        groups: Ids of the videos of each fold; every video is in one.
        by: `scene`, `person`, `camera` or `video`: what is never split between training and test.
        why: One sentence.
    """

    groups: tuple[tuple[str, ...], ...]
    by: str
    why: str


def foldable(dataset: Dataset, split: str) -> tuple[str, ...]:
    """The labeled videos to hold out in turn; () where there are enough videos for a held-out part.

    Test videos that the annotations name stay test videos; those of a random split are too few to say anything, and
    are held out in turn like the others.
    """
    roles = dataset.splits.get(split, {})
    named = [name for part in ("train", "encoder", "val") for name in roles.get(part, ())]
    tested = list(roles.get("test", ()))
    if len({*named, *tested}) >= FEW_VIDEOS:
        return ()
    return tuple(dict.fromkeys(named + (tested if split == RANDOM_SPLIT else [])))


def choose_folds(videos: Mapping[str, VideoRecord], ids: Sequence[str], *, seed: int = 0) -> Folds:
    """Divide labeled videos into folds that share no scene (else person, else camera) where there are enough of them.

    Units with rare classes are placed first, each into the fold that has least of its classes, so that every fold has
    something of every class where that is possible.
    """
    shared = shared_units(videos, ids)
    units = shared.groups
    why = f"{shared.scarce}whole videos are held out"
    if shared.by != "video":
        why = f"no {shared.by} is in training and test at once ({len(units)} of them)"
    count = min(USUAL_FOLDS, len(units))
    total = Counter(event.label for name in ids for event in videos[name].events or ())
    order = list(rng_at(seed, "folds").permutation(len(units)))
    contents = [Counter(e.label for name in unit for e in videos[name].events or ()) for unit in units]
    order.sort(key=lambda n: min((total[label] for label in contents[n]), default=len(ids)))
    folds: list[list[str]] = [[] for _ in range(count)]
    held = [Counter[str]() for _ in range(count)]
    for placed, number in enumerate(order):
        labels = contents[number]

        def fullness(place: int, labels: Counter[str] = labels) -> tuple[float, int, int]:
            return sum(held[place][label] / total[label] for label in labels), len(folds[place]), place

        empty = [place for place in range(count) if not folds[place]]
        # no fold stays empty: the last units go into those that are
        place = empty[0] if empty and len(units) - placed <= len(empty) else min(range(count), key=fullness)
        folds[place] += units[number]
        held[place] += labels
    return Folds(tuple(tuple(sorted(fold)) for fold in folds), shared.by, why)
