from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.world.body import ROLES, role_indices
from augrgb.world.given_motion import Clip, MotionLibrary, load_bvh_motion, load_packed_motion
from augrgb.world.montage import assign_clips, cut_together
from augrgb.world.plan import plan_videos
from augrgb.world.schedule import make_subject
from augrgb.world.settings import WorldSettings
from support.places import SHARED, needs_shared
from support.world_samples import CAPTURE_NAMES, bvh_text, packed

SETTINGS = WorldSettings(
    duration_s=10.0, encoder=1, encoder_unlabelled=0, train=2, unlabelled=1, val=1, test=1, train_subjects=2
)
BANDAI = "data/bandai_motion/dataset2.npz"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_packed_motion(packed(tmp_path_factory.mktemp("motion") / "motion.npz"))


def test_packed_library(library: Any) -> None:
    assert library.contents == ("walk", "wave_left") and library.styles == ("calm", "wild")
    assert (len(library.clips), library.fps, library.clips[1].frames) == (48, 30.0, 71)
    joints = library.read(1)
    assert joints.shape == (71, 21, 3) and 0.8 < joints[0, 0, 1] < 1.1


@pytest.mark.parametrize(
    "changes, code, problem",
    [
        ({"root": None}, "E-WLD-012", "lacks root"),
        ({"start": np.array([0, 5, 3])}, "E-WLD-012", "do not fit"),
        ({"rel": np.full((2, 21, 3), np.nan, np.float16)}, "E-WLD-012", "do not fit"),
        ({"joint_names": np.array([f"j{i}" for i in range(21)])}, "E-WLD-010", "no joint for hips"),
    ],
)
def test_packed_library_refused(tmp_path: Path, changes: Any, code: Any, problem: Any) -> None:
    with pytest.raises(InputRefused) as caught:
        load_packed_motion(packed(tmp_path / "bad.npz", takes=1, **changes))
    assert caught.value.code == code and problem in caught.value.problem


def test_pickled_or_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", rel=np.array([{}], dtype=object))
    for name, text in (("p.npz", None), ("t.npz", "hello")):
        if text:
            (tmp_path / name).write_text(text)
        with pytest.raises(InputRefused, match="E-WLD-012"):
            load_packed_motion(tmp_path / name)


def test_neighbouring_takes_stay_in_one_block(library: Any) -> None:
    plans = plan_videos(SETTINGS)
    chosen = assign_clips(library, SETTINGS, plans)
    blocks = defaultdict(set)
    for plan in plans:
        kind = "test" if plan.group.startswith("test") else "val" if plan.group == "val" else "training"
        blocks[kind] |= set(chosen[plan.video_id])
    takes = {kind: {int(library.clips[i].clip_id[-3:]) for i in own} for kind, own in blocks.items()}
    assert max(takes["training"]) < min(takes["val"]) <= max(takes["val"]) < min(takes["test"])


@pytest.mark.parametrize(
    ("contents", "styles", "counts"), [(6, 29, (102, 24, 48)), (3, 1, None), (10, 3, (10, 10, 10))]
)
def test_one_clip_per_content_and_style_is_cut_by_content(contents: int, styles: int, counts: Any) -> None:
    """174 clips: of the 29 of each content, rint(17.4) = 17, rint(20.88) - 17 = 4 and 29 - 21 = 8."""
    clips = tuple(Clip(f"c{c}_s{s:02d}", f"c{c}", f"s{s}", 60) for c in range(contents) for s in range(styles))
    library = MotionLibrary((), (), 30.0, clips, "", lambda index: np.zeros((60, 0, 3)))
    plans = plan_videos(replace(SETTINGS, duration_s=600.0))  # long enough to use up every block
    if counts is None:
        with pytest.raises(InputRefused, match=r"E-WLD-013.*at least 3 clips"):
            assign_clips(library, SETTINGS, plans)
        return
    chosen = assign_clips(library, replace(SETTINGS, duration_s=600.0), plans)
    blocks: Any = defaultdict(set)
    for plan in plans:
        kind = "test" if plan.group.startswith("test") else "val" if plan.group == "val" else "training"
        blocks[kind] |= set(chosen[plan.video_id])
    assert tuple(len(blocks[kind]) for kind in ("training", "val", "test")) == counts
    assert not blocks["training"] & blocks["test"] and not blocks["val"] & (blocks["training"] | blocks["test"])
    for own in blocks.values():
        assert {clips[i].content for i in own} == {clip.content for clip in clips}  # every class in every block


