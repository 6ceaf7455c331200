"""The truth of the per-frame protocols against labels of the published loaders (see docs/protocols.md)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.types import Event
from augrgb.metrics.frame_labels import uniform_labels

FIXTURE = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures" / "rasterise.json"
pytestmark = pytest.mark.skipif(not FIXTURE.exists(), reason="shared/fixtures is not here")


@pytest.mark.parametrize("name", ["pdan_charades", "superevents_multithumos", "tsu_smarthome"])
def test_uniform_labels(name):
    protocol = json.loads(FIXTURE.read_text())["protocols"][name]
    shift = 1 if name == "superevents_multithumos" else 0  # its classes count from 1
    classes = {str(k): k for k in range(protocol["num_classes"])}
    assert protocol["order"]
    for video in protocol["order"]:
        entry = protocol["json"][video]
        events = [Event(str(int(label) - shift), start, end) for label, start, end in entry["actions"]]
        ours = uniform_labels(events, classes, entry["duration"], protocol["num_features"][video])
        golden = np.zeros(ours.shape, bool)
        for label, first, stop in protocol["labels_rle"][video]:
            golden[first:stop, label] = True
        assert (ours == golden).all(), video
        assert ours.sum() == protocol["label_sums"][video]
