"""Frame numbers in files of pose programs: which moment of the video each of them is.

A number may count the frames of the video, or name images that were taken from it. Where both readings are possible
(the numbers go in steps, or a complete list begins late), nothing is guessed: the user says which.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import InputRefused
from augrgb.poses.skeleton_format import MAX_FRAMES, FrameIds, Person, wrong

_FEW = 3
"""Steps between fewer frames than this can be chance."""


@dataclass(frozen=True, slots=True)
class FramePlaces:
    """Where numbered frames stand in a recording.

    Args:
        first: Number of the first frame of the recording.
        step: Numbers from one frame to the next.
        count: Frames of the recording.
        fps: Its frame rate.
    """

    first: int
    step: int
    count: int
    fps: float

    def of(self, number: int) -> int:
        """The position of a numbered frame."""
        return (number - self.first) // self.step

    def people(self, by_number: Mapping[int, list[Person]]) -> list[list[Person]]:
        """The people in each frame of the recording, from those in each numbered frame."""
        frames: list[list[Person]] = [[] for _ in range(self.count)]
        for number, people in by_number.items():
            frames[self.of(number)] = people
        return frames


def place_frames(
    path: Path, numbers: Collection[int], fps: float, ids: FrameIds, *, base: int, complete: bool
) -> FramePlaces:
    """Where numbered frames stand.

    Args:
        path: Named in faults.
        numbers: The numbers of the file, each once.
        fps: The declared frame rate: of the video (`video`), or of the frames that are listed (`listed`).
        ids: How the numbers are meant.
        base: The number of the video's first frame.
        complete: Frames without people are listed too, so the list begins where its frames begin.

    Raises:
        InputRefused: E-POS-022, both readings are possible and none was chosen; E-POS-013, a number is out of range.

    >>> place_frames(Path("a.json"), [0, 10, 20, 30], 25.0, "video", base=0, complete=True)
    FramePlaces(first=0, step=10, count=4, fps=2.5)
    >>> place_frames(Path("a.json"), [0, 10, 20, 30], 2.5, "listed", base=0, complete=True)
    FramePlaces(first=0, step=10, count=4, fps=2.5)
    >>> place_frames(Path("a.json"), [3, 4, 6], 25.0, "ask", base=0, complete=False)
    FramePlaces(first=0, step=1, count=7, fps=25.0)
    """
    first, last = min(numbers, default=base), max(numbers, default=base)
    if first < base or last - base >= MAX_FRAMES:
        problem = f"frame numbers from {first} to {last}; expected {base} to {MAX_FRAMES}"
        raise wrong(path, "frames", problem)
    step = math.gcd(*(number - first for number in numbers)) or 1
    late, sparse = complete and first > base, step > 1 and len(numbers) >= _FEW
    if ids == "listed":
        return FramePlaces(first, step, (last - first) // step + 1, fps)
    if ids == "ask" and (late or sparse):
        found = f"frame numbers from {first}" + (f" in steps of {step}" if step > 1 else "") + f" to {last}"
        remedy = (
            f"If they count the frames of the video, and {fps:g} is its rate: --frame-ids video. "
            f"If the frames listed follow one another at {fps:g} a second from the video's start: --frame-ids listed."
        )
        raise InputRefused("E-POS-022", path, f"{found} can be meant in two ways", remedy)
    step = math.gcd(step, first - base) if sparse else 1
    return FramePlaces(base, step, (last - base) // step + 1, fps / step)