def test_montage_is_smooth_fills_the_video_and_labels_its_clips(library: Any) -> None:
    subject = make_subject(SETTINGS, "S01")
    clips = [0, 30, 5, 13, 40]
    performance, events = cut_together(library, clips, SETTINGS, subject, "v", styles=True)
    joints = performance.joints
    assert len(joints) == SETTINGS.num_frames
    assert np.abs(np.diff(joints, axis=0)).max() * SETTINGS.fps < 9
    bones = np.linalg.norm(joints[:, 1:] - joints[:, list(performance.parents[1:])], axis=-1)
    assert np.ptp(bones, axis=0).max() < 1e-6
    assert np.abs(joints[:, 0, [0, 2]]).max() < 2.0
    assert [event.label for event in events[:4]] == ["walk", "calm", "wave_left", "calm"]
    assert all(0 <= event.start_s < event.end_s <= SETTINGS.duration_s for event in events)
    assert events[2].start_s - events[0].end_s == pytest.approx(0.6, abs=0.05)
    with_contents_only = cut_together(library, clips, SETTINGS, subject, "v")[1]
    assert {event.label for event in with_contents_only} == {"walk", "wave_left"}


def test_montage_keeps_the_movement_of_its_clip(library: Any) -> None:
    subject = make_subject(WorldSettings(style_spread=0), "S01")
    settings = WorldSettings(duration_s=5, fps=30, style_spread=0)
    index = next(i for i, clip in enumerate(library.clips) if clip.content == "wave_left")
    performance, _ = cut_together(library, [index, index, index], settings, subject, "v")
    clip = library.read(index)

    def inner(joints: Any) -> Any:  # distances within the body do not depend on place and heading
        return np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1)

    assert np.abs(inner(performance.joints[: len(clip)]) - inner(clip)).max() < 0.02


def test_role_names_of_usual_captures() -> None:
    mixamo = ["mixamorig:Hips", "mixamorig:Neck", "mixamorig:Head"]
    for side in ("Left", "Right"):
        mixamo += [f"mixamorig:{side}{part}" for part in ("Shoulder", "Arm", "ForeArm", "Hand")]
        mixamo += [f"mixamorig:{side}{part}" for part in ("UpLeg", "Leg", "Foot", "ToeBase")]
    roles = dict(zip(ROLES, (mixamo[i] for i in role_indices(mixamo, "x")), strict=True))
    assert roles["l_shoulder"] == "mixamorig:LeftArm" and roles["r_knee"] == "mixamorig:RightLeg"
    own = dict(zip(ROLES, (CAPTURE_NAMES[i] for i in role_indices(CAPTURE_NAMES, "x")), strict=True))
    assert own["l_shoulder"] == "UpperArm_L" and own["r_toe"] == "Toes_R" and own["hips"] == "Hips"


def test_a_folder_of_bvh_files(tmp_path: Path) -> None:
    for name in ("walk_001", "walk_002", "sit down_001"):
        (tmp_path / f"{name}.bvh").write_text(bvh_text(30))
    library = load_bvh_motion(tmp_path, units="cm")
    assert library.contents == ("sit down", "walk") and library.styles == ()
    assert [clip.frames for clip in library.clips] == [30, 30, 30] and library.fps == pytest.approx(20)
    assert library.read(0).shape[1:] == (len(library.names), 3)
    performance, events = cut_together(library, [0, 1], SETTINGS, make_subject(SETTINGS, "S01"), "v")
    assert [event.label for event in events] == ["sit down", "walk"]
    assert len(performance.joints) == SETTINGS.num_frames  # the last pose is held


def test_bvh_folder_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-FILE-006"):
        load_bvh_motion(tmp_path)
    (tmp_path / "a_1.bvh").write_text(bvh_text(5))
    (tmp_path / "b_1.bvh").write_text(bvh_text(5).replace("LeftHand", "LeftPaw"))
    with pytest.raises(InputRefused, match="another skeleton"):
        load_bvh_motion(tmp_path)
    with pytest.raises(InputRefused, match="does not match"):
        load_bvh_motion(tmp_path, pattern=r"(?P<content>x+)")


@needs_shared(BANDAI)
def test_real_motion_capture() -> None:
    library = load_packed_motion(SHARED / BANDAI)
    assert (len(library.clips), len(library.contents), len(library.styles)) == (2902, 10, 7)
    settings = WorldSettings(train=1)
    plan = plan_videos(settings)[0]
    clips = assign_clips(library, settings, [plan])[plan.video_id]
    performance, events = cut_together(library, clips, settings, make_subject(settings, "S01"), "v", styles=True)
    assert {event.label for event in events} <= {*library.contents, *library.styles}
    assert np.abs(np.diff(performance.joints, axis=0)).max() * settings.fps < 15
