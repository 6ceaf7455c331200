"""Libraries of given motion clips: the packed `.npz` format, or a folder of BVH files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import InputRefused
from augrgb.core.files import ARRAY_DAMAGE, sha256_json
from augrgb.core.opening import sha256_file
from augrgb.core.searching import files_in
from augrgb.poses.formats.bvh import BvhMotion, Units, read_bvh
from augrgb.world.body import role_indices
from augrgb.world.skeleton import Floats

_PACKED_KEYS = ("rel", "root", "start", "fps", "joint_names", "parents", "clip", "content", "style")
BVH_NAME = r"(?P<content>.+?)(?:[ _-]+(?P<id>\d+))?"
"""How a BVH file's stem is read by default: `walk_012` is take 012 of `walk`."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One take.

    Args:
        clip_id: Unique; neighbouring ids of one content and style may be cuts of one recording.
        content: What is done: its class.
        style: How it is done, or None.
        frames: Length at the library's frame rate.
    """

    clip_id: str
    content: str
    style: str | None
    frames: int


@dataclass(frozen=True, slots=True)
class MotionLibrary:
    """Motion to be rendered.

    Args:
        names, parents: The V joints (-1 = root).
        fps: Frames per second.
        clips: All takes.
        source: Hash of the files' contents.
        read: Index of a clip -> its joints, (frames, V, 3) meters, y up, facing +z with the left hand at +x or any
            heading thereof.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    fps: float
    clips: tuple[Clip, ...]
    source: str
    read: Callable[[int], Floats]

    @property
    def contents(self) -> tuple[str, ...]:
        """Content names, sorted."""
        return tuple(sorted({clip.content for clip in self.clips}))

    @property
    def styles(self) -> tuple[str, ...]:
        """Style names, sorted."""
        return tuple(sorted({clip.style for clip in self.clips if clip.style is not None}))


def load_packed_motion(path: Path) -> MotionLibrary:
    """Open a packed library.

    An `.npz` without pickled objects: `rel` (F, V, 3) joints minus root and `root` (F, 3), meters, y up; `start`
    (N + 1,) first frame of each clip; `fps`; `joint_names` (V,), `parents` (V,); `clip` (N,) ids; `content` and
    `style` (N,) indices into `content_names` and `style_names`.

    Raises:
        InputRefused: E-FILE-001, E-WLD-012 (not that format), E-WLD-010 (joints not recognised).
    """
    path = Path(path)
    try:
        with open_arrays(path, "motion library") as file:
            data = {key: file[key] for key in file.files}
    except ARRAY_DAMAGE as error:
        raise InputRefused("E-WLD-012", path, f"not a packed motion library ({error})") from error
    missing = [key for key in (*_PACKED_KEYS, "content_names", "style_names") if key not in data]
    if missing:
        raise InputRefused("E-WLD-012", path, f"a packed motion library lacks {', '.join(missing)}")
    rel, root, start = data["rel"], data["root"], data["start"].astype(np.int64)
    names = tuple(map(str, data["joint_names"]))
    count = len(data["clip"])
    sound = (
        rel.ndim == 3
        and rel.shape[1:] == (len(names), 3)
        and root.shape == (len(rel), 3)
        and len(start) == count + 1
        and start[0] == 0
        and start[-1] == len(rel)
        and bool((np.diff(start) > 0).all())
        and len(data["content"]) == len(data["style"]) == count
        and len(data["parents"]) == len(names)
    )
    if not sound:
        raise InputRefused("E-WLD-012", path, "arrays of a packed motion library do not fit together")
    if not (np.isfinite(rel).all() and np.isfinite(root).all()):
        raise InputRefused("E-WLD-012", path, "joints or root hold NaN or infinite values")
    role_indices(names, path)
    contents, styles = data["content_names"], data["style_names"]
    clips = tuple(
        Clip(
            str(data["clip"][i]),
            str(contents[data["content"][i]]),
            str(styles[data["style"][i]]),
            int(start[i + 1] - start[i]),
        )
        for i in range(count)
    )

    def read(index: int) -> Floats:
        own = slice(start[index], start[index + 1])
        return np.asarray(rel[own].astype(np.float64) + root[own, None].astype(np.float64))

    parents = tuple(map(int, data["parents"]))
    return MotionLibrary(names, parents, float(data["fps"]), clips, sha256_file(path), read)


def load_bvh_motion(folder: Path, *, units: Units = "cm", pattern: str = BVH_NAME) -> MotionLibrary:
    """Read every `*.bvh` below a folder; all must share one skeleton and frame rate.

    Args:
        folder: Where to look, also in subfolders.
        units: Length unit of the files.
        pattern: Regular expression for the whole file stem with a group `content` and optionally `style` and `id`.

    Raises:
        InputRefused: E-FILE-006 (none found), E-POS-011 (not BVH), E-WLD-010 (joints), E-WLD-014 (a name does not match
            the pattern), E-WLD-015 (different skeletons or frame rates).
    """
    folder = Path(folder)
    paths = files_in(folder, ".bvh", deep=True)
    if not paths:
        raise InputRefused("E-FILE-006", folder, "no .bvh file in this folder")
    motions: list[BvhMotion] = []
    clips: list[Clip] = []
    for path in paths:
        match = re.fullmatch(pattern, path.stem)
        if match is None or not match.groupdict().get("content"):
            raise InputRefused("E-WLD-014", path, f"the name does not match {pattern!r}", "Give a pattern that fits.")
        motion = read_bvh(path, units=units)
        if motions and (motion.names, motion.parents) != (motions[0].names, motions[0].parents):
            raise InputRefused("E-WLD-015", path, f"another skeleton than {paths[0].name}", "Keep them in two folders.")
        if motions and abs(motion.fps / motions[0].fps - 1) > 1e-3:
            raise InputRefused("E-WLD-015", path, f"{motion.fps:g} frames/s, but {paths[0].name} {motions[0].fps:g}")
        motions.append(motion)
        clip_id = path.relative_to(folder).with_suffix("").as_posix()
        clips.append(Clip(clip_id, match["content"], match.groupdict().get("style"), len(motion.joints)))
    first = motions[0]
    role_indices(first.names, paths[0])
    source = sha256_json([[clip.clip_id, sha256_file(path)] for clip, path in zip(clips, paths, strict=True)])
    joints = [motion.joints for motion in motions]
    return MotionLibrary(first.names, first.parents, first.fps, tuple(clips), source, joints.__getitem__)
