"""Equal faults are one line with a count."""

from augrgb.core.errors import FaultList, InputRefused
from augrgb.core.fault_lines import fault_lines


def test_the_same_of_many_places_is_one_line() -> None:
    faults = [
        InputRefused("E-VID-001", f"v{n}.mp4", "the file is empty (0 bytes)", "Copy it again.") for n in range(246)
    ]
    assert str(FaultList(faults)) == (
        "E-VID-001 v0.mp4: the file is empty (0 bytes). Copy it again. "
        "The same of 245 more: v1.mp4, v2.mp4, v3.mp4, v4.mp4, v5.mp4, ...."
    )


def test_faults_that_differ_in_a_name_are_one_line_when_they_are_many() -> None:
    faults = [InputRefused("E-ID-003", f"row {n}", f"the path '/x/{n}.npz' leaves the folder") for n in range(9)]
    (line,) = fault_lines(faults)
    assert line.startswith("E-ID-003 row 0: the path '/x/0.npz' leaves the folder. 8 more like it: row 1, row 2")
    assert len(fault_lines(faults[:3])) == 3  # few of them have a line each


def test_other_faults_stay_apart_and_in_order() -> None:
    faults = [
        InputRefused("E-VID-001", "a", "x"),
        InputRefused("E-VID-002", "b", "x"),
        InputRefused("E-VID-001", "c", "x"),
    ]
    assert fault_lines(faults) == ["E-VID-001 a: x.", "E-VID-002 b: x.", "E-VID-001 c: x."]
    again = [*faults, InputRefused("E-VID-001", "d", "x")]
    assert fault_lines(again) == ["E-VID-001 a: x. The same of 2 more: c, d.", "E-VID-002 b: x."]
    assert fault_lines(faults[:1], ["clip"]) == ["clip: E-VID-001 a: x."]
