"""Optical flow as small integers."""

import cv2
import numpy as np
import pytest

from augrgb.video.flow import MAX_PIXELS, STEPS_PER_PIXEL, DisFlow, flow_stream


def moving(count, right, down, seed=0):
    """A soft texture moved by (right, down) track pixels per frame."""
    room = cv2.GaussianBlur(np.random.default_rng(seed).random((400, 500)).astype(np.float32), (0, 0), 4)
    room = (room - room.min()) / (room.max() - room.min()) * 255
    for number in range(count):
        move = np.float32([[1, 0, right * DisFlow.work_scale * number], [0, 1, down * DisFlow.work_scale * number]])
        yield cv2.warpAffine(room, move, (500, 400))[150:246, 150:278].astype(np.uint8)


@pytest.mark.parametrize(("right", "down"), [(0.5, 0.0), (-1.5, 1.0), (3.0, -2.0)])
def test_known_motion(right, down):
    fields = list(flow_stream(moving(4, right, down)))
    assert len(fields) == 4 and fields[0].shape == (48, 64, 2) and fields[0].dtype == np.int8
    middle = np.stack(fields)[:, 8:-8, 8:-8].mean(axis=(0, 1, 2)) / STEPS_PER_PIXEL
    np.testing.assert_allclose(middle, [right, down], atol=0.1)
    np.testing.assert_array_equal(fields[-1], fields[-2])


def test_still_and_single_pictures_have_no_flow():
    still = next(moving(1, 0, 0))
    assert not np.any(list(flow_stream([still, still]))) and not np.any(list(flow_stream([still])))
    assert list(flow_stream([])) == []


def test_scene_cuts_are_clipped():
    noise = np.random.default_rng(0).integers(0, 255, (2, 96, 128), dtype=np.uint8)
    fields = np.stack(list(flow_stream(noise)))
    assert fields.min() >= -127 and pytest.approx(7.9375) == MAX_PIXELS


def test_the_number_of_threads_does_not_matter():
    results, before = [], cv2.getNumThreads()
    for threads in (1, 2, 4):
        cv2.setNumThreads(threads)
        results.append(np.stack(list(flow_stream(moving(5, 1.3, 0.4)))))
    cv2.setNumThreads(before)
    assert (results[0] == results[1]).all() and (results[0] == results[2]).all()
