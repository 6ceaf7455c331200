"""tIoU mAP against numbers of actionformer's (ActivityNet's) evaluation (see docs/protocols.md)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.metrics import tiou_map
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou import tiou
from support.places import PARITY

FIXTURE = PARITY / "anet_map.json"
CASES = ["plain", "class_without_predictions", "stray_labels"]


def read(case: Any) -> Any:
    database = {k: v for k, v in case["ground_truth"]["database"].items() if v["subset"].lower() == case["split"]}
    names = {name: v for v, name in enumerate(sorted({*database, *case["predictions"]}))}
    truth = [
        (names[name], a["label_id"], *a["segment"], 1.0)
        for name, entry in database.items()
        for a in entry["annotations"]
    ]
    found = [(names[name], *row) for name, rows in case["predictions"].items() for row in rows]
    return Segments.of(found), tiou_map.clean_truth(Segments.of(truth))


def test_the_collision_case_is_the_only_one_left_out() -> None:
    names = [case["name"] for case in json.loads(FIXTURE.read_text())["cases"]]
    assert sorted(names) == sorted([*CASES, "stray_labels_collision"])


@pytest.mark.parametrize("thresholds", ["thumos", "anet"])
@pytest.mark.parametrize("name", CASES)
def test_map_and_recall(name: Any, thresholds: Any) -> None:
    golden = json.loads(FIXTURE.read_text())
    case = next(case for case in golden["cases"] if case["name"] == name)
    expected = case["expected"][thresholds]
    report = tiou_map.tiou_report(*read(case), thresholds=tuple(golden["thresholds"][thresholds]))
    assert report.labels.tolist() == expected["class_order"]
    np.testing.assert_allclose(report.ap, expected["ap"], atol=1e-9)
    np.testing.assert_allclose(report.map, expected["mAP"], atol=1e-9)
    np.testing.assert_allclose(report.average_map, expected["average_mAP"], atol=1e-9)
    np.testing.assert_allclose(report.recall, expected["recall_top1x_top5x"], atol=1e-9)


def test_thresholds_are_the_same_floats() -> None:
    golden = json.loads(FIXTURE.read_text())["thresholds"]
    assert list(tiou_map.THUMOS14) == golden["thumos"]
    assert list(tiou_map.ACTIVITYNET) == golden["anet"]


def test_units() -> None:
    unit = json.loads(FIXTURE.read_text())["unit"]
    curve = unit["interpolated_prec_rec"]
    area = tiou_map.interpolated_area(np.array(curve["prec"]), np.array(curve["rec"]))
    np.testing.assert_allclose(area, curve["ap"], atol=1e-12)
    overlap = unit["segment_iou"]
    np.testing.assert_allclose(tiou([overlap["target"]], overlap["candidates"])[0], overlap["tiou"], atol=1e-12)
