"""Motion pretraining: an encoder learns to tell from frames how what they show moves, from any video and no label."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from augrgb.core.batch import StreamDims
from augrgb.features.snippet_bank import SnippetBank
from augrgb.training.encoder_task import EncoderClassifier, EncoderTask, SnippetSet
from augrgb.training.teachers.joints import JointRegression
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.terms import DistillationTerm

ROWS, COLUMNS, PARTS = 6, 8, 2
TARGETS = PARTS * ROWS * COLUMNS * 3
"""Numbers that describe the motion of a window."""
_READ = 256  # windows at a time
Floats = NDArray[np.float32]


def motion_targets(rgb: SnippetBank, flow: SnippetBank, steps_per_pixel: float) -> Floats:
    """What moves where in the windows of an RGB bank, from flow of the same videos.

    Flow is averaged over the cells of a grid and over both halves of the window: displacement to the right and down,
    and its size. The signed square root keeps fast videos from deciding alone.

    Shape: (N, parts * rows * columns * 3), not standardized.
    """
    parts: list[Floats] = []
    for start in range(0, len(rgb), _READ):
        videos, snippets = rgb.places(np.arange(start, min(start + _READ, len(rgb))))
        begins = np.cumsum(flow.counts) - flow.counts
        numbers = begins[videos] + np.minimum(snippets, flow.counts[videos] - 1)
        parts.append(_cells(flow.windows(numbers).astype(np.float32) / np.float32(steps_per_pixel)))
    return np.concatenate(parts) if parts else np.zeros((0, TARGETS), np.float32)


def _cells(flow: Floats) -> Floats:
    """(N, window, H, W, 2) pixels -> (N, parts * rows * columns * 3)."""
    x = torch.from_numpy(np.concatenate([flow, np.linalg.norm(flow, axis=-1, keepdims=True)], axis=-1))
    x = torch.nn.functional.adaptive_avg_pool3d(x.permute(0, 4, 1, 2, 3), (PARTS, ROWS, COLUMNS))
    return (x.sign() * x.abs().sqrt()).flatten(1).numpy()


def standardized_targets(train: Floats, val: Floats) -> tuple[Floats, Floats]:
    """Targets of training and validation on the scale of training."""
    mean, std = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-3)
    return ((train - mean) / std).astype(np.float32), ((val - mean) / std).astype(np.float32)


class MotionTask(EncoderTask):
    """Regress motion from the encoder's features through a head that is dropped; nothing is labeled.

    Args:
        student: The encoder; its classifier learns nothing here.
        train: Training snippets, without labels.
        targets: (N, D) of the training snippets.
        val_targets: (N', D) of the validation snippets.
        terms: Further teachers, such as joints.
        options: See `EncoderTask`.
    """

    metric = "motion_r2"

    def __init__(
        self,
        student: EncoderClassifier,
        train: SnippetSet,
        targets: Floats,
        val_targets: Floats,
        *,
        terms: tuple[DistillationTerm, ...] = (),
        **options: Any,
    ) -> None:
        dims = StreamDims(student.classifier.in_features, targets.shape[1], train.labels.shape[1], len(targets))
        self.head = JointRegression(dims)
        motion = DistillationTerm("motion", self.head, 1.0, SnippetTeacher(targets))
        super().__init__(student, train, terms=(motion, *terms), **options)
        self._val_targets = val_targets

    def validate(self) -> dict[str, float]:
        """R2 of the motion of validation videos: 1 = exact, 0 = no better than the mean of training."""
        if self.val is None or not len(self._val_targets):
            return {}
        net = cast(EncoderClassifier, self.kept)
        weight, size, wrong = net.classifier.weight, 32, 0.0
        with torch.no_grad():
            for start in range(0, len(self._val_targets), size):
                rows = np.arange(start, min(start + size, len(self._val_targets)))
                features = net.encoder(self.val.inputs(rows, None).to(weight.device, weight.dtype))
                found = self.head.project(features).float().cpu().numpy()
                wrong += float(np.square(found - self._val_targets[rows]).sum())
        return {self.metric: 1.0 - wrong / max(float(np.square(self._val_targets).sum()), 1e-9)}
