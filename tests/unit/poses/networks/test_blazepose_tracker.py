"""Following people, with networks that see painted squares."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augrgb.poses.networks.blazepose import SeenPose
from augrgb.poses.networks.blazepose_tracker import BlazePoseTracker, meters_per_pixel
from augrgb.poses.region import Region
from augrgb.poses.view_check import limb_lengths, limb_variation

_WORLD = np.random.default_rng(0).uniform(-0.8, 0.8, (33, 3)).astype(np.float32)
_WORLD[23:25, :] = [[0.1, 0, 0], [-0.1, 0, 0]]
_PIXELS_PER_METER = 40.0


class Networks:
    """People are bright pixels; a person is seen if the region is near the pixel."""

    def __init__(self) -> None:
        self.detections = 0

    def find(self, frame: NDArray[np.uint8]) -> list[Region]:
        self.detections += 1
        return [Region(float(x), float(y), 100.0) for y, x in np.argwhere(frame[..., 0] > 0)]

    def look(self, frame: NDArray[np.uint8], region: Region) -> SeenPose | None:
        near = [found for found in self.find(frame) if found.is_near(region)]
        self.detections -= 1
        if not near:
            return None
        places = _WORLD[:, :2] * np.float32([1, -1]) * _PIXELS_PER_METER + np.float32([near[0].x, near[0].y])
        return SeenPose(places.astype(np.float32), _WORLD, np.ones(33, np.float32), 0.9, near[0])


def video(*paths: list[tuple[int, int] | None]) -> list[NDArray[np.uint8]]:
    frames = [np.zeros((240, 320, 3), np.uint8) for _ in paths[0]]
    for path in paths:
        for frame, place in zip(frames, path, strict=True):
            if place is not None:
                frame[place[1], place[0]] = 255
    return frames


def tracker_after(frames: list[NDArray[np.uint8]], networks: Networks) -> BlazePoseTracker:
    tracker = BlazePoseTracker(networks, 10.0)
    for frame in frames:
        tracker.see(frame)
    return tracker


def test_a_walker_is_one_track_in_meters_and_the_detector_rests() -> None:
    networks = Networks()
    tracker = tracker_after(video([(60 + 4 * number, 100) for number in range(40)]), networks)
    (track,) = tracker.tracks((320, 240))
    assert tracker.frames == 40 and track.frames.tolist() == list(range(40))
    assert networks.detections == 4  # once a second
    hips = track.joints[:, 23:25].mean(axis=1)
    np.testing.assert_allclose(np.diff(hips[:, 0]), 4 / _PIXELS_PER_METER, atol=1e-4)
    np.testing.assert_allclose(hips[0], [(60 - 160) / _PIXELS_PER_METER, 20 / _PIXELS_PER_METER, 0], atol=1e-4)
    np.testing.assert_allclose(track.joints[5] - hips[5], _WORLD, atol=1e-5)
    assert track.areas is not None and (track.areas > 0).all()


class Growing(Networks):
    """The person seems a tenth larger in every other frame."""

    def look(self, frame: NDArray[np.uint8], region: Region) -> SeenPose | None:
        pose = super().look(frame, region)
        return replace(pose, world=pose.world * np.float32(1.1)) if pose is not None and frame[0, 0, 0] else pose


def test_a_person_has_one_size_and_the_check_of_the_view_sees_what_the_network_said() -> None:
    frames = video([(100, 100)] * 11)
    for frame in frames[1::2]:
        frame[0, 0] = 1
    tracker = tracker_after(frames, Growing())
    (steady,), (raw,) = tracker.tracks((320, 240)), tracker.tracks((320, 240), one_size=False)
    assert limb_variation(raw.joints) > 0.04 and limb_variation(steady.joints) < 1e-5
    np.testing.assert_allclose(limb_lengths(steady.joints)[0], limb_lengths(raw.joints)[0], rtol=1e-5)  # the median


def test_a_person_lost_for_a_moment_is_the_same_one_and_later_another() -> None:
    here = (100, 100)
    tracks = tracker_after(video([here] * 5 + [None] * 5 + [here] * 5), Networks()).tracks((320, 240))
    assert [track.frames.tolist() for track in tracks] == [[*range(5), *range(10, 15)]]
    tracks = tracker_after(video([here] * 5 + [None] * 15 + [here] * 5), Networks()).tracks((320, 240))
    assert [len(track.frames) for track in tracks] == [5, 5]


def test_two_people_are_two_tracks_and_a_third_is_left_out() -> None:
    places: list[list[tuple[int, int] | None]] = [[(x, 100)] * 12 for x in (50, 150, 250)]
    tracks = tracker_after(video(*places), Networks()).tracks((320, 240))
    assert [len(track.frames) for track in tracks] == [12, 12]


def test_nobody_is_no_track() -> None:
    tracker = tracker_after(video([None] * 5), Networks())
    assert tracker.tracks((320, 240)) == [] and tracker.frames == 5


def test_scale_from_a_pose_and_its_places() -> None:
    places = _WORLD[None, :, :2] * np.float32([1, -1]) * 50 + 7
    np.testing.assert_allclose(meters_per_pixel(places, _WORLD[None]), [1 / 50], rtol=1e-5)
