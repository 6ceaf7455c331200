"""A frozen teacher's outputs for all training videos, computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.timeline import nearest_snippets
from augrgb.core.weights import fingerprint
from augrgb.features.stream_data import StreamData
from augrgb.streams.predict import filter_outputs
from augrgb.streams.stream import Stream

OfSnippets = Callable[[Tensor], Tensor]
OfVideos = Callable[[Tensor, Tensor], Tensor]


class TeacherCache:
    """Outputs of a teacher stream for every video that has its modality, on the student's grid.

    The teacher runs once over each video on its own grid; its snippets are then taken by time. Needs
    `videos x T x (C + K)` numbers of memory, half of that for the features with `half`; each of the `hidden` layers as
    much again as the features. What losses derive from snippets (lengths, boundary curves) or from whole videos
    (covariances) is computed when first needed, and kept.

    Args:
        teacher: The stream.
        data: The student's videos; must hold the teacher's modality.
        modality: The teacher's.
        half: Keep features and hidden layers in 16 bits.
        hidden: How many of the filter's last layers to keep, for losses that look at these.
        matrix_bytes: Memory for what is derived from whole videos; beyond it, this is computed in each step.

    Raises:
        InputRefused: E-MOD-005 (other number of classes), E-FEA-... (features).
    """

    def __init__(
        self,
        teacher: Stream,
        data: StreamData,
        modality: str,
        *,
        half: bool = False,
        hidden: int = 0,
        matrix_bytes: int = 2**30,
    ) -> None:
        if teacher.num_classes != len(data.dataset.classes):
            problem = f"the teacher scores {teacher.num_classes} classes, the data has {len(data.dataset.classes)}"
            raise InputRefused("E-MOD-005", modality, problem, "Train the teacher on the same classes.")
        self.width = teacher.filter.width
        self.fingerprint = fingerprint(teacher.state_dict())
        self.counts = torch.tensor([data.count(index) for index in range(len(data))])
        # Videos are concatenated; row 0 is what padding reads.
        *firsts, rows = accumulate([1, *self.counts.tolist()])
        self.firsts = torch.tensor(firsts, dtype=torch.int64)
        kept = torch.float16 if half else torch.float32
        self._features = torch.zeros(rows, self.width, dtype=kept)
        self._logits = torch.zeros(rows, teacher.num_classes)
        self._hidden: list[Tensor] = []
        self._there = torch.zeros(rows, dtype=torch.bool)
        for index, first in enumerate(firsts):
            track = data.track(index, modality)
            if track is None:
                continue
            output = filter_outputs(teacher, torch.from_numpy(track.values), hidden=hidden)
            count = data.count(index)
            nearest, there = nearest_snippets(track.clock, len(track.values), data.clock(index), count)
            if not self._hidden:
                self._hidden = [torch.zeros(rows, layer.shape[1], dtype=kept) for layer in output.hidden]
            place, source = slice(first, first + count), torch.from_numpy(nearest)
            self._features[place] = output.features[source]
            self._logits[place] = output.logits[source]
            self._there[place] = torch.from_numpy(there)
            for layer, values in zip(self._hidden, output.hidden, strict=True):
                layer[place] = values[source]
        self._room = matrix_bytes
        self._of_snippets: dict[OfSnippets, Tensor] = {}
        self._of_videos: dict[tuple[OfVideos, int], Tensor] = {}
        self._latest: tuple[Batch, StreamOutput, Tensor] | None = None

    def outputs(self, batch: Batch) -> tuple[StreamOutput, Tensor]:
        """The teacher's output for a batch (cut as `batch.starts` says), and where it exists (B, T) bool.

        The same batch gives the same object again: what losses derived from it is shared.
        """
        if self._latest is not None and self._latest[0] is batch:
            return self._latest[1], self._latest[2]
        T, device = batch.mask.shape[1], batch.mask.device
        videos = batch.indices.cpu()
        starts = batch.starts.cpu() if batch.starts is not None else torch.zeros_like(videos)
        cut = torch.arange(T) + starts[:, None]  # (B, T) snippet of its video
        inside = cut < self.counts[videos][:, None]
        rows = torch.where(inside, cut + self.firsts[videos][:, None], 0)
        there = self._take(self._there, rows).to(device)
        output = CachedOutput(
            self._take(self._features, rows).float().to(device),
            self._take(self._logits, rows).to(device),
            tuple(self._take(layer, rows).float().to(device) for layer in self._hidden),
            cache=self,
            rows=rows,
            videos=videos.tolist(),
            whole=((cut[:, 0] == 0) & (self.counts[videos] <= T)).tolist(),
            there=there,
        )
        self._latest = (batch, output, there)
        return output, there

    def of_snippets(self, function: OfSnippets, rows: Tensor) -> Tensor:
        """A quantity of snippets, computed for all videos when first needed. Shape: rows (B, T) -> (B, T, ...)."""
        known = self._of_snippets.get(function)
        if known is None:
            parts = [
                function(self._features[None, first : first + count].float())[0]
                for first, count in zip(self.firsts.tolist(), self.counts.tolist(), strict=True)
            ]
            known = torch.cat([torch.zeros_like(parts[0][:1]), *parts])
            self._of_snippets[function] = known
        return self._take(known, rows)

    def of_video(self, function: OfVideos, video: int, device: torch.device) -> Tensor:
        """A quantity of one whole video, kept while there is room; the same bits whichever batch needs it."""
        key = (function, video)
        if key not in self._of_videos:
            first = int(self.firsts[video])
            place = slice(first, first + int(self.counts[video]))
            value = function(self._features[None, place].float().to(device), self._there[None, place].to(device))[0]
            if value.nbytes > self._room:
                return value
            self._room -= value.nbytes
            self._of_videos[key] = value
        return self._of_videos[key]

    @staticmethod
    def _take(flat: Tensor, rows: Tensor) -> Tensor:
        return flat.index_select(0, rows.flatten()).view(*rows.shape, *flat.shape[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedOutput(StreamOutput):
    """A cached teacher's output for one batch.

    Args:
        cache: Where it comes from.
        rows: (B, T) places in the cache.
        videos: B positions in the dataset.
        whole: B, whether the whole video is in the batch: only then is what is known of the video true of the batch.
        there: (B, T) bool, where the teacher exists.
    """

    cache: TeacherCache
    rows: Tensor
    videos: list[int]
    whole: list[bool]
    there: Tensor

    def per_snippet(self, function: OfSnippets) -> Tensor:
        """As in `StreamOutput`, looked up."""
        value: Tensor = self.shared(
            function, None, lambda: self.cache.of_snippets(function, self.rows).to(self.features.device)
        )
        return value

    def per_video(self, function: OfVideos, mask: Tensor) -> list[Tensor]:
        """As in `StreamOutput`, looked up for videos that are whole and unrestricted in the batch."""
        values: list[Tensor] = self.shared(function, mask, lambda: self._per_video(function, mask))
        return values

    def _per_video(self, function: OfVideos, mask: Tensor) -> list[Tensor]:
        known = (mask == self.there).all(1).tolist()
        return [
            self.cache.of_video(function, video, mask.device)
            if whole and known[row]
            else function(self.features[row : row + 1], mask[row : row + 1])[0]
            for row, (video, whole) in enumerate(zip(self.videos, self.whole, strict=True))
        ]
