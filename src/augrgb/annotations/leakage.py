"""Tests of one split with what another split trained: no video may be on both sides."""

from __future__ import annotations

from collections.abc import Sequence

from augrgb.annotations.dataset_file import role
from augrgb.core.errors import InputRefused
from augrgb.core.types import Dataset

STREAM_ROLES = ("train", "unlabelled", "val")
ENCODER_ROLES = ("encoder", "encoder_unlabelled", "val")
_SHOWN = 5


def check_unseen(dataset: Dataset, trained: str, tested: str, roles: Sequence[str] = STREAM_ROLES) -> None:
    """Refuse test videos of one split that another one trains or chooses on.

    Roles of one and the same split were compared when the dataset was read.

    Args:
        dataset: The dataset.
        trained: Split that something was trained on.
        tested: Split whose `test` videos are to be scored.
        roles: What was used of `trained`.

    Raises:
        UsageFault: E-SPL-001, no such split.
        InputRefused: E-SPL-002, videos on both sides.
    """
    if trained == tested:
        return
    wanted = set(role(dataset, tested, "test", allow_empty=True))
    for name in roles:
        seen = [video_id for video_id in role(dataset, trained, name, allow_empty=True) if video_id in wanted]
        if seen:
            shown = ", ".join(seen[:_SHOWN]) + (", ..." if len(seen) > _SHOWN else "")
            problem = f"{len(seen)} test video(s) of {tested!r} are in {name!r} of {trained!r}: {shown}"
            remedy = f"They were trained or chosen on. Train on {tested!r}, or test another split."
            raise InputRefused("E-SPL-002", dataset.name, problem, remedy)
