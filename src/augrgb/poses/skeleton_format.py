"""What every format of recorded skeletons has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.plain_data import read_json
from augrgb.poses.people import PersonTrack

FrameIds = Literal["ask", "video", "listed"]
MAX_FRAMES = 10_000_000
"""No file of one video has more: a larger frame number is a mistake, or an attack on memory."""

Person = tuple[NDArray[np.float32], NDArray[np.float32]]
"""One person in one frame: joints (V, D) with NaN where not seen, scores (V,)."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a file does not say itself.

    Args:
        fps: Frames per second; None = what the format's dataset has, if it has one rate.
        frame_size: (width, height) in pixels of the video behind 2D poses; None = what the file or its dataset says.
        dimensions: Which poses to take where a file has both.
        frame_ids: What the frame numbers of pose programs count; see `frame_numbers.place_frames`.
    """

    fps: float | None = None
    frame_size: tuple[int, int] | None = None
    dimensions: Literal[2, 3] = 3
    frame_ids: FrameIds = "ask"


@dataclass(frozen=True, slots=True)
class SkeletonRecording:
    """The people of one file.

    Args:
        people: Tracks; 3D joints are meters in the camera's axes (x right, y up, z away), 2D ones pixels (y down).
        frames: Frames in the file, with or without people.
        fps: Frames per second.
        layout: Name of the joint layout (`augrgb.poses.layouts.LAYOUTS`).
        frame_size: (width, height) in pixels behind 2D poses.
    """

    people: tuple[PersonTrack, ...]
    frames: int
    fps: float
    layout: str
    frame_size: tuple[int, int] | None = None


class SkeletonFormat(ABC):
    """One kind of file."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def sniff(cls, head: bytes) -> bool:
        """Whether a file with one of the suffixes that begins with `head` is of this format."""

    @classmethod
    @abstractmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        """Read a file.

        Raises:
            InputRefused: E-POS-013 (with the line or frame that is wrong), E-POS-009 (no frame rate), and see
                `read_untrusted_json`.
        """


def read_untrusted_json(path: Path) -> Any:
    """JSON of limited size and depth.

    Raises:
        InputRefused: E-FILE-001 (absent), E-FILE-002 (not UTF-8), E-FILE-010 (not JSON), E-FILE-003 (over 1 GiB).
    """
    return read_json(path, "skeleton file")


def numbers(path: Path, place: str, values: object, count: int | None = None) -> NDArray[np.float64]:
    """A flat list of finite numbers of a file.

    Raises:
        InputRefused: E-POS-013, it is something else; the message has the place.
    """
    try:
        found = np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise wrong(path, place, "not a list of numbers") from error
    if count is not None and len(found) != count:
        raise wrong(path, place, f"{len(found)} numbers, expected {count}")
    if not np.isfinite(found).all():
        raise wrong(path, place, "a number is NaN or infinite")
    return found


def seen_person(joints: NDArray[np.float64], scores: NDArray[np.float64]) -> Person:
    """A person whose joints with a score of 0 or less were not seen."""
    seen = scores > 0
    return (
        np.where(seen[:, None], joints, np.nan).astype(np.float32),
        np.where(seen, scores, 0).astype(np.float32),
    )


def wrong(path: Path, place: str, problem: str, remedy: str = "Copy or export the file again.") -> InputRefused:
    """The refusal of a file for what stands at one place of it."""
    return InputRefused("E-POS-013", f"{path}: {place}", problem, remedy)


def needed_fps(path: Path, options: ReadOptions) -> float:
    """The declared frame rate, for formats that have none.

    Raises:
        InputRefused: E-POS-009, none is declared.
    """
    if options.fps is None:
        raise InputRefused("E-POS-009", path, "does not say its frame rate", "Give --fps.")
    return options.fps
