"""Whether the data of a file goes as far as its header says."""

from __future__ import annotations

from dataclasses import dataclass

from av.container import InputContainer
from av.video.stream import VideoStream

from augrgb.video.probe import declared_duration_s

MISSING_FRAMES_ALLOWED = 2
"""Damage that some encoders leave at the very start or end."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a header promises.

    Args:
        frames: Frames that have data; 0 where the container does not say.
        duration_s: 0.0 where it does not say.
    """

    frames: int
    duration_s: float

    @staticmethod
    def of(container: InputContainer, stream: VideoStream) -> Declared:
        """Of a file that was just opened: while it is read, its index may grow.

        The header of an AVI counts frames that its recorder dropped; its index lists only those that are there.
        """
        frames, indexed = stream.frames, len(stream.index_entries)
        if container.format.name == "avi" and indexed:
            frames = min(frames, indexed)
        return Declared(frames, declared_duration_s(container, stream))

    def lost(self, frames: int, stream: VideoStream) -> int:
        """How many of the frames are missing, at the end of the data."""
        declared = self.frames
        if frames < declared:  # an edit list hides some of the frames that the header counts
            declared -= sum(bool(entry.is_discard) for entry in stream.index_entries)
        return max(0, declared - frames)

    def breaks_off(self, verb: str, frames: int, duration_s: float, stream: VideoStream) -> str:
        """What is wrong where the data ends too early, or "".

        Args:
            verb: What was done with the frames: decoded or read.
            frames, duration_s: What there was.
        """
        lost = self.lost(frames, stream)
        if lost > MISSING_FRAMES_ALLOWED:
            return f"{verb} {frames} of {frames + lost} frames; the data ends at {duration_s:.1f} s"
        if not self.frames and self.duration_s - duration_s > max(1.0, 0.02 * self.duration_s):
            return f"the data ends at {duration_s:.1f} s, but the header declares {self.duration_s:.1f} s"
        return ""
