"""Frame-wise metrics against numbers that the scripts of MS-TCN and ASFormer gave on invented labels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.metrics.frame_labels import edit_score, frame_accuracy, segment_counts
from support.places import PARITY

GOLDEN = json.loads((PARITY / "frame_labels.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_equal_to_the_scripts(case: dict[str, Any]) -> None:
    found = [np.array(video["found"]) - 1 for video in case["videos"]]  # 0 is background there
    truth = [np.array(video["truth"]) - 1 for video in case["videos"]]
    for name, short in (("mstcn", False), ("asformer", True)):
        expected = case[name]
        assert 100 * frame_accuracy(found, truth) == pytest.approx(expected["acc"], abs=1e-9)
        edits = [edit_score(p, y) for p, y in zip(found, truth, strict=True)]
        assert 100 * np.mean(edits) == pytest.approx(expected["edit"], abs=1e-9)
        for at, overlap in enumerate(GOLDEN["overlaps"]):
            counts = segment_counts(found, truth, overlap, short_last=short)
            assert [counts.right, counts.wrong, counts.missed] == expected["counts"][at]
            assert 100 * counts.f1 == pytest.approx(expected["f1"][at], abs=1e-9)


def test_the_two_scripts_differ_where_a_video_ends_in_an_action() -> None:
    assert any(case["mstcn"]["counts"] != case["asformer"]["counts"] for case in GOLDEN["cases"])
