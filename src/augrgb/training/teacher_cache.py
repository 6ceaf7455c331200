"""What a frozen teacher says about all training videos, computed once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.timeline import nearest_snippets
from augrgb.datasets.stream_data import StreamData
from augrgb.streams.predict import filter_sequence
from augrgb.streams.stream import Stream


class TeacherCache:
    """Outputs of a teacher stream for every video that has its modality, on the student's grid.

    The teacher runs once over each video on its own grid; its snippets are then taken by time. Needs
    `videos x T x (C + K)` numbers of memory, half of that for the features with `half`.

    Args:
        teacher: The stream.
        data: The student's videos; must hold the teacher's modality.
        modality: The teacher's.
        half: Keep features in 16 bits.

    Raises:
        InputRefused: E-MOD-005 (other number of classes), E-FEA-... (features).
    """

    def __init__(self, teacher: Stream, data: StreamData, modality: str, *, half: bool = False) -> None:
        if teacher.num_classes != len(data.dataset.classes):
            problem = f"the teacher scores {teacher.num_classes} classes, the data has {len(data.dataset.classes)}"
            raise InputRefused("E-MOD-005", modality, problem, "Train the teacher on the same classes.")
        self.width = teacher.filter.width
        self._features: list[Tensor] = []
        self._logits: list[Tensor] = []
        self._there: list[Tensor] = []
        for index in range(len(data)):
            count = data.count(index)
            track = data.track(index, modality)
            if track is None:
                self._features.append(torch.zeros(count, self.width, dtype=torch.float16 if half else torch.float32))
                self._logits.append(torch.zeros(count, teacher.num_classes))
                self._there.append(torch.zeros(count, dtype=torch.bool))
                continue
            features, logits = filter_sequence(teacher, torch.from_numpy(track.values))
            nearest, there = nearest_snippets(track.clock, len(track.values), data.clock(index), count)
            rows = torch.from_numpy(nearest)
            self._features.append(features[rows].half() if half else features[rows])
            self._logits.append(logits[rows])
            self._there.append(torch.from_numpy(there))

    def outputs(self, batch: Batch, starts: Sequence[int]) -> tuple[StreamOutput, Tensor]:
        """The teacher's output for a batch whose videos are cut at `starts`, and where it exists (B, T) bool."""
        B, T = batch.mask.shape
        features = torch.zeros(B, T, self.width)
        logits = torch.zeros(B, T, self._logits[0].shape[1])
        there = torch.zeros(B, T, dtype=torch.bool)
        for row, (index, start) in enumerate(zip(batch.indices.tolist(), starts, strict=True)):
            span = slice(start, start + T)
            real = len(self._there[index][span])
            features[row, :real] = self._features[index][span]
            logits[row, :real] = self._logits[index][span]
            there[row, :real] = self._there[index][span]
        device = batch.mask.device
        return StreamOutput(features.to(device), logits.to(device)), there.to(device)
