"""A feature folder whose ids are written differently from those of the annotations."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from augrgb.annotations.videos.match_ids import IdMatch, match_ids
from augrgb.core.timeline import Clock
from augrgb.features.video_features import FeatureFolder, VideoFeatures


class RenamedFeatures:
    """The features of a folder under the ids of the annotations.

    Args:
        inner: The folder.
        match: Id of an annotated video -> id in the folder.
    """

    def __init__(self, inner: FeatureFolder, match: IdMatch) -> None:
        self.inner, self.match = inner, match
        self._back = {known: name for name, known in match.names.items()}

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.inner.folder

    @property
    def clock(self) -> Clock:
        """Time base of every video in it."""
        return self.inner.clock

    @property
    def dim(self) -> int:
        """Feature width C."""
        return self.inner.dim

    def ids(self) -> tuple[str, ...]:
        """Ids of its videos, as the annotations write them."""
        return tuple(sorted(self._back.get(name, name) for name in self.inner.ids()))

    def has(self, video_id: str) -> bool:
        """Whether a video is there."""
        return self.inner.has(self.match.of(video_id))

    def read(self, video_id: str) -> VideoFeatures:
        """Features of a video."""
        return self.inner.read(self.match.of(video_id))


def with_ids_of(folder: FeatureFolder, video_ids: Collection[str]) -> FeatureFolder:
    """The folder under the ids of the videos, where none of them is there and a rule matches them (`match_ids`)."""
    if not video_ids or any(folder.has(video_id) for video_id in video_ids):
        return folder
    match = match_ids(video_ids, folder.ids())
    return RenamedFeatures(folder, match) if match.names else folder
