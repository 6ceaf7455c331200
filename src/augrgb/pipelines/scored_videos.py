"""Scores beside the truth of the snippets that are judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.types import Dataset
from augrgb.detection.predictions import Predictions
from augrgb.metrics.video_bootstrap import ScoredVideos


def scored_videos(predictions: Predictions, dataset: Dataset, videos: Sequence[str]) -> ScoredVideos:
    """Scores and truth (T, K) of the known snippets of each video, on the clock of the predictions."""
    found = []
    for name in videos:
        video, scores = dataset.videos[name], np.asarray(predictions.scores[name], np.float64)
        known = ~ignored_snippets(video.ignored, predictions.clock, len(scores))
        truth = rasterise(video.events or (), dataset.classes, predictions.clock, len(scores)) > 0
        found.append((scores[known], truth[known]))
    return found
