import pytest

from augrgb.core.errors import FaultList, UsageFault
from augrgb.world.plan import make_splits, plan_videos, subject_names
from augrgb.world.settings import WorldSettings


def test_all_faults_are_told_together() -> None:
    with pytest.raises(FaultList) as caught:
        WorldSettings(width=161, clutter=1.5, train_cameras=0)
    message = str(caught.value)
    assert all(name in message for name in ("world.width", "world.clutter", "world.train_cameras"))


def test_unknown_setting_suggests_the_nearest() -> None:
    with pytest.raises(UsageFault, match="did you mean 'clutter'"):
        WorldSettings.from_json({"cluter": 0.1})
    settings = WorldSettings(seed=4, occlusion=0.9)
    assert WorldSettings.from_json(settings.to_json()) == settings


def test_splits_are_disjoint_by_subject_or_camera() -> None:
    settings = WorldSettings()
    plans = plan_videos(settings)
    of = {plan.video_id: plan for plan in plans}
    assert len(of) == len(plans) == 20 + 60 + 12 + 36 + 8 + 2 * 12
    splits = make_splits(plans)
    for name in ("cross_subject", "cross_view"):
        roles = splits[name]
        learned = [of[i] for role, ids in roles.items() if role != "test" for i in ids]
        tested = [of[i] for i in roles["test"]]
        subjects = {p.subject for p in learned}, {p.subject for p in tested}
        cameras = {p.camera for p in learned}, {p.camera for p in tested}
        assert subjects[0] == set(subject_names(settings)[0]) and cameras[0] == {"C1", "C2", "C3"}
        if name == "cross_subject":
            assert not subjects[0] & subjects[1] and cameras[1] <= cameras[0]
        else:
            assert not cameras[0] & cameras[1] and subjects[1] <= subjects[0]
        every = [i for ids in roles.values() for i in ids]
        assert len(every) == len(set(every))
        full = splits[f"{name}_full"]
        assert set(full["train"]) == set(roles["train"]) | set(roles["unlabelled"]) and full["unlabelled"] == ()
        assert len(full["encoder"]) == 80 and full["encoder_unlabelled"] == ()
        assert full["val"] == roles["val"] and full["test"] == roles["test"]


def test_people_and_cameras_are_not_tied_together() -> None:
    plans = [p for p in plan_videos(WorldSettings()) if p.group == "unlabelled"]
    assert len({(p.subject, p.camera) for p in plans}) == 24


def test_more_videos_leave_the_others_as_they_were() -> None:
    few, many = plan_videos(WorldSettings(train=4)), plan_videos(WorldSettings(train=40))
    assert set(few) <= set(many)
