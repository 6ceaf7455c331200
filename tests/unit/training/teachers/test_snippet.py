from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.features.video_features import VideoFeatures
from augrgb.filters import FILTERS
from augrgb.losses import LOSSES
from augrgb.streams.predict import filter_sequence
from augrgb.streams.stream import Stream
from augrgb.training.teachers.snippet import SnippetTeacher, snippet_teacher, stream_as_snippet_teacher
from augrgb.training.teachers.snippet_classifier import CLASSIFIER, read_classifier, save_classifier

GRID = Clock(15.0, 8, 8)


def batch_of(indices: list[int], labelled: list[bool] | None = None, classes: int = 3) -> Batch:
    count = len(indices)
    ones = torch.ones(count, 1, dtype=torch.bool)
    return Batch(
        features={},
        mask=ones,
        labels=torch.zeros(count, 1, classes),
        labelled=torch.tensor(labelled or [True] * count),
        available={},
        video_ids=tuple(map(str, indices)),
        indices=torch.tensor(indices),
    )


def a_stream(dim_in: int = 4, classes: int = 3) -> Stream:
    torch.manual_seed(0)
    stream = Stream(FILTERS["sd_tcn"](dim_in, width=6, layers=2), classes)  # type: ignore[call-arg]
    stream.set_statistics(torch.full((dim_in,), 0.3), torch.full((dim_in,), 2.0))
    return stream.eval()


def tracks_of(clock: Clock, lengths: list[int | None]) -> list[VideoFeatures | None]:
    rng = np.random.default_rng(1)
    return [
        None if length is None else VideoFeatures(rng.normal(size=(length, 4)).astype(np.float32), clock)
        for length in lengths
    ]


@pytest.mark.parametrize("clock", [GRID, Clock(30.0, 8, 8), Clock(15.0, 16, 12, offset=2)])
def test_a_stream_teaches_what_it_says_of_the_whole_video_at_the_nearest_time(clock: Any) -> None:
    """Oracle: run the stream over each video and look for the nearest center, snippet by snippet."""
    stream, lengths, counts = a_stream(), [9, None, 12], [8, 5, 11]
    tracks = tracks_of(clock, lengths)
    teacher = stream_as_snippet_teacher(stream, tracks, GRID, counts)
    output, there = teacher.outputs(batch_of(list(range(sum(counts)))))
    outputs = [filter_sequence(stream, torch.from_numpy(t.values)) if t is not None else None for t in tracks]
    everything = torch.cat([pair[0] for pair in outputs if pair is not None]).numpy()
    mean, std = everything.mean(axis=0), everything.std(axis=0) + 1e-4
    row = 0
    for pair, track, count in zip(outputs, tracks, counts, strict=True):
        for t in range(count):
            if pair is None:
                assert not there[row]
            else:
                at = GRID.centers_s(count)[t]
                distance = np.abs(clock.centers_s(len(track.values)) - at)
                near = int(distance.argmin())
                limit = 0.5 * (clock.stride_s + GRID.stride_s) + 1e-9
                assert bool(there[row]) == bool(distance[near] <= limit)
                if np.sum(distance < distance[near] + 1e-9) == 1:  # two centers equally near: either will do
                    np.testing.assert_allclose(output.logits[row, 0], pair[1][near], atol=1e-6)
                    np.testing.assert_allclose(output.features[row, 0], (pair[0][near].numpy() - mean) / std, atol=1e-5)
            row += 1
    assert teacher.known == int(there.sum()) and teacher.width == 6


def test_the_context_of_a_snippet_reaches_the_student() -> None:
    stream, tracks = a_stream(), tracks_of(GRID, [12])
    before = stream_as_snippet_teacher(stream, tracks, GRID, [12]).outputs(batch_of([5]))[0].logits
    values = tracks[0].values.copy()
    values[7] += 5.0  # a neighbour, outside the student's snippet 5
    after = stream_as_snippet_teacher(stream, [VideoFeatures(values, GRID)], GRID, [12])
    assert not torch.allclose(before, after.outputs(batch_of([5]))[0].logits)


def test_a_stream_of_other_classes_teaches_by_features_only() -> None:
    teacher = stream_as_snippet_teacher(a_stream(), tracks_of(GRID, [4]), GRID, [4], scores=False)
    output, _ = teacher.outputs(batch_of([0, 1]))
    assert output.features.shape == (2, 1, 6) and output.logits.shape == (2, 1, 0)


