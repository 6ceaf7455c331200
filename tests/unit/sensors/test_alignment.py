"""Wrong clocks of sensors are found, on generated movement and on real thermal images."""

from collections.abc import Iterator

import numpy as np

from augrgb.sensors.alignment import Energy, alignment, sensor_energy, video_energy
from augrgb.sensors.files import SensorFile, read_sensor
from support.places import SHARED, needs_shared


def movements(count: int, fps: float, start_s: float) -> Iterator[tuple[Energy, Energy, float, float]]:
    """Videos of 60 s and what a sensor of 8 rows per second, which starts with them, sees of them."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        bursts = rng.uniform(0, 60, 12)
        video = _bursts(bursts, np.arange(600) / 10) + rng.uniform(0, 0.3, 600)
        yield video, _bursts(bursts, np.arange(480) / 8) + rng.uniform(0, 0.3, 480), fps, start_s


def _bursts(middles: Energy, at_s: Energy) -> Energy:
    return np.asarray(np.exp(-(((at_s[:, None] - middles) / 0.7) ** 2)).sum(axis=1))


def test_the_right_clock_is_left_alone_and_wrong_ones_are_found() -> None:
    assert alignment(list(movements(4, 8.0, 0.0))).verdict == "aligned"
    late = alignment(list(movements(4, 8.0, 2.5)))
    assert late.verdict == "off" and abs(late.offset_s + 2.5) < 0.3 and abs(late.rate - 1) < 0.01
    slow = alignment(list(movements(4, 7.6, 0.0)))
    assert slow.verdict == "off" and abs(slow.rate * 7.6 - 8) < 0.1 and slow.error_s > 2


def test_noise_is_unclear() -> None:
    rng = np.random.default_rng(0)
    noise = [(rng.uniform(0, 1, 600), rng.uniform(0, 1, 480), 8.0, 0.0) for _ in range(4)]
    assert alignment(noise).verdict == "unclear"


def test_energy_of_a_still_sensor_is_none() -> None:
    assert sensor_energy(SensorFile(np.ones((20, 4, 4, 1), np.float32), 8.0)).max() == 0


@needs_shared("data/real/fir")
def test_the_clock_of_the_recorder_is_found_to_be_wrong() -> None:
    folder = SHARED / "data" / "real" / "fir"
    pairs = []
    for path in sorted((folder / "thermal").glob("*.npz")):
        sensor = read_sensor(path, "grid")
        pairs.append((video_energy(folder / "video" / f"{path.stem}.mp4"), sensor_energy(sensor), 8.2, 0.0))
    right = alignment(pairs)
    wrong = alignment([(video, sensor, 7.79, 0.0) for video, sensor, *_ in pairs])
    assert right.verdict == "aligned" and wrong.verdict == "off" and abs(wrong.rate * 7.79 - 8.2) < 0.15
