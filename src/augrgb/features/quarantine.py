"""Notes of refused videos: why, until the video changes or a retry is asked for.

One small file per video in `_quarantine/`, so that tasks on many machines need no shared list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.core.error_codes import CODES
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import file_name_of, identifier_of
from augrgb.core.sealed import read_note, write_sealed
from augrgb.core.searching import files_in
from augrgb.video.source_file import same_source, source_identity

FOLDER = "_quarantine"
_KEYS = {"code", "where", "problem", "remedy", "source", "recipe_hash"}
SCHEMA = "augrgb.quarantine/1"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The refused videos of one feature folder.

    Args:
        folder: The feature folder.
        recipe_hash: What features would be made with; a refusal by another recipe does not count.
    """

    folder: Path
    recipe_hash: str

    def add(self, video_id: str, source: Path | None, fault: AugrgbError) -> None:
        """Note a refusal. It keeps for the file as it is now; one that cannot be read is tried again every time."""
        try:
            identity = source_identity(source) if source is not None else None
        except InputRefused:
            identity = None
        values = {
            "video": video_id.encode("utf-8", "replace").decode(),
            "code": fault.code,
            "where": _readable(fault.where),
            "problem": _readable(fault.problem),
            "remedy": _readable(fault.remedy),
            "source": identity,
            "recipe_hash": self.recipe_hash,
        }
        write_sealed(self._path(video_id), SCHEMA, values)

    def find(self, video_id: str, source: Path | None) -> AugrgbError | None:
        """The refusal of an earlier run, if it still concerns this file and this recipe."""
        entry = self._entry(self._path(video_id))
        if entry is None or source is None or entry["recipe_hash"] != self.recipe_hash or entry["source"] is None:
            return None
        if not same_source(source, entry["source"], self._path(video_id)):
            return None
        return InputRefused(entry["code"], entry["where"], entry["problem"], entry["remedy"])

    def release(self, video_id: str) -> None:
        """Forget a refusal."""
        self._path(video_id).unlink(missing_ok=True)

    def entries(self) -> Iterator[tuple[str, InputRefused]]:
        """All that are noted, by whatever recipe: (video id, fault)."""
        for path in files_in(self.folder / FOLDER, ".json"):
            entry = self._entry(path)
            if entry is not None:
                fault = InputRefused(entry["code"], entry["where"], entry["problem"], entry["remedy"])
                yield identifier_of(path.stem), fault

    def _path(self, video_id: str) -> Path:
        return self.folder / FOLDER / f"{file_name_of(video_id)}.json"

    def _entry(self, path: Path) -> dict[str, Any] | None:
        entry = read_note(path, SCHEMA, "quarantine note")
        if entry is None or not entry.keys() >= _KEYS or entry["code"] not in CODES:
            return None  # damaged or of another version: the video is tried again
        return entry


def _readable(text: str) -> str:
    """Names of files need not be text."""
    return text.encode("utf-8", "replace").decode()
