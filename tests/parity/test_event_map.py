"""Event AP against numbers of the PKU-MMD and TSU evaluators (see docs/protocols.md)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.metrics.event_map import event_reports
from augrgb.metrics.segments import Segments
from support.places import PARITY

FIXTURE = PARITY / "event_map.json"
CASES = ["pku_like", "float_times", "score_ties", "class_without_gt", "no_match", "zero_length"]
THETAS = (0.1, 0.3, 0.5, 0.7)


def load(name: Any) -> Any:
    cases = {case["name"]: case for case in json.loads(FIXTURE.read_text())["cases"]}
    assert sorted(cases) == sorted([*CASES, "tsu_shipped_P02T02C03"])
    return cases[name]


def columns(case: Any, kind: Any, first_class: Any) -> Any:
    rows = [
        (v, int(label) - first_class, start, end, score)
        for v, video in enumerate(case["videos_in_order"])
        for label, start, end, score in case[kind][video]
    ]
    return Segments.of(rows)


def golden(value: Any) -> Any:
    """The published outcome; where the program stopped we give NaN."""
    return np.array([float("nan") if v == "ZeroDivisionError" else float(v) for v in np.atleast_1d(value)])


def reports(case: Any, first_class: Any, num_classes: Any, on_empty_hull: Any) -> Any:
    return event_reports(
        columns(case, "predictions", first_class),
        columns(case, "ground_truth", first_class),
        num_classes=num_classes,
        num_videos=len(case["videos_in_order"]),
        thetas=THETAS,
        on_empty_hull=on_empty_hull,
    )


@pytest.mark.parametrize("name", CASES)
def test_pku_report(name: Any) -> None:
    case = load(name)
    for report in reports(case, 1, case["pku_number_label"] - 1, "nan"):
        expected = case["pku"][str(report.theta)]
        ours = {
            "F1": report.f1,
            "2DAP": report.ap_2d,
            "AP": report.ap,
            "AP_action": report.ap_action,
            "mAP_action": report.map_action,
            "AP_video": report.ap_video,
            "mAP_video": report.map_video,
        }
        assert set(ours) == set(expected)
        for key, value in ours.items():
            np.testing.assert_allclose(np.atleast_1d(value), golden(expected[key]), atol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", [*CASES, "tsu_shipped_P02T02C03"])
def test_tsu_report(name: Any) -> None:
    case = load(name)
    for report in reports(case, 0, case["tsu"]["number_label"], "zero"):
        expected = case["tsu"]["results"][str(report.theta)]
        np.testing.assert_allclose(report.map_action, expected["mAP_action"], atol=1e-9)
        np.testing.assert_allclose(report.ap_action, golden(expected["AP_action"]), atol=1e-9)
        np.testing.assert_allclose(report.map_video, expected["mAP_video"], atol=1e-9)
