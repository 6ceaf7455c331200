"""What videos share, a scene, a person or a camera, and videos held out that share none of it with the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from augrgb.core.errors import UsageFault
from augrgb.core.types import VideoRecord

LEAST_GROUPS = 3
_KEYS = {"scene": "scene", "person": "subject", "camera": "camera"}
_MANY = {"scene": "scenes", "person": "people", "camera": "cameras"}


@dataclass(frozen=True)
class Units:
    """Videos in groups that are held out as a whole.

    Args:
        by: `scene`, `person`, `camera`, or `video` where none of these is known, or known for too few.
        groups: Ids; every video is in one.
        scarce: Why it is not by something better, ending in `; `; empty if nothing is known of that.
    """

    by: str
    groups: tuple[tuple[str, ...], ...]
    scarce: str = ""

    @property
    def many(self) -> str:
        """The plural of `by`."""
        return _MANY.get(self.by, "videos")


def shared_units(videos: Mapping[str, VideoRecord], ids: Sequence[str], *, first: str = "scene") -> Units:
    """Group videos by the first of scene, person and camera that is known for all and has three values or more.

    Encoders learn rooms by heart before they learn actions, so videos of a held-out person in a known room look better
    than the same model does in the next room.

    Args:
        videos: What is known of each.
        ids: The videos to group.
        first: What is tried before the others, such as the person for a split by people.
    """
    scarce = ""
    for by in sorted(_KEYS, key=lambda name: name != first):
        values = [getattr(videos[name], _KEYS[by]) for name in ids]
        known = sorted({value for value in values if value is not None})
        if not known:
            continue
        if None in values:
            unknown = [name for name, value in zip(ids, values, strict=True) if value is None]
            part = f"{len(ids) - len(unknown)} of {len(ids)} videos only (not for {unknown[0]!r})"
            scarce = scarce or f"the {by} is known for {part}; "
            continue
        if len(known) >= LEAST_GROUPS:
            groups = (tuple(n for n, value in zip(ids, values, strict=True) if value == one) for one in known)
            return Units(by, tuple(groups), scarce)
        scarce = scarce or f"{len(known)} {_MANY[by] if len(known) > 1 else by} are too few to hold one out; "
    return Units("video", tuple((name,) for name in ids), scarce)


def hold_out(
    units: Units, videos: Mapping[str, VideoRecord], share: float, order: Sequence[int]
) -> tuple[str, ...] | None:
    """About a share of the videos, in whole groups, so that every class keeps a video that is not held out.

    Args:
        units: The groups.
        videos: Their events.
        share: Of the videos, in (0, 1); never more than half.
        order: Numbers of groups, in which they are tried.

    Returns:
        The ids, sorted; None where no group can be held out.
    """
    total = sum(map(len, units.groups))
    wanted, held = max(1, round(share * total)), list[str]()
    left = Counter(label for group in units.groups for name in group for label in _labels(videos[name]))
    for position in order:
        group = units.groups[position]
        if len(held) >= wanted:
            break
        lost = Counter(label for name in group for label in _labels(videos[name]))
        too_many = len(held) + len(group) > max(total // 2, 1)
        if not too_many and all(left[label] > count for label, count in lost.items()):
            held += group
            left -= lost
    return tuple(sorted(held)) or None


def seen_in_training(videos: Mapping[str, VideoRecord], trained: Sequence[str], held: Sequence[str]) -> str:
    """A sentence that says so where validation videos are from scenes that training has seen; else empty.

    >>> hall = {name: VideoRecord(name, scene="hall") for name in "ab"}
    >>> seen_in_training(hall, ["a"], ["b"])[:65]
    '1 of 1 validation videos are from scenes that training has seen: '
    """
    known = {videos[name].scene for name in trained} - {None}
    seen = sum(videos[name].scene in known for name in held)
    if not seen:
        return ""
    return (
        f"{seen} of {len(held)} validation videos are from scenes that training has seen: validation cannot tell "
        "actions from rooms known by heart (hold out whole scenes: `augrgb init --scene PATTERN`)"
    )


def _labels(video: VideoRecord) -> set[str]:
    return {event.label for event in video.events or ()}


def with_scenes(videos: Mapping[str, VideoRecord], pattern: str) -> dict[str, VideoRecord]:
    """The videos with the scene that a regular expression finds in their names: its group, or all that it matches.

    Raises:
        UsageFault: E-SPL-014, not a regular expression, or names in which it finds nothing.

    >>> with_scenes({"Run_11_2": VideoRecord("Run_11_2")}, r"_(\\d+)_")["Run_11_2"].scene
    '11'
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageFault("E-SPL-014", "--scene", f"{pattern!r} is no regular expression ({error})") from error
    found = {name: compiled.search(name) for name in videos}
    missed = [name for name, match in found.items() if match is None or match.group(min(1, compiled.groups)) is None]
    if missed:
        problem = f"{pattern!r} finds nothing in {len(missed)} of {len(videos)} names, such as {missed[0]!r}"
        raise UsageFault("E-SPL-014", "--scene", problem, r"For example '_(\d+)_' for Run_11_2.")
    return {
        name: replace(videos[name], scene=match.group(min(1, compiled.groups)))
        for name, match in found.items()
        if match is not None
    }
