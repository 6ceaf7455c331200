"""Which training videos are labeled can be drawn anew: as many, others, the same in every split and role."""

from __future__ import annotations

from typing import Any

from augrgb.annotations.label_draw import draw_labels
from augrgb.core.types import Dataset, Event, VideoRecord


def a_dataset() -> Dataset:
    ids = [f"v{number:02d}" for number in range(24)]
    videos = {name: VideoRecord(name, 9.0, events=(Event("a", 0.0, 1.0),)) for name in ids}
    videos["v03"] = VideoRecord("v03", 9.0, events=None)
    roles: dict[str, tuple[str, ...]] = {
        "encoder": ("v00", "v01", "v02"),
        "encoder_unlabelled": tuple(f"v{n:02d}" for n in range(3, 12)),
        "train": ("v00", "v01", "v02"),
        "unlabelled": tuple(f"v{n:02d}" for n in range(3, 12)),
        "val": tuple(ids[12:18]),
        "test": tuple(ids[18:]),
    }
    full = {**roles, "train": ids[:3], "unlabelled": ()}
    return Dataset("d", ("a",), videos, {"subject": roles, "full": full})  # type: ignore[dict-item]


def test_zero_is_the_dataset_as_it_is() -> None:
    data = a_dataset()
    assert draw_labels(data, 0) == {name: {r: tuple(i) for r, i in s.items()} for name, s in data.splits.items()}


def test_other_draws_label_as_many_other_videos_and_leave_the_rest() -> None:
    data, drawn = a_dataset(), set()
    for seed in range(1, 8):
        splits: Any = draw_labels(data, seed)
        roles = splits["subject"]
        assert len(roles["encoder"]) == 3 and roles["encoder"] == roles["train"]
        assert set(roles["encoder"]) | set(roles["encoder_unlabelled"]) == {f"v{n:02d}" for n in range(12)}
        assert not set(roles["encoder"]) & set(roles["encoder_unlabelled"])
        assert "v03" not in roles["encoder"], "it was never annotated"
        assert roles["val"] == data.splits["subject"]["val"] and roles["test"] == data.splits["subject"]["test"]
        assert splits["full"]["train"] == data.splits["full"]["train"] or list(splits["full"]["train"]) == [
            "v00",
            "v01",
            "v02",
        ]
        assert splits["full"]["encoder"] == roles["encoder"], "the same videos in every split"
        drawn.add(roles["encoder"])
    assert len(drawn) > 3 and draw_labels(data, 5) == draw_labels(a_dataset(), 5)
