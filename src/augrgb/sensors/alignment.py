"""Does a sensor run on the clock that its file states? Its motion energy is compared with that of the video.

For every rate and offset near the stated ones, the correlation of both energies is averaged over all recordings: one
sensor has one clock, and a single recording rarely moves enough to say. How large a correlation comes about by chance
is seen from sensors paired with the videos of other recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.sensors.files import SensorFile
from augrgb.video.decode import frames_by_time

RATE_HZ = 10.0
"""At which energies are compared."""
_SIZE = (64, 48)
_SMOOTH_S = 0.9
_FARTHEST_S = 5.0
_LARGEST_DRIFT = 0.1
_RATES = 41
_TOLERANCE_S = 1.0
_CLEAR = 1.35
_CERTAIN = 1.6
Energy = NDArray[np.float64]
Verdict = Literal["aligned", "off", "unclear"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """What was found.

    Args:
        verdict: `aligned`: nothing fits clearly better than what the files state; `off`: another clock does;
            `unclear`: video and sensor do not move together enough to say.
        rate: Factor on the stated fps at which they fit best.
        offset_s: To be added to the stated start at that rate.
        stated: Mean correlation as stated.
        best: Mean correlation at that rate and offset.
        chance: The best mean correlation of sensors with the videos of other recordings; 1 if there is one recording.
        error_s: Largest error in time of what is stated, if the best fit is right.
    """

    verdict: Verdict
    rate: float
    offset_s: float
    stated: float
    best: float
    chance: float
    error_s: float


def video_energy(path: Path) -> Energy:
    """How much a video changes, ten times a second: mean absolute difference of successive small gray frames."""
    previous: NDArray[np.float32] | None = None
    energy: list[float] = []
    for frame in frames_by_time(path, RATE_HZ, _SIZE):
        gray = frame.mean(axis=2, dtype=np.float32)
        energy.append(0.0 if previous is None else float(np.minimum(np.abs(gray - previous), 40).mean()))
        previous = gray
    return np.array(energy)


def sensor_energy(sensor: SensorFile) -> Energy:
    """How much a sensor changes from row to row, beyond its noise, in standard deviations of its channels; (n,)."""
    values = sensor.values.reshape(len(sensor.values), -1)
    change = np.abs(np.diff(values, axis=0, prepend=values[:1])) / np.maximum(values.std(), 1e-9)
    noise = 3 * np.median(change) if sensor.values.ndim == 4 else 0.0
    energy: Energy = np.maximum(change - noise, 0).mean(axis=1, dtype=np.float64)
    return energy


def alignment(pairs: Sequence[tuple[Energy, Energy, float, float]]) -> Alignment:
    """Compare recordings whose sensors run on one clock.

    Args:
        pairs: For each: energy of the video at 10 Hz, energy of the sensor, its stated fps and start.
    """
    rates = np.linspace(1 - _LARGEST_DRIFT, 1 + _LARGEST_DRIFT, _RATES)
    steps = round(_FARTHEST_S * RATE_HZ)
    videos = [_even(video, RATE_HZ) for video, *_ in pairs]
    maps = [_fits(v, *pair[1:], rates, steps) for v, pair in zip(videos, pairs, strict=True)]
    mean = np.mean(maps, axis=0)
    row, column = (int(place) for place in np.unravel_index(int(mean.argmax()), mean.shape))
    stated, best = float(mean[_RATES // 2, steps]), float(mean[row, column])
    chance = max(
        (_best_of_others(videos, pairs, turn, rates, steps) for turn in range(1, min(len(pairs), 5))), default=1.0
    )
    rate, offset_s = float(rates[row]), (column - steps) / RATE_HZ
    ends = [len(energy) / fps for _, energy, fps, _ in pairs]
    error_s = float(np.median([max(abs(offset_s), abs(offset_s + end / rate - end)) for end in ends]))
    edge = row in (0, _RATES - 1) or column in (0, 2 * steps)
    verdict: Verdict
    if best < _CERTAIN * chance or (edge and stated < chance):
        verdict = "unclear"
    elif error_s <= _TOLERANCE_S or best < _CLEAR * stated or (edge and best < 2 * stated):
        verdict = "aligned"
    else:
        verdict = "off"
    return Alignment(verdict, rate, offset_s, stated, best, chance, error_s)


def _best_of_others(
    videos: Sequence[Energy],
    pairs: Sequence[tuple[Energy, Energy, float, float]],
    turn: int,
    rates: NDArray[np.float64],
    steps: int,
) -> float:
    """The best mean correlation when every video gets the sensor of the recording `turn` places on."""
    turned = [*pairs[turn:], *pairs[:turn]]
    few = rates[::4]
    maps = [_fits(video, *other[1:], few, steps) for video, other in zip(videos, turned, strict=True)]
    return float(np.mean(maps, axis=0).max())


def _fits(
    video: Energy, sensor: Energy, fps: float, start_s: float, rates: NDArray[np.float64], steps: int
) -> NDArray[np.float64]:
    """Correlation at every rate and offset: (rates, 2 * steps + 1)."""
    compressed, times = _even(sensor, fps), np.arange(len(video)) / RATE_HZ
    found = np.zeros((len(rates), 2 * steps + 1))
    for row, rate in enumerate(rates):
        at_s = start_s + np.arange(len(sensor)) / (fps * rate)
        for column in range(2 * steps + 1):
            shift = (column - steps) / RATE_HZ
            inside = (times >= at_s[0] + shift) & (times <= at_s[-1] + shift)
            if inside.sum() < RATE_HZ * 2:
                continue
            a, b = video[inside], np.interp(times[inside], at_s + shift, compressed)
            a, b = a - a.mean(), b - b.mean()
            found[row, column] = (a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12)
    return found


def _even(energy: Energy, fps: float) -> Energy:
    """Compressed, so that one large movement does not decide, and smoothed over 0.9 s."""
    compressed = np.log(energy + np.median(energy) + 1e-6 + 1e-3 * energy.max())
    kernel = np.hanning(max(3, round(_SMOOTH_S * fps)) + 2)[1:-1]
    padded = np.pad(compressed, len(kernel) // 2, mode="edge")
    smooth: Energy = np.convolve(padded, kernel / kernel.sum(), "same")[len(kernel) // 2 :][: len(energy)]
    return smooth
