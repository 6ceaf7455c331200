"""Decode the frames that an encoder and its teachers see, each video once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from augrgb.core.progress import Progress
from augrgb.core.types import Dataset
from augrgb.features.frame_cache import cache_frames
from augrgb.features.frame_folder import FrameSettings


def cache_training_frames(
    dataset: Dataset,
    wanted: Mapping[str, Collection[str]],
    folder: Path,
    settings: FrameSettings,
    *,
    workers: int = 0,
    progress: Progress | None = None,
) -> None:
    """Cache the modalities of each video; videos that need the same ones are decoded in one go.

    Args:
        dataset: Where the files are.
        wanted: Video id -> modalities.
        folder: See `FrameFolder`.
        settings: Of all frames.
        workers: Child processes; 0 = in this process.
        progress: Called with (videos decoded, videos in all).

    Raises:
        AugrgbError: See `cache_frames`.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for video_id, modalities in wanted.items():
        groups.setdefault(tuple(sorted(modalities)), []).append(video_id)
    decoded = 0
    for group, ids in groups.items():
        cache_frames(
            dataset,
            ids,
            group,
            folder,
            fps=settings.fps,
            size=settings.size,
            flow=settings.flow,
            workers=workers,
            progress=_continued(progress, decoded, len(wanted)),
        )
        decoded += len(ids)


def _continued(progress: Progress | None, before: int, total: int) -> Progress | None:
    """The progress of a part, reported as progress of the whole."""
    return (lambda done, _: progress(before + done, total)) if progress is not None else None
