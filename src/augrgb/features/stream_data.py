"""Videos with several modalities on one time grid, made into batches."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from augrgb.annotations.labels import ignored_snippets, legacy_uniform, rasterise
from augrgb.core.batch import Batch
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.file_rows import FileRows
from augrgb.core.timeline import Clock, nearest_snippets
from augrgb.core.types import Dataset
from augrgb.features.orientation import end_s, fits, matched, other_reading
from augrgb.features.video_features import FeatureFolder, VideoFeatures

_log = logging.getLogger(__name__)


class StreamData:
    """The videos of a split role, every modality aligned by time to the snippets of one of them.

    Features are read when first needed. The grid's stay in their files where that is possible, and a file that changes
    under a training is noticed; others are kept up to a number of bytes. A video that lacks a modality is an error;
    with `allow_missing`, one that lacks the grid's modality is left out, and one that lacks another is marked
    unavailable there; both are counted in `missing` and in a logged warning.

    Args:
        dataset: Classes and videos.
        video_ids: The videos, in the order of the indices.
        features: modality -> its features.
        grid: The modality whose snippets all others are aligned to.
        labelled: Ids whose events may be used; the others get no labels whatever the dataset says. None = all.
        allow_missing: How many videos may lack a modality.
        label_rule: `center`, or `legacy_uniform` to reproduce published numbers.
        memory_bytes: How many bytes of features to keep in memory.

    Raises:
        UsageFault: E-FEA-001, no such modality.
        FaultList, InputRefused: E-FEA-002, features are missing (all listed); E-SPL-005, a labelled video was never
            annotated.
    """

    def __init__(
        self,
        dataset: Dataset,
        video_ids: Iterable[str],
        features: Mapping[str, FeatureFolder],
        *,
        grid: str,
        labelled: Collection[str] | None = None,
        allow_missing: int = 0,
        label_rule: Literal["center", "legacy_uniform"] = "center",
        memory_bytes: int = 2**31,
    ) -> None:
        if grid not in features:
            raise UsageFault("E-FEA-001", dataset.name, f"no features for {grid!r}", did_you_mean(grid, features))
        wanted = tuple(video_ids)
        self.dataset, self.grid = dataset, grid
        videos = {video_id: dataset.videos[video_id] for video_id in wanted if video_id in dataset.videos}
        self.features = {name: matched(source, videos) for name, source in features.items()}
        self.missing = {name: tuple(v for v in wanted if not source.has(v)) for name, source in self.features.items()}
        self._check_missing(wanted, allow_missing)
        absent = set(self.missing[grid])
        self.video_ids = tuple(video_id for video_id in wanted if video_id not in absent)
        self._index_of = {video_id: index for index, video_id in enumerate(self.video_ids)}
        self.labelled = frozenset(self.video_ids if labelled is None else set(labelled) & set(self.video_ids))
        raise_together(
            [
                InputRefused("E-SPL-005", video_id, "used as labelled, but never annotated", "Move it to `unlabelled`.")
                for video_id in self.video_ids
                if video_id in self.labelled and dataset.videos[video_id].events is None
            ]
        )
        self._label_rule = label_rule
        self._room = memory_bytes
        self._kept: dict[tuple[str, str], tuple[NDArray[Any] | FileRows, NDArray[np.bool_]]] = {}
        self._grids: dict[str, tuple[Clock, int]] = {}

    def __len__(self) -> int:
        return len(self.video_ids)

    @property
    def labelled_indices(self) -> NDArray[np.int64]:
        """Positions of the videos whose labels may be used."""
        return np.array([i for i, video_id in enumerate(self.video_ids) if video_id in self.labelled], np.int64)

    @property
    def unlabelled_indices(self) -> NDArray[np.int64]:
        """Positions of the other videos."""
        return np.array([i for i, video_id in enumerate(self.video_ids) if video_id not in self.labelled], np.int64)

    def clock(self, index: int) -> Clock:
        """The time base of the grid of one video."""
        return self._grid_of(self.video_ids[index])[0]

    def count(self, index: int) -> int:
        """Number of snippets of one video on the grid."""
        return self._grid_of(self.video_ids[index])[1]

    def aligned(self, index: int, modality: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """One video's features on the grid: values (T, C), zero where not available, and available (T,) bool.

        Raises:
            InputRefused: E-FEA-003 (shape), E-FEA-004 (time bases disagree), E-FEA-005 (not finite).
        """
        values, there = self._stored(self.video_ids[index], modality)
        return np.asarray(values[:], np.float32), there

    def fingerprint(self, modality: str) -> str:
        """Hex SHA-256 of a modality's features of all videos, in their order: of what training sees of them."""
        digest = hashlib.sha256()
        for video_id in self.video_ids:
            values, there = self._stored(video_id, modality)
            own = values.sha256 if isinstance(values, FileRows) else hashlib.sha256(values.data).hexdigest()
            digest.update(f"{video_id}\0{len(there)}\0{own}".encode("utf-8", "surrogateescape") + there.tobytes())
        return digest.hexdigest()

    def label_fingerprint(self) -> str:
        """Hex SHA-256 of the videos and their labels, in their order."""
        digest = hashlib.sha256()
        for index, video_id in enumerate(self.video_ids):
            digest.update(video_id.encode("utf-8", "surrogateescape") + self.labels(index).tobytes())
            digest.update(self.known(index).tobytes() + bytes([video_id in self.labelled]))
        return digest.hexdigest()

    def track(self, index: int, modality: str) -> VideoFeatures | None:
        """One video's features on their own clock, checked, not kept; None where they are missing and may be.

        Raises:
            InputRefused: As `aligned`.
        """
        video_id, source = self.video_ids[index], self.features[modality]
        if modality != self.grid and not source.has(video_id):
            return None
        track = source.read(video_id)
        values = track.values
        if values.ndim != 2 or values.shape[1] != source.dim or len(values) == 0:
            problem = f"{modality} features have shape {values.shape}, expected (T, {source.dim}) with T > 0"
            raise InputRefused("E-FEA-003", video_id, problem)
        if not np.isfinite(values).all():
            first = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            problem = f"{modality} features are not finite at (snippet, channel) {first}"
            raise InputRefused("E-FEA-005", video_id, problem, "Extract them again.")
        if modality == self.grid:
            self._check_duration(video_id, track.clock, values.shape)
            self._grids[video_id] = (track.clock, len(values))
        else:
            self._check_ends(video_id, modality, track.clock, len(values), *self._grid_of(video_id))
        return track

    def labels(self, index: int) -> NDArray[np.float32]:
        """Labels (T, K) of one video, zeros if it is not labelled."""
        clock, count = self._grid_of(self.video_ids[index])
        video = self.dataset.videos[self.video_ids[index]]
        events = (video.events or ()) if video.video_id in self.labelled else ()
        if self._label_rule == "legacy_uniform":
            return legacy_uniform(events, self.dataset.classes, video.known_duration_s, count)
        return rasterise(events, self.dataset.classes, clock, count)

    def known(self, index: int) -> NDArray[np.bool_]:
        """Snippets (T,) of one video outside its ignored regions; `legacy_uniform`, as published, knows no regions."""
        clock, count = self._grid_of(self.video_ids[index])
        video = self.dataset.videos[self.video_ids[index]]
        regions = video.ignored if self._label_rule == "center" else ()
        return ~ignored_snippets(regions, clock, count)

    def collate(
        self,
        indices: Sequence[int] | NDArray[np.int64],
        length: int | None = None,
        *,
        starts: Sequence[int] | NDArray[np.int64] | None = None,
        modalities: Collection[str] | None = None,
    ) -> Batch:
        """Some videos as one batch, padded with zeros to the longest.

        Args:
            indices: B positions.
            length: Cut each video to at most this many snippets.
            starts: The first snippet of each video's cut; default 0.
            modalities: Which to read; default all.
        """
        names = tuple(self.features if modalities is None else modalities)
        firsts = [0] * len(indices) if starts is None else [int(start) for start in starts]
        spans = [
            slice(first, min(self.count(int(i)), first + length) if length else self.count(int(i)))
            for i, first in zip(indices, firsts, strict=True)
        ]
        shape = (len(spans), max((span.stop - span.start for span in spans), default=0))
        features = {name: np.zeros((*shape, self.features[name].dim), np.float32) for name in names}
        available = {name: np.zeros(shape, bool) for name in names}
        mask, known = np.zeros(shape, bool), np.zeros(shape, bool)
        labels = np.zeros((*shape, len(self.dataset.classes)), np.float32)
        for row, (index, span) in enumerate(zip(indices, spans, strict=True)):
            real = span.stop - span.start
            mask[row, :real] = self._stored(self.video_ids[int(index)], self.grid)[1][span]
            labels[row, :real] = self.labels(int(index))[span]
            known[row, :real] = self.known(int(index))[span]
            for name in names:
                values, there = self._stored(self.video_ids[int(index)], name)
                features[name][row, :real], available[name][row, :real] = values[span], there[span]
        ids = tuple(self.video_ids[int(index)] for index in indices)
        return Batch(
            features={name: torch.from_numpy(values) for name, values in features.items()},
            mask=torch.from_numpy(mask),
            known=torch.from_numpy(known),
            labels=torch.from_numpy(labels),
            labelled=torch.tensor([video_id in self.labelled for video_id in ids], dtype=torch.bool),
            available={name: torch.from_numpy(values) for name, values in available.items()},
            video_ids=ids,
            indices=torch.as_tensor(np.asarray(indices, np.int64)),
            starts=torch.tensor(firsts, dtype=torch.int64) if length else None,
            lengths=torch.tensor([self.count(int(i)) for i in indices], dtype=torch.int64) if length else None,
        )

    def _check_missing(self, wanted: tuple[str, ...], allowed: int) -> None:
        lacking = {video_id for ids in self.missing.values() for video_id in ids}
        faults: list[AugrgbError] = []
        for name, ids in self.missing.items():
            if ids and (len(lacking) > allowed or len(ids) == len(wanted)):
                listed = ", ".join(ids[:20]) + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")
                remedy = "Extract them, or set data.allow_missing to the number of videos that may be missing."
                problem = f"{len(ids)} of {len(wanted)} videos have no {name} features: {listed}"
                faults.append(InputRefused("E-FEA-002", self.dataset.name, problem, remedy))
            elif ids:
                _log.warning("%s: %d of %d videos have no %s features", self.dataset.name, len(ids), len(wanted), name)
        raise_together(faults)

    def _grid_of(self, video_id: str) -> tuple[Clock, int]:
        if video_id not in self._grids:
            self._stored(video_id, self.grid)
        return self._grids[video_id]

    def _stored(self, video_id: str, modality: str) -> tuple[NDArray[Any] | FileRows, NDArray[np.bool_]]:
        """As `aligned`, float16 if that is all the file has; in the file if it can stay there."""
        key = (video_id, modality)
        if key not in self._kept:
            track = self.track(self._index_of[video_id], modality)
            if modality == self.grid and track is not None and track.stored is not None:
                self._kept[key] = track.stored, np.ones(len(track.stored), bool)
                return self._kept[key]
            result = self._aligned(track, video_id, modality)
            size = result[0].nbytes + result[1].nbytes
            if size > self._room:
                return result
            self._room -= size
            self._kept[key] = result
        return self._kept[key]

    def _aligned(
        self, track: VideoFeatures | None, video_id: str, modality: str
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        if modality == self.grid and track is not None:
            return track.values, np.ones(len(track.values), bool)
        clock, count = self._grid_of(video_id)
        if track is None:
            return np.zeros((count, self.features[modality].dim), np.float32), np.zeros(count, bool)
        indices, there = nearest_snippets(track.clock, len(track.values), clock, count)
        return np.where(there[:, None], track.values[indices], np.float32(0)), there

    def _check_duration(self, video_id: str, clock: Clock, shape: tuple[int, ...]) -> None:
        """A wrongly declared clock would silently shift every label."""
        count = shape[0]
        duration_s = self.dataset.videos[video_id].known_duration_s
        if self._label_rule == "center" and not fits(count, clock, duration_s):
            problem = f"{count} {self.grid} snippets on {clock} end at {end_s(count, clock):.2f} s, "
            problem += f"but the video lasts {duration_s:.2f} s"
            other = other_reading(shape, clock, duration_s)
            problem += f"; {other}" if other else ""
            raise InputRefused("E-FEA-004", video_id, problem, "Declare the clock with which they were extracted.")

    def _check_ends(self, video_id: str, modality: str, clock: Clock, count: int, grid: Clock, grid_count: int) -> None:
        own_end_s, grid_end_s = float(clock.cells_s(count)[-1]), float(grid.cells_s(grid_count)[-1])
        if abs(own_end_s - grid_end_s) > max(clock.stride_s, grid.stride_s) + 1e-6:
            problem = (
                f"{modality} has {count} snippets to {own_end_s:.2f} s ({clock}), {self.grid} {grid_count} snippets to "
                f"{grid_end_s:.2f} s ({grid})"
            )
            raise InputRefused(
                "E-FEA-004", video_id, problem, "Extract both from the same video, or correct the clock."
            )


def feature_statistics(
    data: StreamData, modality: str, indices: Iterable[int] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each channel over the available snippets, for standardising, both (C,).

    Sums are formed in float64 video by video around the first video's mean. Channels that never vary are reported in a
    warning; their std is 0.

    Raises:
        InputRefused: E-FEA-022, there is no snippet.
    """
    count, shift = 0, np.zeros(0)
    total = squares = np.zeros(0)
    for index in range(len(data)) if indices is None else indices:
        values, there = data.aligned(index, modality)
        rows = values[there].astype(np.float64)
        if not len(rows):
            continue
        if count == 0:
            shift = rows.mean(axis=0)
            total, squares = np.zeros_like(shift), np.zeros_like(shift)
        rows -= shift
        count += len(rows)
        total = total + rows.sum(axis=0)
        squares = squares + (rows**2).sum(axis=0)
    if count == 0:
        raise InputRefused("E-FEA-022", data.dataset.name, f"no {modality} snippet to take statistics of")
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    constant = int((std <= 1e-12).sum())
    if constant:
        _log.warning("%s: variance 0 in %d of %d %s channels", data.dataset.name, constant, len(mean), modality)
    return (mean + shift).astype(np.float32), std.astype(np.float32)
