"""What one split trains must not be what another one tests."""

from __future__ import annotations

import pytest

from augrgb.annotations.leakage import ENCODER_ROLES, check_unseen
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.types import Dataset

SPLITS = {
    "people": {"encoder": ("e",), "train": ("a",), "unlabelled": ("b",), "val": ("c",), "test": ("d",)},
    "views": {"train": ("d",), "test": ("a", "e")},
    "apart": {"train": ("x",), "test": ("y",)},
}
DATASET = Dataset("toy", ("walk",), {}, SPLITS)


def test_videos_on_both_sides_are_named() -> None:
    with pytest.raises(InputRefused, match=r"E-SPL-002 toy: 1 test video.* 'views' are in 'train' of 'people': a\."):
        check_unseen(DATASET, "people", "views")
    with pytest.raises(InputRefused, match="in 'encoder' of 'people': e"):
        check_unseen(DATASET, "people", "views", ENCODER_ROLES)
    with pytest.raises(InputRefused, match="in 'train' of 'views': d"):
        check_unseen(DATASET, "views", "people")


def test_what_is_apart_passes() -> None:
    check_unseen(DATASET, "people", "apart")
    check_unseen(DATASET, "people", "people")
    check_unseen(DATASET, "people", "views", ("val",))
    with pytest.raises(UsageFault, match="no split 'view'"):
        check_unseen(DATASET, "people", "view")
