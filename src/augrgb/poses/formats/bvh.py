"""Reading BVH motion-capture files: hierarchy, channels in any order, Euler angles to joint positions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from augrgb.core.errors import InputRefused
from augrgb.core.plain_data import read_text
from augrgb.poses.rotation import Floats, rotation

Units = Literal["m", "cm", "mm", "inch"]
METRES: dict[Units, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
_AXIS = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True, slots=True)
class BvhMotion:
    """Joint positions of one BVH file.

    Args:
        names, parents: V joints, parents (-1 = root) before children; an end site is called `<parent>_end`.
        joints: (n, V, 3) meters, the file's axes (y up by convention).
        fps: Frames per second.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    joints: Floats
    fps: float


@dataclass(slots=True)
class _Node:
    name: str
    parent: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channels: tuple[str, ...] = ()


class _Lines:
    """The file's words line by line, with its place for messages."""

    def __init__(self, path: Path) -> None:
        self.path, self.number = path, 0
        self._lines = read_text(path, "BVH file").splitlines()

    def fault(self, problem: str) -> InputRefused:
        return InputRefused("E-POS-011", f"{self.path}:{self.number}", problem, "Export the file as BVH again.")

    def next(self, expected: str) -> list[str]:
        """The words of the next line that is not empty."""
        while self.number < len(self._lines):
            self.number += 1
            words = self._lines[self.number - 1].split()
            if words:
                return words
        raise self.fault(f"the file ends where {expected} was expected")

    def numbers(self, words: list[str], count: int, what: str) -> list[float]:
        """`count` finite numbers."""
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise self.fault(f"{what}: expected numbers, found {' '.join(words)[:60]!r}") from None
        if len(values) != count or not np.isfinite(values).all():
            raise self.fault(f"{what}: expected {count} finite numbers, found {len(values)}")
        return values


def read_bvh(path: Path, *, units: Units = "cm") -> BvhMotion:
    """Read a BVH file and compute joint positions by forward kinematics.

    Rotations apply in the order in which the channels are listed (`Zrotation Xrotation Yrotation` = Rz Rx Ry on column
    vectors, degrees); position channels replace the joint's offset.

    Args:
        path: The file.
        units: Length unit of offsets and positions.

    Raises:
        InputRefused: E-FILE-001/002, or E-POS-011 with the line that is wrong.
    """
    lines = _Lines(Path(path))
    nodes = _read_hierarchy(lines)
    frames, fps = _read_motion(lines, sum(len(node.channels) for node in nodes))
    scale = METRES[units]
    turned: list[Floats] = []
    joints = np.empty((len(frames), len(nodes), 3))
    column = 0
    for i, node in enumerate(nodes):
        own = np.broadcast_to(np.eye(3), (len(frames), 3, 3))
        offset = np.broadcast_to(np.array(node.offset), (len(frames), 3)).copy()
        for channel in node.channels:
            axis = _AXIS[channel[0]]
            if channel.endswith("position"):
                offset[:, axis] = frames[:, column]
            else:
                own = own @ rotation(axis, frames[:, column])
            column += 1
        if node.parent < 0:
            turned.append(own)
            joints[:, i] = offset * scale
        else:
            turned.append(turned[node.parent] @ own)
            moved = (turned[node.parent] @ offset[..., None])[..., 0]
            joints[:, i] = joints[:, node.parent] + moved * scale
    return BvhMotion(tuple(n.name for n in nodes), tuple(n.parent for n in nodes), joints, fps)


def _read_hierarchy(lines: _Lines) -> list[_Node]:
    if lines.next("HIERARCHY") != ["HIERARCHY"]:
        raise lines.fault("expected HIERARCHY")
    nodes: list[_Node] = []
    open_nodes: list[int] = []
    pending = False  # a joint has been named, its brace not yet opened
    while True:
        words = lines.next("a joint, OFFSET, CHANNELS, } or MOTION")
        key = words[0]
        if key == "MOTION":
            if open_nodes or not nodes:
                raise lines.fault("MOTION before the hierarchy is closed" if nodes else "no ROOT before MOTION")
            return nodes
        if key in ("ROOT", "JOINT", "End"):
            if (key == "ROOT") == bool(nodes) or (key != "ROOT" and not open_nodes):
                raise lines.fault(f"{key} is out of place: expected one ROOT that holds all joints")
            if len(words) < 2:
                raise lines.fault(f"{key} without a name")
            parent = open_nodes[-1] if open_nodes else -1
            name = f"{nodes[parent].name}_end" if key == "End" else " ".join(words[1:])
            nodes.append(_Node(name, parent))
            pending = True
        elif key == "{":
            if not pending:
                raise lines.fault("{ without a joint")
            open_nodes.append(len(nodes) - 1)
            pending = False
        elif key == "}":
            if not open_nodes:
                raise lines.fault("} without {")
            open_nodes.pop()
        elif key == "OFFSET" and open_nodes:
            x, y, z = lines.numbers(words[1:], 3, "OFFSET")
            nodes[open_nodes[-1]].offset = (x, y, z)
        elif key == "CHANNELS" and open_nodes:
            if len(words) < 2 or not words[1].isdecimal() or int(words[1]) != len(words) - 2:
                raise lines.fault("CHANNELS: the count does not match the names")
            known = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}
            wrong = [word for word in words[2:] if word not in known]
            if wrong:
                raise lines.fault(f"unknown channel {wrong[0]!r}")
            nodes[open_nodes[-1]].channels = tuple(words[2:])
        else:
            raise lines.fault(f"expected a joint, OFFSET, CHANNELS, braces or MOTION, found {key!r}")


def _read_motion(lines: _Lines, channels: int) -> tuple[Floats, float]:
    words = lines.next("Frames:")
    if words[0] != "Frames:" or len(words) != 2 or not words[1].isdecimal() or int(words[1]) < 1:
        raise lines.fault("expected 'Frames: <count>' with at least one frame")
    count = int(words[1])
    words = lines.next("Frame Time:")
    if words[:2] != ["Frame", "Time:"]:
        raise lines.fault("expected 'Frame Time: <seconds>'")
    (step_s,) = lines.numbers(words[2:], 1, "Frame Time")
    if step_s <= 0:
        raise lines.fault(f"Frame Time must be above 0, found {step_s}")
    rows = [lines.numbers(lines.next(f"frame {i + 1} of {count}"), channels, f"frame {i + 1}") for i in range(count)]
    return np.array(rows).reshape(count, channels), 1 / step_s
