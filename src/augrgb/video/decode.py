"""Video file -> frames sampled by presentation time, streaming, in memory that does not grow with the video.

Conventions: time 0 is the first frame shown. Output frame k is the image on screen at k / fps; there is one for
every k with k / fps before the end of the last frame. Stamps are rounded to ticks, so a frame that appears up to
one tick (at most a tenth of an output interval) late still counts. Images are turned upright and stretched to the
wanted size. Colors become 8-bit RGB by the matrix the file declares (BT.601 if none); HDR is not tone-mapped.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.video.completeness import MISSING_FRAMES_ALLOWED, Declared
from augrgb.video.container import LIMITS, DecodeLimits, open_video, reason, too_large
from augrgb.video.frame_choice import FrameChoice
from augrgb.video.frame_clock import FrameClock
from augrgb.video.orientation import Orientation, orientation_of
from augrgb.video.plausible import MOST_HOLE_S, longest_s, most_frames
from augrgb.video.probe import declared_fps, info_of, no_frames
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo
from augrgb.video.view import WHOLE, View

Image = NDArray[np.uint8]
Partial = Literal["refuse", "keep-prefix"]
_HDR_TRANSFERS = {16, 18}  # PQ and HLG in ITU-T H.273
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrameTarget:
    """One wanted form of every frame.

    Args:
        size: (width, height) as shown.
        pixels: RGB (H, W, 3) or gray (H, W).
        choice: Which frames are looked at: the others come as black images, which cost nothing; None = all.
        view: The part of the image that counts.
    """

    size: tuple[int, int]
    pixels: Literal["rgb24", "gray"] = "rgb24"
    choice: FrameChoice | None = None
    view: View = WHOLE


def shared_targets(targets: Sequence[FrameTarget]) -> list[FrameTarget]:
    """The same targets; one form that is wanted with several choices becomes one of all frames, converted once."""
    choices: dict[FrameTarget, set[FrameChoice | None]] = {}
    for target in targets:
        choices.setdefault(replace(target, choice=None), set()).add(target.choice)
    all_frames = [replace(target, choice=None) for target in targets]
    return [one if len(choices[other]) == 1 else other for one, other in zip(targets, all_frames, strict=True)]


@dataclass(slots=True)
class DecodeReport:
    """What decoding found; complete when the frames are used up.

    Args:
        declared_frames, decoded_frames: Frames in the header (0 = unknown) and in fact.
        duration_s: End of the last decoded frame, seconds from the first.
        info: What the file says about itself; None before the first frame.
        variable_rate: The time between frames changes.
        complete: False when only the part before a fault was kept.
        warnings: Everything that was repaired, rounded or left out.
        level_sum, level_count: Of the mean levels of about one frame a second.
        feature_mean: Mean of the features that were made of it, where somebody wrote it here.
    """

    declared_frames: int = 0
    decoded_frames: int = 0
    duration_s: float = 0.0
    info: VideoInfo | None = None
    variable_rate: bool = False
    complete: bool = True
    warnings: list[str] = field(default_factory=list)
    level_sum: float = 0.0
    level_count: int = 0
    feature_mean: NDArray[np.float64] | None = None

    @property
    def brightness(self) -> float:
        """Mean level of a few frames, 0 to 255; NaN before the first."""
        return self.level_sum / self.level_count if self.level_count else math.nan

    def warn(self, path: Path, text: str) -> None:
        """Keep a warning once; the caller shows it."""
        if text not in self.warnings:
            self.warnings.append(text)
            _log.info("%s: %s", path, text)


def frames_by_time(
    path: Path,
    fps: float,
    size: tuple[int, int],
    *,
    partial: Partial = "refuse",
    limits: DecodeLimits = LIMITS,
    threads: int = 1,
    report: DecodeReport | None = None,
) -> Iterator[Image]:
    """Frames of a video on a regular time grid; see `sample_frames`.

    Shape: yields (H, W, 3) uint8 with (W, H) = `size`.
    """
    targets = (FrameTarget(size),)
    for (image,) in sample_frames(path, fps, targets, partial=partial, limits=limits, threads=threads, report=report):
        yield image


def sample_frames(
    path: Path,
    fps: float,
    targets: Sequence[FrameTarget],
    *,
    partial: Partial = "refuse",
    limits: DecodeLimits = LIMITS,
    threads: int = 1,
    report: DecodeReport | None = None,
    thumbnails: Thumbnails | None = None,
    opened: Callable[[VideoInfo], object] | None = None,
) -> Iterator[tuple[Image, ...]]:
    """Decode once, and yield every sampled frame in each of the wanted forms.

    Args:
        path: A local video file.
        fps: Output frames per second.
        targets: Forms of each frame.
        partial: What to do with a truncated video: refuse it, or keep the frames before the break.
        limits: Largest frame and longest video.
        threads: Decoder threads.
        report: Filled in while frames are read; complete at the end.
        thumbnails: Takes its frames from this decoding.
        opened: Called once, with the first frame, before it is yielded.

    Raises:
        InputRefused: See `open_video`; also E-VID-002 (no frames), E-VID-003 (breaks off: raised where it happens,
            so after the frames before it), E-VID-006 (over 1 % of frames without a time), E-VID-010 and
            E-VID-013 (limits), E-VID-024 (a length that its data cannot have).
    """
    path, report = Path(path), report if report is not None else DecodeReport()
    with open_video(path, limits) as (container, stream):
        stream.codec_context.thread_count = threads
        sampler = FrameSampler(fps, tuple(targets), path, report, thumbnails)
        source = _Source(path, container, stream, limits, report)
        for frame, time_s in source.frames(partial):
            if report.info is None:
                report.info = info_of(path, container, stream, frame)
                if thumbnails is not None:
                    thumbnails.begin(report.info)
                if opened is not None:
                    opened(report.info)
            yield from sampler.advance_to(time_s)
            sampler.show(frame)
        yield from sampler.finish(report.duration_s)


def sample_given_frames(
    frames: Iterable[Image],
    frames_per_s: float,
    fps: float,
    targets: Sequence[FrameTarget],
    *,
    report: DecodeReport | None = None,
) -> Iterator[tuple[Image, ...]]:
    """Frames that somebody else decoded, sampled and scaled as `sample_frames` does with a file.

    Args:
        frames: (H, W, 3) uint8 RGB each, upright.
        frames_per_s: Their rate.
        fps, targets, report: See `sample_frames`.

    Raises:
        InputRefused: E-VID-002, there is no frame; E-VID-012, something else than such a frame.
    """
    report = report if report is not None else DecodeReport()
    sampler = FrameSampler(fps, tuple(targets), Path("frames"), report)
    for number, pixels in enumerate(frames):
        if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
            problem = f"frame {number} is {found}, expected a NumPy array (H, W, 3) of uint8, in RGB order"
            raise InputRefused("E-VID-012", "frames", problem)
        yield from sampler.advance_to(number / frames_per_s)
        sampler.show(VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"))
        report.decoded_frames, report.duration_s = number + 1, (number + 1) / frames_per_s
    if not report.decoded_frames:
        raise InputRefused("E-VID-002", "frames", "there are no frames")
    yield from sampler.finish(report.duration_s)


class _Source:
    """Decoded frames with their times, and the verdict on how the file ended."""

    def __init__(
        self, path: Path, container: InputContainer, stream: VideoStream, limits: DecodeLimits, report: DecodeReport
    ) -> None:
        self.path, self.container, self.stream, self.limits, self.report = path, container, stream, limits, report
        fps = declared_fps(stream)
        self.clock = FrameClock(float(stream.time_base or 0) or 1 / (fps or 25.0), 1 / (fps or 25.0))
        # AVI stores decoding order only; there the n-th decoded frame has the n-th stamp, and the last few none.
        self.by_decoding_order = container.format.name == "avi"
        self.declared = Declared.of(container, stream)
        report.declared_frames = stream.frames
        self._size, self._latest_s = os.stat(path).st_size, 0.0

    def frames(self, partial: Partial) -> Iterator[tuple[VideoFrame, float]]:
        """Frames in presentation order with their time in seconds from the first."""
        fault: Exception | None = None
        damaged = 0
        packets = self.container.demux(self.stream)
        while fault is None:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                decoded = packet.decode()
            except (av.error.FFmpegError, OSError) as error:
                fault = error
                break
            damaged += packet.is_corrupt
            for frame in decoded:
                if isinstance(frame, VideoFrame):
                    damaged += frame.is_corrupt
                    yield frame, self._time_of(frame)
        self._judge(fault, damaged, partial)

    def _time_of(self, frame: VideoFrame) -> float:
        if frame.width * frame.height > self.limits.max_pixels:
            raise too_large(self.path, frame.width, frame.height, self.limits)
        time_s = self.clock.time_of(frame.dts if self.by_decoding_order else frame.pts)
        length_s = float(frame.duration * (frame.time_base or 0)) if frame.duration else 0.0
        hole_s = max(time_s - self._latest_s, length_s)
        self._latest_s = time_s
        self.report.decoded_frames += 1
        self.report.duration_s = time_s + (length_s or self.clock.interval_s)
        frames = max(self.report.decoded_frames, min(self.report.declared_frames, most_frames(self._size)))
        if hole_s > MOST_HOLE_S or self.report.duration_s > longest_s(self._size, frames):
            problem = f"claims to last over {self.report.duration_s:.0f} s, with {frames} frames in {self._size} bytes"
            raise InputRefused("E-VID-024", self.path, problem, "Re-encode it, or cut it before the hole.")
        if self.report.duration_s > self.limits.max_duration_s:
            problem = (
                f"lasts over {self.report.duration_s:.0f} s; at most {self.limits.max_duration_s:.0f} s are allowed"
            )
            raise InputRefused("E-VID-013", self.path, problem, "Cut it into parts.")
        return time_s

    def _judge(self, fault: Exception | None, damaged: int, partial: Partial) -> None:
        report, clock = self.report, self.clock
        report.variable_rate = clock.variable_rate
        if fault is None and not report.decoded_frames:
            raise no_frames(self.path, self.stream)
        problem = self._breaks_off(fault)
        if problem:
            report.complete = False
            if partial == "refuse" or not report.decoded_frames:
                remedy = f"Re-encode it, or keep the first {report.duration_s:.1f} s (--partial-video keep-prefix)."
                raise InputRefused("E-VID-003", self.path, f"{problem}. Kept nothing", remedy)
            report.warn(self.path, f"{problem}. Kept the first {report.duration_s:.1f} s")
        if not self.by_decoding_order and clock.missing > 0.01 * clock.frames:
            problem = f"{clock.missing} of {clock.frames} frames have no presentation time (at most 1 % is allowed)"
            raise InputRefused("E-VID-006", self.path, problem, "Re-encode it with a constant frame rate.")
        if clock.missing and not self.by_decoding_order:
            report.warn(self.path, f"{clock.missing} frames without a time were put one interval after the last")
        if clock.repaired:
            report.warn(
                self.path, f"{clock.repaired} frames had times that repeat or go back; a monotone clock was kept"
            )
        declared_s = self.declared.duration_s
        if report.complete and declared_s and abs(declared_s - report.duration_s) > max(1.0, 0.02 * declared_s):
            report.warn(
                self.path, f"the header says {declared_s:.1f} s; {report.duration_s:.1f} s were decoded and count"
            )
        if damaged:
            report.warn(self.path, f"{damaged} frames or packets are damaged; the decoder concealed it")

    def _breaks_off(self, fault: Exception | None) -> str:
        report = self.report
        if fault is not None:
            of = f" of {report.declared_frames}" if report.declared_frames else ""
            return f'decoded {report.decoded_frames}{of} frames, then "{reason(fault)}" at {report.duration_s:.1f} s'
        lost = self.declared.lost(report.decoded_frames, self.stream)
        if 0 < lost <= MISSING_FRAMES_ALLOWED:
            report.warn(self.path, f"{lost} of {report.decoded_frames + lost} declared frames did not decode")
        return self.declared.breaks_off("decoded", report.decoded_frames, report.duration_s, self.stream)


class FrameSampler:
    """Holds the frame on screen and emits it for every output time that falls on it."""

    def __init__(
        self,
        fps: float,
        targets: tuple[FrameTarget, ...],
        path: Path,
        report: DecodeReport,
        thumbnails: Thumbnails | None = None,
    ) -> None:
        self.fps, self.targets, self.path, self.report, self.thumbnails = fps, targets, path, report, thumbnails
        self.next_index, self.level_every, self.level_next = 0, max(1, round(fps)), 0
        self.on_screen: VideoFrame | None = None
        # Where frames may be skipped: what output `next_index - 1` shows, for the last one is always converted.
        self.held_back: VideoFrame | None = None
        self.may_skip = any(target.choice is not None for target in targets)
        self.converted: tuple[VideoFrame | None, dict[int, Image]] = (None, {})
        shapes = [(*target.size[::-1], 3)[: 3 if target.pixels == "rgb24" else 2] for target in targets]
        self.black: list[Image] = [np.zeros(shape, np.uint8) for shape in shapes]
        self.orientation = Orientation()
        self.first_size: tuple[int, int] | None = None
        self.reformatters = [VideoReformatter() for _ in targets]
        self.thumbnail_reformatter = VideoReformatter()

    def show(self, frame: VideoFrame) -> None:
        """Put a frame on screen; it is converted only if an output time falls on it."""
        if self.first_size is None:
            self.first_size = (frame.width, frame.height)
            self.orientation = orientation_of(frame)
            self._note_oddities(frame)
        elif (frame.width, frame.height) != self.first_size:
            self.report.warn(self.path, "the frame size changes inside the video; every frame is scaled to one size")
        self.on_screen = frame

    def advance_to(self, time_s: float) -> Iterator[tuple[Image, ...]]:
        """The frame on screen for each output time before `time_s`."""
        frame = self.on_screen
        if frame is None:
            return
        tolerance_s = min(float(frame.time_base or 0), 0.1 / self.fps) + 1e-9
        while self.next_index / self.fps < max(time_s - tolerance_s, 0.0):
            if not self.may_skip:
                yield self._images(frame, self.next_index)
            else:
                if self.held_back is not None:
                    yield self._images(self.held_back, self.next_index - 1)
                self.held_back = frame
            self.next_index += 1
        small = None
        while self.thumbnails is not None and self.thumbnails.next_s < time_s:
            if small is None:
                small = self._convert(frame, FrameTarget(self.thumbnails.size), self.thumbnail_reformatter)
            self.thumbnails.take(small)

    def finish(self, duration_s: float) -> Iterator[tuple[Image, ...]]:
        """The last frame, until the end; one that claims to last less than a tick still is one frame."""
        yield from self.advance_to(max(duration_s, 1 / self.fps if not self.next_index else 0.0))
        if self.may_skip and self.held_back is not None:
            yield self._images(self.held_back, self.next_index - 1, last=True)
            self.held_back = None

    def _images(self, frame: VideoFrame, number: int, *, last: bool = False) -> tuple[Image, ...]:
        """A frame in each form for which output `number` is looked at, or is the last: windows repeat that one."""
        if self.converted[0] is not frame:
            self.converted = (frame, {})
        known = self.converted[1]
        images = list(self.black)
        for column, (target, reformatter) in enumerate(zip(self.targets, self.reformatters, strict=True)):
            if last or target.choice is None or number in target.choice:
                if column not in known:
                    known[column] = self._convert(frame, target, reformatter)
                images[column] = known[column]
        if 0 in known and number >= self.level_next:
            self.report.level_sum += float(known[0].mean())
            self.report.level_count += 1
            self.level_next = number + self.level_every
        return tuple(images)

    def _convert(self, frame: VideoFrame, target: FrameTarget, reformatter: VideoReformatter) -> Image:
        outer = target.size if target.view.whole else target.view.outer_size(target.size)
        width, height = outer[::-1] if self.orientation.swaps_sides else outer
        shrinks = width < frame.width and height < frame.height
        scaled = reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=target.pixels,
            interpolation=Interpolation.AREA if shrinks else Interpolation.BILINEAR,
            threads=1,
        )
        pixels: Image = scaled.to_ndarray().astype(np.uint8, copy=False)
        upright = self.orientation.apply(pixels)
        return upright if target.view.whole else target.view.of(upright, target.size)

    def _note_oddities(self, frame: VideoFrame) -> None:
        if frame.interlaced_frame:
            self.report.warn(self.path, "interlaced; both fields are shown as one frame")
        if int(frame.color_trc) in _HDR_TRANSFERS:
            self.report.warn(self.path, "HDR; colors are converted without tone mapping")
        if not self.orientation.exact:
            self.report.warn(self.path, "rotated by an odd angle; turned by the nearest quarter turn")
