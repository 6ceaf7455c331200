"""Weights of teachers per class: learned from labels, shared where teachers are missing, applied to losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from augrgb.core.batch import StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.features.stream_data import StreamData
from augrgb.training.teachers.mixing import (
    SharedSnippets,
    WeightedTeachers,
    learn_teacher_mixing,
    mean_shares,
)
from support import toy_training as toy


class Scorer:
    """A teacher that knows some classes and guesses at others; missing in some videos or snippets."""

    def __init__(self, data: Any, known: Any, seed: Any, missing: Any = (), first_half: Any = False) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.logits, self.there = [], []
        for index in range(len(data)):
            truth = torch.from_numpy(toy_truth(data, index))
            logits = torch.randn(truth.shape, generator=generator)
            for k in known:
                logits[:, k] += 6 * truth[:, k] - 3
            there = torch.full((len(truth),), index not in missing)
            there[len(truth) // 2 :] &= not first_half
            self.logits.append(logits)
            self.there.append(there)

    def outputs(self, batch: Any) -> Any:
        B, T = batch.mask.shape
        logits, there = torch.zeros(B, T, 3), torch.zeros(B, T, dtype=torch.bool)
        for row, index in enumerate(batch.indices.tolist()):
            count = len(self.there[index])
            logits[row, :count], there[row, :count] = self.logits[index], self.there[index]
        return StreamOutput(torch.zeros(B, T, 4), logits), there


def videos(data: Any, size: Any = 1) -> Any:
    """All videos, in batches."""
    numbers = range(len(data))
    return [data.collate(list(numbers[start : start + size]), modalities=()) for start in numbers[::size]]


def toy_truth(data: Any, index: Any) -> Any:
    everything = StreamData(data.dataset, data.video_ids, data.features, grid="rgb")
    return everything.labels(index)


@pytest.fixture(scope="module")
def data() -> Any:
    dataset, features = toy.toy_data(count=20)
    ids = list(dataset.videos)
    return StreamData(dataset, ids, {"rgb": features["rgb"]}, grid="rgb", labelled=ids[:16])


def test_each_class_is_given_to_the_teacher_that_knows_it(data: Any) -> None:
    sources = {"flow": Scorer(data, [0], 1), "pose": Scorer(data, [1], 2)}
    weights = learn_teacher_mixing(sources, videos(data))
    torch.testing.assert_close(weights.values.sum(0), torch.ones(3))
    assert weights.values[0, 0] > 0.9 and weights.values[1, 1] > 0.9
    assert 0.2 < weights.values[0, 2] < 0.8, "nobody knows class 2"
    assert weights.snippets == sum(len(data.labels(int(i))) for i in data.labelled_indices)
    batched = learn_teacher_mixing(sources, videos(data, size=3))
    torch.testing.assert_close(weights.values, batched.values), "however the videos are batched"
    again = learn_teacher_mixing(sources, videos(data))
    assert torch.equal(weights.values, again.values)
    told = weights.to_json(toy.CLASSES)
    assert told["weights"]["flow"]["walk"] == pytest.approx(float(weights.values[0, 0]))


def test_the_optimum_is_that_of_a_search(data: Any) -> None:
    sources = {"flow": Scorer(data, [0, 2], 1), "pose": Scorer(data, [1, 2], 2)}
    found = learn_teacher_mixing(sources, videos(data)).values
    logits = [torch.cat([s.logits[int(i)] for i in data.labelled_indices]).double().sigmoid() for s in sources.values()]
    labels = torch.cat([torch.from_numpy(data.labels(int(i))) for i in data.labelled_indices]).double()
    free = torch.linspace(-5, 5, 20001, dtype=torch.float64)[:, None]  # with two teachers the numbers are +-free
    for k in range(3):
        w, y = (2 * free).sigmoid(), labels[:, k]
        cost = 2e-3 * free[:, 0] ** 2
        for rows in range(0, len(free), 1000):
            p = w[rows : rows + 1000] * logits[0][:, k] + (1 - w[rows : rows + 1000]) * logits[1][:, k]
            cost[rows : rows + 1000] -= (y * p.log() + (1 - y) * (1 - p).log()).mean(1)
        assert float(found[0, k]) == pytest.approx(float(w[cost.argmin()]), abs=2e-3)


def test_unlabelled_videos_teach_no_weights(data: Any) -> None:
    sources = {"flow": Scorer(data, [0], 1), "pose": Scorer(data, [1], 2)}
    before = learn_teacher_mixing(sources, videos(data)).values
    for source in sources.values():
        for index in data.unlabelled_indices.tolist():
            source.logits[index] += 50
    assert torch.equal(before, learn_teacher_mixing(sources, videos(data)).values)


def test_where_a_teacher_is_missing_the_others_have_its_weight(data: Any) -> None:
    flow, pose = Scorer(data, [0], 1, missing=(0, 3)), Scorer(data, [1], 2, missing=(3,), first_half=True)
    weights = torch.tensor([[0.8, 0.3, 0.5], [0.2, 0.7, 0.5]])
    weighted = WeightedTeachers([flow, pose], weights)
    batch = data.collate([0, 1, 3], modalities=())
    output, there = weighted.outputs(batch)
    counts = [data.count(i) for i in (0, 1, 3)]
    half = [count // 2 for count in counts]
    assert there[0].sum() == half[0] and there[1].sum() == counts[1] and there[2].sum() == 0
    torch.testing.assert_close(output.logits[0, : half[0]], pose.logits[0][: half[0]])
    torch.testing.assert_close(output.logits[1, half[1] : counts[1]], flow.logits[1][half[1] :])
    p = weights[0] * flow.logits[1].sigmoid() + weights[1] * pose.logits[1].sigmoid()
    torch.testing.assert_close(output.logits[1, : half[1]].sigmoid(), p[: half[1]])
    assert (output.logits[~there] == 0).all()
    shares = weighted.shares(batch)
    torch.testing.assert_close(shares.sum(0), there.float())
    assert (shares[1, 0, : half[0]] == 1).all() and (shares[0, 1, half[1] : counts[1]] == 1).all()


def test_shares_follow_labels_where_there_are_any_else_the_scores(data: Any) -> None:
    flow, pose = Scorer(data, [0], 1), Scorer(data, [1], 2)
    weights = torch.tensor([[0.8, 0.3, 0.5], [0.2, 0.7, 0.5]])
    weighted = WeightedTeachers([flow, pose], weights)
    batch = data.collate([0, 18], modalities=())
    shares, output = weighted.shares(batch), weighted.outputs(batch)[0]
    for row, t in batch.mask.nonzero().tolist():
        y = batch.labels[row, t]
        classes = y if batch.labelled[row] and y.sum() > 0 else output.logits[row, t].sigmoid()
        torch.testing.assert_close(shares[:, row, t], (weights * classes).sum(1) / classes.sum())
    assert batch.labelled.tolist() == [True, False]


def test_snippets_are_drawn_by_share(data: Any) -> None:
    flow, pose = Scorer(data, [0], 1), Scorer(data, [1], 2)
    weighted = WeightedTeachers([flow, pose], torch.tensor([[0.9, 0.2, 0.5], [0.1, 0.8, 0.5]]))
    batch = data.collate(list(range(16)), modalities=())
    shares = weighted.shares(batch)
    torch.manual_seed(0)
    drawn = torch.stack([SharedSnippets(flow, 0, weighted).outputs(batch)[1] for _ in range(400)])
    torch.testing.assert_close(drawn.float().mean(0), shares[0], atol=0.12, rtol=0)
    assert not drawn[:, ~batch.mask].any()
    torch.testing.assert_close(mean_shares(weighted, videos(data)).sum(), torch.tensor(1.0))


def test_without_labels_there_is_nothing_to_learn_from(data: Any) -> None:
    nobody = Scorer(data, [0], 1, missing=range(16))
    with pytest.raises(UsageFault, match="E-TRN-005"):
        learn_teacher_mixing({"flow": nobody}, videos(data))
    assert replace(learn_teacher_mixing({"flow": Scorer(data, [0], 1)}, videos(data))).values.tolist() == [[1, 1, 1]]
