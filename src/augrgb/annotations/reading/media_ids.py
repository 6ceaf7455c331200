"""Ids of videos from the paths and addresses by which tools name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath


def media_ids(places: Iterable[str]) -> dict[str, str]:
    """The id of each path: its name without the ending; of equal names as much of their folders as it needs.

    >>> media_ids(["/data/a.mp4", "/data/b.mp4"])
    {'/data/a.mp4': 'a', '/data/b.mp4': 'b'}
    >>> media_ids(["C:\\\\x\\\\clip.mp4", "C:\\\\y\\\\clip.mp4", "other.mp4"])
    {'C:\\\\x\\\\clip.mp4': 'x/clip', 'C:\\\\y\\\\clip.mp4': 'y/clip', 'other.mp4': 'other'}
    """
    paths = {place: PurePosixPath(place.replace("\\", "/")) for place in places}
    parts = {place: [*path.parent.parts, path.stem] for place, path in paths.items()}
    found = {place: names[-1] for place, names in parts.items()}
    for depth in range(2, max(map(len, parts.values()), default=0) + 1):
        counts = Counter(found.values())
        if max(counts.values()) == 1:
            break
        for place, names in parts.items():
            if counts[found[place]] > 1:
                found[place] = "/".join(name for name in names[-depth:] if name not in ("/", "..", "."))
    return found
