"""The official Charades localisation score against a port's numbers (see docs/protocols.md)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.metrics.charades_localize import charades_localize, point_labels, submitted_scores
from support.places import PARITY

FIXTURE = PARITY / "charades_localize.json"
CASES = ["synthetic_all_classes", "class_without_positives", "missing_frames", "zero_based_frames"]


def load(name: Any) -> Any:
    cases = {case["name"]: case for case in json.loads(FIXTURE.read_text())["cases"]}
    assert sorted(cases) == sorted(CASES)
    return cases[name]


@pytest.mark.parametrize("name", CASES)
def test_ap_and_means(name: Any) -> None:
    case = load(name)
    expected, num_classes = case["expected"], case["num_classes"]
    labels = np.stack([point_labels(v["actions"], v["length"], num_classes) for v in case["videos"]])
    scores = submitted_scores(case["predictions"], [v["id"] for v in case["videos"]], num_classes)
    assert labels.sum((0, 1)).tolist() == expected["labels_positive_count"]
    assert labels.sum((1, 2)).tolist() == expected["labels_sum_per_video"]
    report = charades_localize(scores, labels)
    np.testing.assert_allclose(report.ap, [float(v) for v in expected["ap"]], atol=1e-9)
    np.testing.assert_allclose(report.map, float(expected["map"]), atol=1e-9)
    np.testing.assert_allclose(report.weighted_map, float(expected["wap"]), atol=1e-9)
    np.testing.assert_allclose(report.map_present, np.nanmean(report.ap), atol=1e-12)


def test_labels_of_real_videos() -> None:
    real = json.loads(FIXTURE.read_text())["real_labels"]
    ours = [
        [v, j, k]
        for v, video in enumerate(real["videos"])
        for j, k in np.argwhere(point_labels(video["actions"], video["length"], 157)).tolist()
    ]
    assert ours == sorted(real["labels"])
