"""How large the field's datasets are, as published: what a complete download must count up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from augrgb.core.types import Dataset

Counts = Mapping[str, tuple[int, ...]]
"""`train` (validation videos taken from it included) and `test` -> the accepted numbers of videos."""


@dataclass(frozen=True, slots=True)
class Published:
    """Classes and videos of one dataset.

    Args:
        classes: Number of classes.
        videos: Accepted numbers of videos in all.
        splits: Split name -> accepted numbers; the key `given` stands for the subsets of an annotation file.
        source: Where the numbers come from.
    """

    classes: int
    videos: tuple[int, ...]
    splits: Mapping[str, Counts]
    source: str


PUBLISHED: dict[str, Published] = {
    "charades": Published(
        157,
        (9848,),
        {"given": {"train": (7985,), "test": (1863,)}},
        "counted in the localisation labels as shared by super-events",
    ),
    "multithumos": Published(
        65,
        (412, 413),
        {"given": {"train": (200,), "test": (212, 213)}},
        "the annotated videos of THUMOS14, with MultiTHUMOS's 65 classes; not counted in files here",
    ),
    "thumos14": Published(
        20,
        (411, 412, 413),
        {"given": {"train": (200,), "test": (211, 212, 213)}},
        "200 validation and 213 test videos with actions, of which users leave out one or two faulty ones; not counted "
        "in files here",
    ),
    "pku_mmd": Published(
        51,
        (1076,),
        {"cross_subject": {"train": (944,), "test": (132,)}, "cross_view": {"train": (717,), "test": (359,)}},
        "Liu et al. 2017 (phase 1); not counted in files here",
    ),
    "tsu": Published(
        51,
        (536,),
        {"cross_subject": {"train": (351,), "test": (185,)}, "cross_view": {"train": (369,), "test": (167,)}},
        "cross-subject counted in the shared annotations; cross-view by the rule of the dataset (cameras)",
    ),
}


def count_differences(dataset: Dataset, split: str, published: Published) -> list[tuple[str, str, str, bool]]:
    """Compare a dataset with what was published.

    Returns:
        (what, found, expected, agrees) for classes, videos, and the roles of the split where they are known.
    """
    rows = [("classes", len(dataset.classes), (published.classes,)), ("videos", len(dataset.videos), published.videos)]
    roles = dataset.splits.get(split, {})
    found = {"train": len(roles.get("train", ())) + len(roles.get("val", ())), "test": len(roles.get("test", ()))}
    rows += [(f"{role} videos", found[role], accepted) for role, accepted in published.splits.get(split, {}).items()]
    return [
        (what, f"{count:,}", " or ".join(f"{number:,}" for number in accepted), count in accepted)
        for what, count, accepted in rows
    ]
