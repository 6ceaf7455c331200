"""Frame-wise metrics against the arithmetic of the published script, rebuilt here frame by frame and cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.metrics import evaluate
from augrgb.metrics.frame_labels import edit_score, frame_accuracy, frame_runs, labels_of_scores, segment_counts

NAMES = ("take", "pour", "stir")


def naive_segments(labels: list[int], last: int) -> list[tuple[int, int, int]]:
    """Walk over the frames; `last` is added to the index of the last frame where a segment reaches the end."""
    found: list[list[int]] = []
    before = None
    for i, label in enumerate(labels):
        if label != before:
            if before is not None and before >= 0:
                found[-1][2] = i
            if label >= 0:
                found.append([label, i, -1])
            before = label
    if before is not None and before >= 0:
        found[-1][2] = len(labels) - 1 + last
    return [(label, start, end) for label, start, end in found]


def naive_edit(p: list[int], y: list[int]) -> float:
    cost = [[0] * (len(y) + 1) for _ in range(len(p) + 1)]
    for i in range(len(p) + 1):
        cost[i][0] = i
    for j in range(len(y) + 1):
        cost[0][j] = j
    for i in range(1, len(p) + 1):
        for j in range(1, len(y) + 1):
            same = p[i - 1] == y[j - 1]
            cost[i][j] = cost[i - 1][j - 1] if same else 1 + min(cost[i - 1][j], cost[i][j - 1], cost[i - 1][j - 1])
    return 1 - cost[-1][-1] / max(len(p), len(y)) if p or y else 1.0


def naive_counts(p: list[int], y: list[int], overlap: float, last: int) -> tuple[int, int, int]:
    right = wrong = 0
    known = naive_segments(y, last)
    hit = [False] * len(known)
    for label, start, end in naive_segments(p, last):
        best, at = -1.0, -1
        for j, (other, s, e) in enumerate(known):
            union = max(end, e) - min(start, s)
            value = (min(end, e) - max(start, s)) / union * (other == label) if union else 0.0
            if value > best:
                best, at = value, j
        if at >= 0 and best >= overlap and not hit[at]:
            hit[at] = True
            right += 1
        else:
            wrong += 1
    return right, wrong, hit.count(False)


def random_labels(rng: np.random.Generator, count: int) -> list[int]:
    return [int(v) for v in np.repeat(rng.integers(-1, 4, count), rng.integers(1, 9, count))]


@pytest.mark.parametrize("seed", range(60))
def test_equal_to_the_published_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(4):
        y = random_labels(rng, int(rng.integers(1, 12)))
        noise = rng.random(len(y)) < 0.3
        p = [int(v) for v in np.where(noise, rng.integers(-1, 4, len(y)), np.roll(y, int(rng.integers(0, 3))))]
        truth.append(y)
        found.append(p)
    total = sum(map(len, truth))
    correct = sum(a == b for p, y in zip(found, truth, strict=True) for a, b in zip(p, y, strict=True))
    assert frame_accuracy(found, truth) == pytest.approx(correct / total, abs=1e-12)
    for p, y in zip(found, truth, strict=True):
        runs = frame_runs(y)
        assert list(zip(runs.label, runs.start, runs.end, strict=True)) == naive_segments(y, 1)
        order = [[s[0] for s in naive_segments(labels, 1)] for labels in (p, y)]
        assert edit_score(p, y) == pytest.approx(naive_edit(*order), abs=1e-12)
    for overlap in (0.1, 0.25, 0.5):
        for short in (False, True):
            naive = [naive_counts(p, y, overlap, 0 if short else 1) for p, y in zip(found, truth, strict=True)]
            tp, fp, fn = (sum(column) for column in zip(*naive, strict=True))
            counts = segment_counts(found, truth, overlap, short_last=short)
            assert (counts.right, counts.wrong, counts.missed) == (tp, fp, fn)
            precision, recall = tp / max(tp + fp, 1), tp / max(tp + fn, 1)
            expected = 2 * precision * recall / (precision + recall) if tp else 0.0
            assert counts.f1 == pytest.approx(expected, abs=1e-12)


def test_by_hand() -> None:
    """Ten frames, computed on paper: 0 0 0 0 | 1 1 1 | - | 0 0 against 0 0 | 1 1 1 1 1 | - | 2 2."""
    truth = [0, 0, 0, 0, 1, 1, 1, -1, 0, 0]
    found = [0, 0, 1, 1, 1, 1, 1, -1, 2, 2]
    assert frame_accuracy([found], [truth]) == 0.6
    assert edit_score(found, truth) == pytest.approx(2 / 3)  # one of three is another
    counts = segment_counts([found], [truth], 0.5)  # overlaps 2/4 and 3/5; 2 is not there
    assert (counts.right, counts.wrong, counts.missed) == (2, 1, 1) and counts.f1 == pytest.approx(2 / 3)
    assert segment_counts([found], [truth], 0.55).right == 1


def test_scores_become_labels() -> None:
    assert labels_of_scores([[0.6, 0.7], [0.4, 0.3], [0.55, 0.45], [0.0, 0.0]]).tolist() == [1, -1, 0, -1]
    assert labels_of_scores([[0.4, 0.35, 0.25]]).tolist() == [0]  # a distribution


def test_as_protocols() -> None:
    truth = {"v": [("take", 0.0, 4.0), ("pour", 4.0, 7.0), ("take", 8.0, 10.0)]}
    scores = np.zeros((10, 3), np.float32)
    for frame, label in enumerate([0, 0, 1, 1, 1, 1, 1, -1, 2, 2]):
        if label >= 0:
            scores[frame, label] = 0.9

    def value(name: str) -> float:
        return evaluate(name, truth, scores={"v": scores}, classes=NAMES, durations={"v": 10.0}).value

    assert value("mstcn/mof") == pytest.approx(0.6)
    assert value("mstcn/edit") == pytest.approx(2 / 3)
    assert value("mstcn/f1@10") == value("mstcn/f1@50") == pytest.approx(2 / 3)
    assert value("asformer/f1@50") == pytest.approx(2 / 3)
    overlapping = {"v": [("take", 0.0, 4.0), ("pour", 2.0, 6.0)]}
    with pytest.raises(InputRefused, match="several labels") as caught:
        evaluate("mstcn/mof", overlapping, scores={"v": scores}, classes=NAMES, durations={"v": 10.0})
    assert caught.value.code == "E-MET-017"
