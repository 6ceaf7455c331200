"""A few small frames, evenly spaced over a video, taken while it is decoded for something else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augrgb.video.video_info import VideoInfo

Frame = NDArray[np.uint8]
_UNKNOWN_INTERVAL_S = 0.25


class Thumbnails:
    """Collects frames during one decoding (see `sample_frames`), for any length of video and whatever its header says.

    Frames are taken at the middle of each of `count` equal parts of the declared duration. Where a video is longer than
    declared, or its length is unknown, every second frame is dropped whenever twice as many as wanted are held.

    Args:
        count: How many.
        height_px: Their height; the width follows from the video's shape.
    """

    def __init__(self, count: int = 40, height_px: int = 96) -> None:
        self.count, self.height_px = count, height_px
        self.size = (height_px, height_px)
        self.next_s = 0.0
        self._interval_s = _UNKNOWN_INTERVAL_S
        self._held: list[tuple[float, Frame]] = []

    def begin(self, info: VideoInfo) -> None:
        """Start a new video."""
        width = max(16, round(info.width / info.height * self.height_px / 2) * 2)
        self.size = (width, self.height_px)
        self._interval_s = info.duration_s / self.count if info.duration_s > 0 else _UNKNOWN_INTERVAL_S
        self.next_s, self._held = self._interval_s / 2, []

    def take(self, frame: Frame) -> None:
        """Keep the frame that is on screen at `next_s`. Shape: (H, W, 3) with (W, H) = `size`."""
        self._held.append((self.next_s, frame))
        if len(self._held) >= 2 * self.count:
            self._held = self._held[::2]
            self._interval_s *= 2
        self.next_s = self._held[-1][0] + self._interval_s

    def frames(self, duration_s: float) -> list[Frame]:
        """Of each of `count` equal parts of the video, the frame that was taken nearest to its middle.

        Args:
            duration_s: How long the video turned out to be.
        """
        if not self._held:
            return []
        times = np.array([time_s for time_s, _ in self._held])
        wanted = (np.arange(self.count) + 0.5) * duration_s / self.count
        return [self._held[int(np.abs(times - time_s).argmin())][1] for time_s in wanted]
