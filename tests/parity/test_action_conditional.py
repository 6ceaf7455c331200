"""Action-conditional metrics against numbers of MS-TCT's evaluation (see docs/protocols.md)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.metrics.action_conditional import conditional_report
from support.places import PARITY

PATH = PARITY / "action_conditional.json"


@pytest.mark.parametrize("name, taus", [("plain", ["0", "3", "10", "20", "40", "-5"]), ("absent_class", ["0", "5"])])
def test_report(name: Any, taus: Any) -> None:
    case = next(case for case in json.loads(PATH.read_text())["cases"] if case["name"] == name)
    assert sorted(case["expected"]) == sorted(taus)
    arrays = np.load(PARITY / "action_conditional.npz")
    scores = [arrays[f"{name}/scores{v}"] for v in range(case["videos"])]
    targets = [arrays[f"{name}/targets{v}"] for v in range(case["videos"])]
    for tau in taus:
        golden = case["expected"][tau]
        golden = golden.get("skipping_empty_conditioning_classes", golden)
        report = conditional_report(
            scores, targets, tau=int(tau), threshold=case["threshold"], published_look_ahead=True
        )
        for key in ("precision", "recall", "map", "f1"):
            np.testing.assert_allclose(getattr(report, key), golden[key], atol=1e-9, err_msg=f"{key} at {tau}")
        np.testing.assert_allclose(report.positives, np.transpose(golden["n"]))  # golden columns are conditions
        matrices = {
            "prec_matrix": report.precision_matrix,
            "rec_matrix": report.recall_matrix,
            "map_matrix": report.ap_matrix,
        }
        for key, matrix in matrices.items():
            np.testing.assert_allclose(
                np.nan_to_num(matrix.T, nan=-1), golden[key], atol=1e-9, err_msg=f"{key} at {tau}"
            )
