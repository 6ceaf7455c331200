"""Third-party features that are stored as (C, T) or on another clock than the declared one: durations show it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.core.types import VideoRecord
from augrgb.features.npy_folder import NpyFolder
from augrgb.features.renamed import RenamedFeatures, with_ids_of
from augrgb.features.video_features import FeatureFolder

_LOOKED_AT = 9
_log = logging.getLogger(__name__)


def matched(folder: FeatureFolder, videos: Mapping[str, VideoRecord]) -> FeatureFolder:
    """The folder under the ids of the videos, its arrays turned where the lengths of the videos ask for it.

    Match a folder once, against all videos of a dataset: a few of them may not show what holds for all.
    """
    found = with_ids_of(folder, videos)
    if isinstance(found, RenamedFeatures) and found is not folder:
        _log.warning("%s: %s", found.folder, found.match.rule)
    return oriented(found, {video_id: video.duration_s for video_id, video in videos.items()})


def oriented(folder: FeatureFolder, durations_s: Mapping[str, float | None]) -> FeatureFolder:
    """The folder with its arrays turned to (T, C), where the lengths of the videos prove that they are (C, T).

    They do if no file looked at fits its video as (T, C) and every one does as (C, T), on the declared clock.
    """
    inner = folder.inner if isinstance(folder, RenamedFeatures) else folder
    if not isinstance(inner, NpyFolder) or inner.turned is not None:
        return folder
    known = [video_id for video_id in durations_s if durations_s[video_id] is not None and folder.has(video_id)]
    if not known:
        return folder
    step = max(1, len(known) // _LOOKED_AT)
    for video_id in known[::step][:_LOOKED_AT]:
        try:
            own_id = folder.match.of(video_id) if isinstance(folder, RenamedFeatures) else video_id
            shape = inner.stored_shape(own_id)
        except InputRefused:
            return folder
        duration_s = durations_s[video_id] or 0.0
        if fits(shape[0], folder.clock, duration_s) or not fits(shape[1], folder.clock, duration_s):
            return folder
    _log.warning("%s: arrays are stored as (C, T), as the videos' lengths show; turned to (T, C)", inner.folder)
    turned = inner.as_turned()
    return RenamedFeatures(turned, folder.match) if isinstance(folder, RenamedFeatures) else turned


def fits(count: int, clock: Clock, duration_s: float) -> bool:
    """Whether so many snippets on a clock end where a video does, to a snippet."""
    return abs(end_s(count, clock) - duration_s) <= clock.stride_s + clock.window_s + 1e-6


def other_reading(shape: tuple[int, ...], clock: Clock, duration_s: float) -> str:
    """What else an array (T, C) that does not fit its video could be; "" if nothing is near.

    >>> other_reading((32, 1500), Clock(25.0, 16, 8), 60.0)
    'read as (C, T), it has one snippet per frame: its stride is 1, not 8'
    """
    for count, how in zip(shape, ("", "read as (C, T), "), strict=False):
        if abs(count - clock.fps * duration_s) <= max(2.0, 0.01 * count) and clock.stride != 1:
            return f"{how}it has one snippet per frame: its stride is 1, not {clock.stride}"
    if len(shape) == 2 and fits(shape[1], clock, duration_s):
        return "it would fit as (C, T), but other files of the folder do not"
    return ""


def end_s(count: int, clock: Clock) -> float:
    """Where the last of so many snippets on a clock ends, in seconds of the video."""
    return clock.offset / clock.fps + (count - 1) * clock.stride_s + clock.window_s
