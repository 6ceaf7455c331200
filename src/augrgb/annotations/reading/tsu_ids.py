"""Toyota Smarthome Untrimmed ids such as `P02T03C05` (subject, recording, camera), and the official splits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from augrgb.annotations.annotation_set import Splits
from augrgb.core.types import VideoRecord

_ID = re.compile(r"^(P\d{2})(T\d{2})(C\d{2})$")
_TRAIN_SUBJECTS = {f"P{n:02d}" for n in (3, 4, 6, 7, 9, 12, 13, 15, 17, 19, 25)}
_TRAIN_CAMERAS = {f"C{n:02d}" for n in (1, 3, 4, 6, 7)}


def is_tsu_id(video_id: str) -> bool:
    """Whether a video id is one of TSU's."""
    return _ID.match(video_id) is not None


def with_subject_and_camera(video: VideoRecord) -> VideoRecord:
    """The video with the subject and camera of its id; unchanged when the id is not TSU's."""
    match = _ID.match(video.video_id)
    return replace(video, subject=match[1], camera=match[3]) if match else video


def official_splits(video_ids: Iterable[str]) -> Splits:
    """Cross-subject and cross-view splits by the rule of the dataset: 11 subjects train; cameras 1, 3, 4, 6, 7 train.

    Both reproduce the subsets of the shared files `smarthome_CS_51.json` and `smarthome_CV_51.json` for all 536 videos.
    """
    ids = [(video_id, match) for video_id in video_ids if (match := _ID.match(video_id))]

    def split(group: int, train: set[str]) -> dict[str, tuple[str, ...]]:
        return {
            "train": tuple(video_id for video_id, match in ids if match[group] in train),
            "test": tuple(video_id for video_id, match in ids if match[group] not in train),
        }

    if not ids:
        return {}
    return {"cross_subject": split(1, _TRAIN_SUBJECTS), "cross_view": split(3, _TRAIN_CAMERAS)}
