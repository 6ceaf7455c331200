"""Do the sensors of a dataset run on the clock that their files state?"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused
from augrgb.core.progress import Progress
from augrgb.core.types import VideoRecord
from augrgb.parallel.child import Child, ChildJob
from augrgb.parallel.limits import ChildLimits
from augrgb.sensors.alignment import Alignment, alignment, sensor_energy, video_energy
from augrgb.sensors.files import SensorFile, read_sensor

_log = logging.getLogger(__name__)
_SECONDS, _SECONDS_PER_SECOND = 120.0, 4.0  # that the motion of a video may take, however slow the machine


@dataclass(frozen=True, slots=True)
class ClockCheck:
    """What the comparison of motion says of one modality.

    Args:
        modality: `signal` or `grid`.
        recordings: How many were compared.
        fps: The rate that the files state (of the last, if they differ).
        found: The result.
    """

    modality: str
    recordings: int
    fps: float
    found: Alignment

    @property
    def sentence(self) -> str:
        """The result in words."""
        found = self.found
        return (
            f"{self.recordings} recordings: correlation {found.stated:.2f} as stated, {found.best:.2f} at "
            f"{found.rate:.4g} times the stated fps and {found.offset_s:+.1f} s (chance: {found.chance:.2f}): "
            f"{found.verdict}"
        )

    def fault(self, place: Path) -> InputRefused | None:
        """E-SEN-009 if the stated clock is wrong, else None."""
        if self.found.verdict != "off":
            return None
        problem = f"{self.modality} does not fit the videos as stated: up to {self.found.error_s:.1f} s off"
        remedy = (
            f"fps {self.fps * self.found.rate:.4g} and start {self.found.offset_s:+.1f} s fit; correct the files: "
            f"`augrgb data align DATASET --modality {self.modality} -o FOLDER` writes copies."
        )
        return InputRefused("E-SEN-009", place, problem, remedy)


def check_clock(
    videos: Iterable[VideoRecord], modality: str, *, most_s: float = float("inf"), progress: Progress | None = None
) -> ClockCheck | None:
    """Compare motion in sensor and video over recordings of one clock. Broken files are left out.

    Args:
        videos: Of a dataset; those without video or sensor file are passed over.
        most_s: Recordings are taken until they last this long together.

    Returns:
        None if no recording has both.
    """
    chosen: list[VideoRecord] = []
    for record in videos:
        if record.file is not None and record.source(modality) is not None:
            if sum(one.duration_s or 0 for one in chosen) >= most_s:
                break
            chosen.append(record)
    pairs, fps = [], 0.0
    # Nobody vouches for the videos: they are decoded in a child process with limits.
    with Child(video_energy, limits=ChildLimits(), needs_main=False) as child:
        for number, record in enumerate(chosen, 1):
            path = record.source(modality)
            assert path is not None and record.file is not None
            try:
                sensor = read_sensor(path, modality)
                allowed_s = _SECONDS + _SECONDS_PER_SECOND * (record.duration_s or 0)
                moved = child.call(ChildJob(str(record.file), record.file.absolute(), allowed_s))
                if isinstance(moved, AugrgbError):
                    raise moved
                pairs.append((moved, sensor_energy(sensor), sensor.fps, sensor.start_s))
                fps = sensor.fps
            except EnvironmentFault:
                raise
            except AugrgbError as fault:
                _log.warning("%s; left out", fault)
            if progress is not None:
                progress(number, len(chosen))
    return ClockCheck(modality, len(pairs), fps, alignment(pairs)) if pairs else None


def corrected(sensor: SensorFile, found: Alignment) -> SensorFile:
    """A sensor file on the clock that was found to fit."""
    return replace(sensor, fps=sensor.fps * found.rate, start_s=sensor.start_s + found.offset_s)
