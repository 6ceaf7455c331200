"""A rotated square of a frame, and the way back."""

import math

import numpy as np
import pytest

from augrgb.poses.region import Region


@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi / 2, -2.5])
def test_what_is_cut_out_is_found_again_at_its_place(angle: float) -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[40:44, 90:94] = 255  # its middle is at (92, 42)
    region = Region(80.0, 50.0, 64.0, angle)
    image = region.cut(frame, 256)
    rows, columns = np.nonzero(image[..., 0] > 128)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5], np.float32) / 256
    np.testing.assert_allclose(region.to_frame(middle), [92, 42], atol=0.2)


def test_a_lying_person_is_turned_upright() -> None:
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[48:52, 80:84] = 255  # the head of someone who lies, to the right of the hips
    region = Region.around(np.float32([50, 50]), np.float32([82, 50]))
    rows, columns = np.nonzero(region.cut(frame, 100)[..., 0] > 128)
    assert rows.mean() < 20 and abs(columns.mean() + 0.5 - 50) < 1
    np.testing.assert_allclose(region.turn(np.float32([0, -1])), [1, 0], atol=1e-6)


def test_outside_the_frame_is_black() -> None:
    image = Region(0.0, 0.0, 40.0).cut(np.full((50, 50, 3), 200, np.uint8), 40)
    assert image[:19, :19].max() == 0 and image[21:, 21:].min() == 200


def test_near_regions_show_one_person() -> None:
    assert Region(50, 50, 40).is_near(Region(55, 50, 30))
    assert not Region(50, 50, 40).is_near(Region(65, 50, 30))
