from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.poses.formats.bvh import read_bvh

TEXT = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Arm
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 20 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
1 2 3 0 0 0 0 0 0
0 0 0 90 0 0 0 90 0
"""


def write(path: Any, text: Any = TEXT) -> Any:
    path.write_text(text)
    return path


def test_two_bones_by_hand(tmp_path: Path) -> None:
    motion = read_bvh(write(tmp_path / "a.bvh"), units="cm")
    assert motion.names == ("Hips", "Arm", "Arm_end") and motion.parents == (-1, 0, 1)
    assert motion.fps == pytest.approx(20)
    np.testing.assert_allclose(motion.joints[0], [[0.01, 0.02, 0.03], [0.01, 0.12, 0.03], [0.01, 0.32, 0.03]])
    # Rz(90) turns up into -x; then Rx(90) of the arm turns its up into its z, which Rz leaves alone
    np.testing.assert_allclose(motion.joints[1], [[0, 0, 0], [-0.1, 0, 0], [-0.1, 0, 0.2]], atol=1e-12)


def test_rotation_order_is_that_of_the_channels(tmp_path: Path) -> None:
    frames = TEXT.replace("0 0 0 90 0 0 0 90 0", "0 0 0 90 90 0 0 0 0")
    zxy = read_bvh(write(tmp_path / "a.bvh", frames)).joints[1, 1]
    swapped = frames.replace("Zposition Zrotation Xrotation Yrotation", "Zposition Xrotation Zrotation Yrotation")
    xzy = read_bvh(write(tmp_path / "b.bvh", swapped)).joints[1, 1]
    np.testing.assert_allclose(zxy, [0, 0, 0.1], atol=1e-12)  # Rz Rx y = Rz z = z
    np.testing.assert_allclose(xzy, [-0.1, 0, 0], atol=1e-12)  # Rx Rz y = Rx (-x) = -x


def test_units(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bvh")
    np.testing.assert_allclose(read_bvh(path, units="m").joints, 100 * read_bvh(path, units="cm").joints)


@pytest.mark.parametrize(
    "old, new, line, problem",
    [
        ("HIERARCHY", "HIERARCHIE", 1, "expected HIERARCHY"),
        ("OFFSET 0 10 0", "OFFSET 0 ten 0", 8, "expected numbers"),
        ("CHANNELS 3 Zrot", "CHANNELS 4 Zrot", 9, "count does not match"),
        ("Zposition Zrotation", "Zposition Wrotation", 5, "unknown channel 'Wrotation'"),
        ("Frames: 2", "Frames: two", 17, "Frames"),
        ("Frame Time: 0.05", "Frame Time: 0", 18, "above 0"),
        ("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 0", 19, "expected 9 finite numbers, found 8"),
        ("1 2 3 0 0 0 0 0 0", "nan 2 3 0 0 0 0 0 0", 19, "finite"),
        ("0 0 0 90 0 0 0 90 0\n", "", 19, "the file ends where frame 2 of 2"),
        ("}\nMOTION", "MOTION", 15, "before the hierarchy is closed"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, old: Any, new: Any, line: Any, problem: Any) -> None:
    path = write(tmp_path / "broken.bvh", TEXT.replace(old, new, 1))
    with pytest.raises(InputRefused) as caught:
        read_bvh(path)
    assert caught.value.code == "E-POS-011"
    assert caught.value.where == f"{path}:{line}"
    assert problem in caught.value.problem


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-FILE-001"):
        read_bvh(tmp_path / "none.bvh")
    (tmp_path / "binary.bvh").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputRefused, match="E-FILE-002"):
        read_bvh(tmp_path / "binary.bvh")