def test_a_stream_without_any_features_or_with_two_clocks() -> None:
    with pytest.raises(InputRefused, match="E-ENC-006"):
        stream_as_snippet_teacher(a_stream(), [None, None], GRID, [4, 4])
    two = [*tracks_of(GRID, [4]), *tracks_of(Clock(30.0, 8, 8), [4])]
    with pytest.raises(InputRefused, match="E-FEA-004"):
        stream_as_snippet_teacher(a_stream(), two, GRID, [4, 4])


def test_gradients_reach_the_student_only_where_the_teacher_is() -> None:
    stream = a_stream()
    teacher = stream_as_snippet_teacher(stream, tracks_of(GRID, [6, None]), GRID, [6, 6])
    batch = batch_of([2, 8])
    output, there = teacher.outputs(batch)
    assert there[:, 0].tolist() == [True, False]
    student = StreamOutput(torch.randn(2, 1, 6, requires_grad=True), torch.randn(2, 1, 3, requires_grad=True))
    for name in ("atomic_regression", "logit_kd"):
        loss = LOSSES[name](StreamDims(6, teacher.width, 3))
        loss(student, output, batch.restricted_to(there)).backward()
    for gradient in (student.features.grad, student.logits.grad):
        assert gradient[0].abs().sum() > 0 and gradient[1].abs().sum() == 0
    assert all(parameter.grad is None for parameter in stream.parameters())


def test_logits_alone_on_unlabelled_snippets() -> None:
    teacher = SnippetTeacher(np.zeros((2, 1), np.float32), logits=np.full((2, 3), 2.0, np.float32))
    batch = batch_of([0, 1], labelled=[True, False])
    output, _ = teacher.outputs(batch)
    logits = torch.zeros(2, 1, 3, requires_grad=True)
    loss = LOSSES["logit_kd"](StreamDims(1, 1, 3), only_unlabelled=True)  # type: ignore[call-arg]
    loss(StreamOutput(torch.zeros(2, 1, 1, requires_grad=True), logits), output, batch).backward()
    assert logits.grad[0].abs().sum() == 0 and logits.grad[1].abs().sum() > 0
    # soft targets: the gradient is that of binary cross-entropy with the teacher's probabilities
    expected = (torch.tensor(0.5) - torch.sigmoid(torch.tensor(2.0))) / 3
    torch.testing.assert_close(logits.grad[1, 0], expected.expand(3))


def test_standardised_features_and_unscaled_logits() -> None:
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(50, 3)) * [1, 100, 0.01] + 7).astype(np.float32)
    logits = rng.normal(size=(50, 2)).astype(np.float32)
    teacher = snippet_teacher(features, logits, [20, 30], GRID, GRID, [20, 30])
    output, there = teacher.outputs(batch_of(list(range(50))))
    assert there.all()
    np.testing.assert_allclose(output.features[:, 0].std(dim=0, correction=0), [1, 1, 1], atol=0.02)
    np.testing.assert_array_equal(output.logits[:, 0], logits)


def test_a_classifier_comes_back_as_it_was(tmp_path: Path) -> None:
    assert read_classifier(tmp_path) is None
    linear = nn.Linear(4, 3)
    save_classifier(tmp_path, linear)
    found = read_classifier(tmp_path)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(x @ found.weight.T + found.bias, linear(torch.from_numpy(x)).detach().numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("tensors", "code"),
    [
        ({"weight": torch.zeros(3, 4)}, "E-MOD-002"),
        ({"weight": torch.zeros(3, 4), "bias": torch.zeros(2)}, "E-MOD-002"),
        ({"weight": torch.full((3, 4), float("nan")), "bias": torch.zeros(3)}, "E-MOD-004"),
    ],
)
def test_what_is_no_classifier(tmp_path: Path, tensors: Any, code: Any) -> None:
    save_file(tensors, tmp_path / CLASSIFIER)
    with pytest.raises(InputRefused, match=code):
        read_classifier(tmp_path)


def test_padding_of_the_batch_is_not_taught() -> None:
    teacher = SnippetTeacher(np.ones((3, 2), np.float32))
    batch = batch_of([0, 1])
    batch = replace(batch, mask=torch.tensor([[True], [False]]))
    _, there = teacher.outputs(batch)
    assert batch.restricted_to(there).mask[:, 0].tolist() == [True, False]
