"""Which videos a world has: role, person and camera of each, and the splits made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from augrgb.world.camera import camera_names
from augrgb.world.settings import WorldSettings

TRAINING_ROLES = ("encoder", "encoder_unlabelled", "train", "unlabelled", "val")
"""Roles whose videos are the same in all splits: training people seen by training cameras."""
_TESTS = {"cross_subject": "test_subject", "cross_view": "test_view"}


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """One video to be made.

    Args:
        video_id: For example `train-003`.
        group: A role of `TRAINING_ROLES`, or `test_subject` (unseen people), or `test_view` (unseen cameras).
        subject, camera: Who, seen by which camera.
    """

    video_id: str
    group: str
    subject: str
    camera: str


def subject_names(settings: WorldSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the training and of the test subjects, `S01` onwards."""
    count = settings.train_subjects
    names = tuple(f"S{i + 1:02d}" for i in range(count + settings.test_subjects))
    return names[:count], names[count:]


def plan_videos(settings: WorldSettings) -> tuple[VideoPlan, ...]:
    """All videos of a world; each group goes through its people and cameras evenly."""
    train_subjects, test_subjects = subject_names(settings)
    train_cameras, test_cameras = camera_names(settings)
    plans: list[VideoPlan] = []
    for group in (*TRAINING_ROLES, *_TESTS.values()):
        subjects = test_subjects if group == "test_subject" else train_subjects
        cameras = test_cameras if group == "test_view" else train_cameras
        count = settings.test if group in _TESTS.values() else int(getattr(settings, group))
        for i in range(count):
            # people first; the camera moves on by one each round, so that person and camera are not tied together
            camera = cameras[(i % len(subjects) + i // len(subjects)) % len(cameras)]
            plans.append(VideoPlan(f"{group}-{i:03d}", group, subjects[i % len(subjects)], camera))
    return tuple(plans)


def make_splits(plans: Sequence[VideoPlan]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Splits: name -> role -> ids; `<name>_full` is the same with the unlabelled videos moved to the labelled roles."""
    groups: dict[str, tuple[str, ...]] = {}
    for plan in plans:
        groups[plan.group] = (*groups.get(plan.group, ()), plan.video_id)
    splits: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, test_group in _TESTS.items():
        roles = {role: groups.get(role, ()) for role in TRAINING_ROLES}
        splits[name] = {**roles, "test": groups.get(test_group, ())}
        splits[f"{name}_full"] = {
            **splits[name],
            "encoder": roles["encoder"] + roles["encoder_unlabelled"],
            "encoder_unlabelled": (),
            "train": roles["train"] + roles["unlabelled"],
            "unlabelled": (),
        }
    return splits
