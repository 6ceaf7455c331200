"""What a feature folder still lacks, found without work: headers and dates are read, no values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import sha256_json
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders.files import load_encoder
from augrgb.features.encode import extraction_recipe
from augrgb.features.quarantine import Quarantine
from augrgb.features.store import feature_path
from augrgb.features.writer import describe_file
from augrgb.parallel.batch import choose_videos
from augrgb.parallel.shards import Shard, videos_of
from augrgb.video.decode import Partial
from augrgb.video.source_file import same_source


@dataclass(frozen=True, slots=True)
class ExtractStatus:
    """How far a feature folder is.

    Args:
        folder: The feature folder.
        done: Ids of videos whose features are there, of this recipe and of the file as it is now.
        refused: (id, fault) of those that an earlier run refused and that have not changed since.
        left: Ids of all others.
        left_s: How long those last, in seconds of video.
    """

    folder: Path
    done: tuple[str, ...]
    refused: tuple[tuple[str, AugrgbError], ...]
    left: tuple[str, ...]
    left_s: float


def extraction_status(
    dataset: Dataset,
    targets: Sequence[tuple[Path, Path]],
    *,
    video_ids: Iterable[str] | None = None,
    shard: Shard | None = None,
    partial: Partial = "refuse",
    device: str = "cpu",
) -> tuple[ExtractStatus, ...]:
    """What `extract_together` with the same arguments would find done, refused and left; nothing is written.

    Raises:
        InputRefused: An encoder cannot be loaded; E-ID-004, no such video.
    """
    records = choose_videos(dataset, video_ids)
    if shard is not None:
        records = videos_of(shard, records)
    return tuple(_status(records, Path(encoder), Path(folder), partial, device) for encoder, folder in targets)


def _status(
    records: Sequence[VideoRecord], encoder: Path, folder: Path, partial: Partial, device: str
) -> ExtractStatus:
    loaded = load_encoder(encoder)
    recipe_hash = sha256_json(extraction_recipe(loaded, partial, device))
    quarantine = Quarantine(folder, recipe_hash)
    done: list[str] = []
    refused: list[tuple[str, AugrgbError]] = []
    left: list[VideoRecord] = []
    for record in records:
        source = record.source(loaded.encoder.modality)
        fault = quarantine.find(record.video_id, source)
        if _is_done(feature_path(folder, record.video_id), source, recipe_hash):
            done.append(record.video_id)
        elif fault is not None:
            refused.append((record.video_id, fault))
        else:
            left.append(record)
    ids = tuple(record.video_id for record in left)
    return ExtractStatus(folder, tuple(done), tuple(refused), ids, sum(record.known_duration_s for record in left))


def _is_done(path: Path, source: Path | None, recipe_hash: str) -> bool:
    if source is None or not path.is_file():
        return False
    try:
        _, described = describe_file(path)
    except InputRefused:  # damaged: it will be made again
        return False
    return described["recipe_hash"] == recipe_hash and same_source(source, described["source"], path)
