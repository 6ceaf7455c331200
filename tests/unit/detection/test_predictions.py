from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.detection.predictions import Predictions, fuse, load_predictions, save_predictions

CLOCK = Clock(fps=10, window=10, stride=10)
HALF = Clock(fps=10, window=20, stride=20)


def predictions(values: Any, clock: Any = CLOCK, classes: Any = ("a", "b")) -> Any:
    return Predictions(classes, clock, {"v/1": np.array(values, np.float32)})


def test_round_trip(tmp_path: Path) -> None:
    save_predictions(tmp_path / "p.safetensors", predictions([[0.25, 1.0], [0.5, 0.0]]))
    back = load_predictions(tmp_path / "p.safetensors")
    assert back.classes == ("a", "b") and back.clock == CLOCK
    np.testing.assert_array_equal(back.scores["v/1"], [[0.25, 1.0], [0.5, 0.0]])


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    save_predictions(path, predictions([[0.25, 1.0]]))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputRefused, match="E-DET-013"):
        load_predictions(path)


def test_fusion_is_the_mean_of_scores_aligned_by_time() -> None:
    fine = predictions([[0.0, 1.0], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4]])
    coarse = predictions([[1.0, 1.0], [0.0, 0.0]], HALF)
    fused = fuse([fine, coarse]).scores["v/1"]
    np.testing.assert_allclose(fused, [[0.5, 1.0], [0.6, 0.9], [0.2, 0.3], [0.3, 0.2]], atol=1e-6)


def test_fusion_refuses_other_classes_and_other_videos() -> None:
    with pytest.raises(InputRefused, match="different classes"):
        fuse([predictions([[0.0, 1.0]]), predictions([[0.0, 1.0]], classes=("b", "a"))])
    other = Predictions(("a", "b"), CLOCK, {"w": np.zeros((1, 2), np.float32)})
    with pytest.raises(InputRefused, match="scored by one stream only: v/1, w"):
        fuse([predictions([[0.0, 1.0]]), other])
