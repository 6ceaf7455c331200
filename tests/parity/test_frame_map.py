"""Per-frame AP against numbers of super-events, MS-TCT, PDAN, TSU and gsig code (see docs/protocols.md)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from augrgb.metrics import frame_map
from support.places import PARITY

NAMES = ["plain", "zero_and_full", "no_positive_at_all", "single_frame_videos", "weighted", "larger", "ties"]


def load(name: Any) -> Any:
    cases = {case["name"]: case for case in json.loads((PARITY / "frame_map.json").read_text())["cases"]}
    assert sorted(cases) == sorted(NAMES)
    arrays = np.load(PARITY / "frame_map.npz")
    case = cases[name]

    def videos(kind: Any) -> Any:
        return [arrays[f"{name}/{kind}{v}"] for v in range(case["videos"])]

    weights = np.concatenate(videos("weights")) if case["weighted"] else None
    return case["expected"], videos("scores"), videos("targets"), weights


def numbers(value: Any) -> Any:
    return np.array([float(v) for v in np.atleast_1d(value)])


@pytest.mark.parametrize("name", NAMES)
def test_ap_and_both_means(name: Any) -> None:
    expected, scores, targets, weights = load(name)
    ap = frame_map.frame_ap(np.concatenate(scores), np.concatenate(targets), weights)
    golden = expected["ap_stable_sort"] if name == "ties" else expected["ap"]
    np.testing.assert_allclose(ap, numbers(golden), atol=1e-5)
    all_classes = expected.get("mean_all_classes_x100", expected.get("mean_stable_x100"))
    np.testing.assert_allclose(frame_map.mean_all_classes(ap) * 100, float(all_classes), atol=1e-3)
    if name != "ties":
        present = float(expected["sum_over_nonzero_count_x100"])
        np.testing.assert_allclose(frame_map.mean_present_classes(ap) * 100, present, atol=1e-3)
        assert int((ap != 0).sum()) == expected["nonzero_ap_classes"]


def test_ties_lie_between_the_extremes() -> None:
    expected, scores, targets, _ = load("ties")
    ap = frame_map.frame_ap(np.concatenate(scores), np.concatenate(targets))
    assert (ap >= numbers(expected["ap_lowest_over_tie_orders"]) - 1e-9).all()
    assert (ap <= numbers(expected["ap_highest_over_tie_orders"]) + 1e-9).all()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "ties"])
def test_gsig_map_and_charades_map(name: Any) -> None:
    expected, scores, targets, _ = load(name)
    scores, targets = np.concatenate(scores), np.concatenate(targets)
    ap = frame_map.frame_ap_present(scores, targets)
    np.testing.assert_allclose(ap, numbers(expected["gsig_map"]["ap"]), atol=1e-9)
    np.testing.assert_allclose(np.mean(ap), float(expected["gsig_map"]["m_ap"]), atol=1e-9)
    terms = frame_map.frequency_weighted_terms(ap, targets)
    np.testing.assert_allclose(terms, numbers(expected["gsig_map"]["weighted_ap_terms"]), atol=1e-9)
    ap = frame_map.charades_frame_ap(scores, targets)
    np.testing.assert_allclose(ap, numbers(expected["gsig_charades_map"]["ap"]), atol=1e-9)
    np.testing.assert_allclose(np.mean(ap), float(expected["gsig_charades_map"]["m_ap"]), atol=1e-9)


@pytest.mark.parametrize("name", ["plain", "larger"])
def test_sampled25(name: Any) -> None:
    expected, scores, targets, _ = load(name)
    golden = expected["sampled25"]
    ap, used = frame_map.frame_ap_sampled25(scores, targets)
    np.testing.assert_allclose(ap, numbers(golden["ap"]), atol=1e-5)
    assert used == golden["videos_used"]
    assert sum(len(frame_map.sampled25_rows(len(s))) for s in scores) == golden["frames"]
    np.testing.assert_allclose(frame_map.mean_all_classes(ap) * 100, golden["mean_all_x100"], atol=1e-3)
    np.testing.assert_allclose(frame_map.mean_present_classes(ap) * 100, golden["sum_over_nonzero_x100"], atol=1e-3)
