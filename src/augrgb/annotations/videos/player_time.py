"""Times of a player and times of the frames: they differ where the sound of a video starts before its image.

Players begin at the earliest time stamp of any track, augrgb at the first frame shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.core.types import Event, VideoRecord

Zero = Literal["first-frame", "player", "unknown"]
NOTED_S = 0.05
"""Where it is not known what times count from, a shorter delay than this is not mentioned."""


def in_frame_time(annotations: AnnotationSet, delays_s: Mapping[str, float], zero: Zero) -> AnnotationSet:
    """The annotations in the time of the frames; what was moved, or may have to be, is noted.

    Args:
        delays_s: When a player shows the first frame of each video.
        zero: What the times of the annotations count from.
    """
    late = {
        i: delays_s[i] for i, v in annotations.videos.items() if delays_s.get(i, 0.0) > 0 and (v.events or v.ignored)
    }
    if zero == "first-frame" or not late:
        return annotations
    if zero == "player":
        moved = moved_by(annotations, {video_id: -delay_s for video_id, delay_s in late.items()})
        notes = [
            Finding("E-VID-022", "moved from the time of a player", "noted", i, f"the image starts at {delay:.3f} s")
            for i, delay in late.items()
            if delay >= NOTED_S
        ]
        return replace(moved, findings=(*annotations.findings, *notes))
    notes = [
        Finding(
            "E-VID-022",
            "sound starts before the image",
            "noted",
            video_id,
            f"by {delay:.2f} s: times of a player are late by that (--set zero=player moves them, "
            "--set zero=first-frame keeps them)",
        )
        for video_id, delay in late.items()
        if delay >= NOTED_S
    ]
    return replace(annotations, findings=(*annotations.findings, *notes))


def moved_by(annotations: AnnotationSet, shifts_s: Mapping[str, float]) -> AnnotationSet:
    """The annotations with the times of each video moved; videos without a shift stay as they are."""
    return replace(
        annotations,
        videos={i: _moved(video, shifts_s[i]) if shifts_s.get(i) else video for i, video in annotations.videos.items()},
    )


def _moved(video: VideoRecord, shift_s: float) -> VideoRecord:
    def move(events: Iterable[Event]) -> tuple[Event, ...]:
        return tuple(Event(e.label, round(e.start_s + shift_s, 9), round(e.end_s + shift_s, 9)) for e in events)

    return replace(video, events=None if video.events is None else move(video.events), ignored=move(video.ignored))
