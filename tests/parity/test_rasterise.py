"""Labels against those captured from the published training programs (fixtures README, section 2)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.labels import legacy_uniform
from augrgb.core.types import Event
from support.places import PARITY

FILE = PARITY / "rasterise.json"


@pytest.mark.parametrize(
    ("protocol", "first_class"), [("pdan_charades", 0), ("superevents_multithumos", 1), ("tsu_smarthome", 0)]
)
def test_legacy_uniform_is_bit_for_bit(protocol: Any, first_class: Any) -> None:
    fixture = json.loads(FILE.read_text())["protocols"][protocol]
    classes = [str(index) for index in range(fixture["num_classes"])]
    compared = 0
    for video_id in fixture["order"]:
        video = fixture["json"][video_id]
        events = [Event(str(int(c) - first_class), start, end) for c, start, end in video["actions"]]
        count = fixture["num_features"][video_id]
        expected = np.zeros((count, len(classes)), np.float32)
        for label, first, stop in fixture["labels_rle"][video_id]:
            expected[first:stop, label] = 1
        assert expected.sum() == fixture["label_sums"][video_id]
        labels = legacy_uniform(events, classes, video["duration"], count)
        np.testing.assert_array_equal(labels, expected, err_msg=video_id)
        compared += 1
    assert compared == len(fixture["order"]) > 5
