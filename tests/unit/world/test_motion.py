from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from augrgb.world.actions import ACTIONS, CLASS_NAMES, Action
from augrgb.world.film import act
from augrgb.world.motion import envelope, perform
from augrgb.world.plan import plan_videos
from augrgb.world.schedule import Planned, make_subject
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import INDEX

SETTINGS = WorldSettings(duration_s=20.0, encoder=3)
STILL = replace(SETTINGS, style_spread=0.0, duration_s=6.0, fps=30.0)


def alone(name: str, side: str = "r", period_s: float | None = None) -> np.ndarray:
    """Joints of an average person who does only this, from 1 to 5 s, in the person's own axes."""
    action: Action = ACTIONS[CLASS_NAMES.index(name)]
    side = action.side or side
    event = Planned(action, 1.0, 5.0, side, "l" if side == "r" else "r", period_s or action.period_s[0], 1.0)
    joints = perform(STILL, make_subject(STILL, "S01"), [event], "v").joints
    left = joints[:, INDEX["l_hip"]] - joints[:, INDEX["r_hip"]]
    left[:, 1] = 0
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    ahead = np.cross(left, [0.0, 1.0, 0.0])
    hips = joints - joints[:, [INDEX["hips"]]]
    return np.stack([(hips * left[:, None]).sum(-1), joints[..., 1], (hips * ahead[:, None]).sum(-1)], axis=-1)


def test_bones_keep_their_length_and_movement_is_smooth() -> None:
    for plan in plan_videos(SETTINGS)[:3]:
        performance, _ = act(replace(SETTINGS, fps=60.0), plan)
        joints = performance.joints
        bones = np.linalg.norm(joints[:, 1:] - joints[:, list(performance.parents[1:])], axis=-1)
        assert np.ptp(bones, axis=0).max() < 1e-9
        velocity = np.diff(joints, axis=0) * 60
        assert np.abs(velocity).max() < 9  # m/s; a jump of 15 cm between two frames would show as 9
        assert np.abs(np.diff(velocity, axis=0)).max() < 2.5
        assert joints[..., 1].min() > 0.0  # nothing below the floor
        assert joints[:, [INDEX["l_toe"], INDEX["r_toe"]], 1].min(axis=1).max() < 0.12  # and nobody flies


def test_sides_are_the_persons_own() -> None:
    for side, other in (("left", "r"), ("right", "l")):
        own = side[0]
        waved = alone(f"wave_{side}")[60:120]
        assert waved[:, INDEX[f"{own}_wrist"], 1].mean() > waved[:, INDEX[f"{other}_wrist"], 1].mean() + 0.4
        sign = 1 if own == "l" else -1
        assert (sign * waved[:, INDEX[f"{own}_wrist"], 0]).min() > 0.2
        kicked = alone(f"kick_{side}")[45:135]
        assert kicked[:, INDEX[f"{own}_ankle"], 2].max() > 0.45 > kicked[:, INDEX[f"{other}_ankle"], 2].max()


def test_near_misses_differ_as_intended_and_only_so() -> None:
    half, full = alone("raise_half"), alone("raise_full")
    assert full[90, INDEX["l_wrist"], 1] > half[90, INDEX["l_wrist"], 1] + 0.5

    def cycles(joints: np.ndarray) -> int:
        forward = joints[50:130, INDEX["r_wrist"], 2]
        return int((np.diff(np.sign(forward - forward.mean())) > 0).sum())

    assert cycles(alone("whisk")) >= 2 * cycles(alone("stir")) > 0
    slow, quick = alone("stir", period_s=0.8), alone("whisk", period_s=0.8)
    assert np.abs(slow - quick).max() < 0.05  # tempo apart they are the same movement
    drink, phone = alone("drink"), alone("phone_call")
    assert np.abs(drink[90] - phone[90])[INDEX["r_wrist"]].max() < 0.08  # only the object tells


def test_objects_are_in_the_acting_hand_during_the_event_only() -> None:
    for plan in plan_videos(SETTINGS)[:3]:
        performance, events = act(SETTINGS, plan)
        shown = np.zeros(len(performance.joints), bool)
        for held in performance.held:
            shown |= held.shown
        inside = np.zeros_like(shown)
        for event in events:
            if ACTIONS[CLASS_NAMES.index(event.label)].prop:
                inside[int(event.start_s * 15) : int(np.ceil(event.end_s * 15))] = True
        assert shown.any() and not (shown & ~inside).any()


def test_events_lie_inside_the_video_and_use_both_halves_of_the_body() -> None:
    for plan in plan_videos(SETTINGS):
        _, events = act(SETTINGS, plan)
        assert len(events) >= 4
        for body in ("lower", "upper"):
            own = [e for e in events if ACTIONS[CLASS_NAMES.index(e.label)].body == body]
            for event in own:
                assert 0 <= event.start_s < event.end_s <= SETTINGS.duration_s
                assert 1.3 <= event.end_s - event.start_s <= 10
            for before, after in pairwise(own):
                assert after.start_s > before.end_s + 0.3


def test_every_class_occurs_in_every_large_role_and_actions_overlap() -> None:
    settings = WorldSettings()
    labels = set()
    overlaps = 0
    for plan in [p for p in plan_videos(settings) if p.group == "train"]:
        events = act(settings, plan)[1]
        labels |= {event.label for event in events}
        overlaps += sum(a.start_s < b.end_s and b.start_s < a.end_s for i, a in enumerate(events) for b in events[:i])
    assert labels == set(CLASS_NAMES)
    assert overlaps > 20


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_envelopes_rise_from_and_fall_to_zero(action: Any) -> None:
    event = Planned(action, 2.0, 2.0 + action.duration_s[0], "l", "r", 1.0, 1.0)
    time_s = np.linspace(0, 10, 2001)
    weight = envelope(event, time_s)
    assert weight[time_s <= 2.0].max() == 0 and weight[time_s >= event.end_s].max() == 0
    assert weight.max() == pytest.approx(1, abs=1e-6)
    assert np.abs(np.diff(weight)).max() < 0.04
