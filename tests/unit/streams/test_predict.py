"""Scores of one video, whole and in pieces."""

from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.timeline import Clock
from augrgb.streams.files import StreamSettings, build_stream
from augrgb.streams.predict import predict, predict_pieces


@pytest.mark.parametrize(("name", "options"), [("sd_tcn", {"layers": 3, "width": 8}), ("gru", {"width": 8})])
@pytest.mark.parametrize("sizes", [[1], [16] * 9 + [3], [100], [5, 70, 1, 1, 40]])
def test_features_in_pieces_give_the_scores_of_the_whole(name: str, options: Any, sizes: list[int]) -> None:
    torch.manual_seed(0)
    settings = StreamSettings("rgb", name, 6, ("a", "b"), Clock(15.0, 8, 8), options)
    stream = build_stream(settings)
    features = np.random.default_rng(0).normal(size=(sum(sizes), 6)).astype(np.float32)
    pieces = np.split(features, np.cumsum(sizes)[:-1])
    whole = predict(stream, features)
    for window in (1, 7, 32, 1000):
        np.testing.assert_allclose(predict_pieces(stream, iter(pieces), window=window), whole, atol=1e-6)
