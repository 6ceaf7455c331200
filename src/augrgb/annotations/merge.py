"""Annotations of one dataset that come in several files: joined into one set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import joined
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.types import VideoRecord


def merged(parts: Iterable[tuple[Path, AnnotationSet]]) -> AnnotationSet:
    """All videos, splits and findings of the parts.

    A video that one part names without annotations (`None`) is the one that another part annotates. Parts that annotate
    different times of a video (jobs of a tool) are joined. Classes stay in their order where all parts have one list,
    and are sorted where no part has a class list.

    Raises:
        InputRefused, FaultList: E-ID-001: two parts annotate one video.
    """
    parts = list(parts)
    faults: list[AugrgbError] = []
    videos: dict[str, VideoRecord] = {}
    places: dict[str, Path] = {}
    splits: dict[str, dict[str, tuple[str, ...]]] = {}
    for path, part in parts:
        for video_id, video in part.videos.items():
            known = videos.get(video_id)
            both = known is not None and known.events is not None and video.events is not None and known != video
            whole = joined(known, video) if both and known is not None else None
            if whole is not None:
                videos[video_id] = whole
            elif both:
                problem = f"a second annotation of the video {video_id!r}; the first is in {places[video_id]}"
                faults.append(InputRefused("E-ID-001", path, problem, "Take one of them out of the folder."))
            elif known is None or known.events is None:
                videos[video_id], places[video_id] = video, path
        for split, roles in part.splits.items():
            _join(splits.setdefault(split, {}), roles)
    raise_together(faults)
    lists = {part.classes for _, part in parts}
    classes = tuple(dict.fromkeys(name for _, part in parts for name in part.classes))
    closed = all(part.closed for _, part in parts)
    ordered = len(lists) == 1 or any(part.closed for _, part in parts)
    return AnnotationSet(
        classes if ordered else tuple(sorted(classes)),
        videos,
        splits,
        findings=tuple(finding for _, part in parts for finding in part.findings),
        closed=closed,
        in_frames=any(part.in_frames for _, part in parts),
    )


def _join(roles: dict[str, tuple[str, ...]], more: Mapping[str, tuple[str, ...]]) -> None:
    for role, ids in more.items():
        roles[role] = tuple(dict.fromkeys((*roles.get(role, ()), *ids)))
