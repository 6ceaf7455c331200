"""Subsets, as annotation files name them, to splits with roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from augrgb.annotations.annotation_set import AnnotationSet, Splits
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean, raise_together

ROLE_OF = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def splits_of(
    annotations: AnnotationSet, *, role_of: Mapping[str, str] | None = None, only_labelled: bool = False
) -> Splits:
    """The official splits, and where there are none, a split `given` made from the videos' subsets (if they have any).

    Videos of an official split that are not annotated are left out of it.

    Args:
        role_of: Roles of subsets with unusual names, such as `{"fold1": "train"}`.
        only_labelled: Videos that were never annotated (their labels may be withheld) have no role in the split made
            from subsets; those of the training subset are unlabelled ones.

    Raises:
        InputRefused: E-SPL-008: an unknown subset name, with the subsets that are there.
    """
    known = annotations.videos.keys()
    if annotations.splits:
        return {
            name: {role: tuple(i for i in ids if i in known) for role, ids in roles.items()}
            for name, roles in annotations.splits.items()
        }
    counts = Counter(video.subset for video in annotations.videos.values() if video.subset is not None)
    roles = {**ROLE_OF, **(role_of or {})}
    unknown = [subset for subset in counts if subset not in roles and subset.lower() not in roles]
    present = ", ".join(f"{subset} ({count})" for subset, count in counts.items())
    raise_together(
        [
            InputRefused(
                "E-SPL-008",
                f"subset {subset!r}",
                f"not a known name; subsets present: {present}",
                f"{did_you_mean(subset, roles)}; or state its role: --role-of {subset}=train",
            )
            for subset in unknown
        ]
    )
    split: dict[str, list[str]] = {}
    for video_id, video in annotations.videos.items():
        if video.subset is not None:
            role = roles.get(video.subset) or roles[video.subset.lower()]
            if only_labelled and video.events is None:
                if role != "train":
                    continue
                role = "unlabelled"
            split.setdefault(role, []).append(video_id)
    return {"given": {role: tuple(ids) for role, ids in split.items()}} if split else {}


def subset_of(annotations: AnnotationSet, subset: str) -> AnnotationSet:
    """Only the videos of one subset or role, without splits.

    Raises:
        UsageFault: E-SPL-007: no video is in it, with the subsets that are there.
    """
    counts = Counter(video.subset for video in annotations.videos.values() if video.subset is not None)
    chosen = {video_id: video for video_id, video in annotations.videos.items() if video.subset == subset}
    if not chosen:
        present = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"
        problem = f"no video is in it; subsets present: {present}"
        raise UsageFault("E-SPL-007", f"subset {subset!r}", problem, did_you_mean(subset, counts))
    return AnnotationSet(
        annotations.classes,
        chosen,
        findings=annotations.findings,
        closed=annotations.closed,
        in_frames=annotations.in_frames,
    )
