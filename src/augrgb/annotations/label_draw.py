"""Other draws of which training videos are labeled: the same videos, other ones with their labels known."""

from __future__ import annotations

from collections.abc import Mapping

from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset

_PAIRS = (("encoder", "encoder_unlabelled"), ("train", "unlabelled"))

Splits = dict[str, dict[str, tuple[str, ...]]]


def draw_labels(dataset: Dataset, seed: int) -> Splits:
    """The splits with another random choice of labeled videos; seed 0 leaves them as they are.

    In each split the labeled and unlabeled videos of encoders are pooled, those of streams likewise, and as many as
    before are labeled. One order of all videos decides, so a video that is in both pools is labeled in both or in
    neither where these are alike. Validation and test videos stay. Videos that were never annotated stay unlabeled.
    """
    splits: Splits = {name: {role: tuple(ids) for role, ids in roles.items()} for name, roles in dataset.splits.items()}
    if seed == 0:
        return splits
    names = sorted(dataset.videos)
    order = rng_at(seed, "labels").permutation(len(names))
    place: Mapping[str, int] = dict(zip(names, order.tolist(), strict=True))
    for roles in splits.values():
        for labeled, unlabeled in _PAIRS:
            ids = (*roles.get(labeled, ()), *roles.get(unlabeled, ()))
            known = [video_id for video_id in dict.fromkeys(ids) if dataset.videos[video_id].events is not None]
            if not roles.get(unlabeled) or len(known) == len(roles.get(labeled, ())):
                continue
            chosen = set(sorted(known, key=lambda one: place[one])[: len(roles.get(labeled, ()))])
            roles[labeled] = tuple(video_id for video_id in dict.fromkeys(ids) if video_id in chosen)
            roles[unlabeled] = tuple(video_id for video_id in dict.fromkeys(ids) if video_id not in chosen)
    return splits
