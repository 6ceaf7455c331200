"""The named protocols, through their front door, against the numbers of the programs they are named after."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.metrics import PROTOCOLS, evaluate
from augrgb.metrics.evaluation import VideoScores
from support.places import PARITY

CLOCK = Clock(1.0, 1, 1)
CASES = ["plain", "zero_and_full", "single_frame_videos", "larger"]


def load(name: Any) -> Any:
    """A fixture's frames as a dataset whose events give its targets back, and its scores squeezed into [0, 1]."""
    case = next(c for c in json.loads((PARITY / "frame_map.json").read_text())["cases"] if c["name"] == name)
    arrays = np.load(PARITY / "frame_map.npz")
    videos, scores = {}, {}
    for v in range(case["videos"]):
        targets, values = arrays[f"{name}/targets{v}"], arrays[f"{name}/scores{v}"].astype(np.float64)
        events = tuple(Event(f"c{k}", t - 0.5, t + 0.5) for t, k in np.argwhere(targets).tolist())
        videos[f"v{v}"] = VideoRecord(f"v{v}", float(len(targets)), events=events)
        scores[f"v{v}"] = VideoScores(1 / (1 + np.exp(-values)), CLOCK)
    classes = tuple(f"c{k}" for k in range(targets.shape[1]))
    return case["expected"], Dataset(name, classes, videos), scores


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "protocol, golden",
    [
        ("charades/frame", lambda e: float(e["sum_over_nonzero_count_x100"]) / 100),
        ("tsu/frame", lambda e: float(e["sum_over_nonzero_count_x100"]) / 100),
        ("charades/frame-all-classes", lambda e: float(e["mean_all_classes_x100"]) / 100),
        ("multithumos/frame", lambda e: float(e["mean_all_classes_x100"]) / 100),
        ("charades/gsig-map", lambda e: float(e["gsig_map"]["m_ap"])),
        ("charades/gsig-charades-map", lambda e: float(e["gsig_charades_map"]["m_ap"])),
        ("charades/gsig-weighted", lambda e: np.nansum([float(v) for v in e["gsig_map"]["weighted_ap_terms"]])),
    ],
)
def test_value_is_the_program_s(name: Any, protocol: Any, golden: Any) -> None:
    expected, dataset, scores = load(name)
    result = evaluate(protocol, dataset, list(dataset.videos), scores=scores)
    np.testing.assert_allclose(result.value, golden(expected), atol=1e-5)


def test_the_mended_ranking_flatters() -> None:
    _, dataset, scores = load("larger")
    ids = list(dataset.videos)
    published = evaluate("charades/gsig-charades-map", dataset, ids, scores=scores)
    honest = evaluate("charades/gsig-map", dataset, ids, scores=scores)
    assert published.details["mean_present_classes"] > honest.details["mean_present_classes"] + 1e-3
    assert PROTOCOLS["charades/gsig-charades-map"].instead == "frame-map/present"


@pytest.mark.parametrize(("name", "stops"), [("plain", False), ("larger", True)])
@pytest.mark.parametrize("tau", [0, 2, 20])
def test_action_conditional_published_and_corrected_agree_where_the_program_runs(
    name: Any, stops: Any, tau: Any
) -> None:
    _, dataset, scores = load(name)  # in "larger" some class is never a condition
    ids = list(dataset.videos)
    published = evaluate(f"action-conditional/published@{tau}", dataset, ids, scores=scores).value
    corrected = evaluate(f"action-conditional@{tau}", dataset, ids, scores=scores).value
    assert np.isfinite(corrected) and (np.isnan(published) if stops else published == corrected)
