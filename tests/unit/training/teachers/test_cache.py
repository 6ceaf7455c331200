"""What a teacher's cache knows is what would be computed from its outputs; cuts never take what is true of videos."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from augrgb.core.batch import StreamDims, StreamOutput
from augrgb.core.timeline import Clock
from augrgb.features.stream_data import StreamData
from augrgb.losses import LOSSES
from augrgb.losses.boundary_saliency import change, scaled_change
from augrgb.losses.parts.covariance import covariance, unit_covariance
from augrgb.losses.parts.unit_vectors import inverse_length
from augrgb.streams import StreamSettings, build_stream, filter_sequence
from augrgb.training import TeacherCache
from support.toy_training import CLASSES, toy_data

close = torch.testing.assert_close
CLOCK = Clock(16.0, 8, 8)


@pytest.fixture
def data() -> Any:
    dataset, features = toy_data()
    ids = list(dataset.videos)[:6]
    del features["pose"].tracks[ids[2]]
    return StreamData(dataset, ids, features, grid="rgb", labelled=ids[:4], allow_missing=1)


@pytest.fixture
def teacher() -> Any:
    torch.manual_seed(0)
    return build_stream(StreamSettings("pose", "sd_tcn", 5, CLASSES, CLOCK, {"width": 7, "layers": 3}))


def plain(output: Any) -> Any:
    """The same output without a cache behind it."""
    return StreamOutput(output.features, output.logits, output.hidden)


def batch_of(data: Any, length: Any) -> Any:
    return data.collate([0, 2, 4, 5], length, starts=[0, 0, 3, 2] if length else None, modalities=["rgb"])


@pytest.mark.parametrize("length", [None, 4, 1000])
def test_known_quantities_are_those_of_the_output(data: Any, teacher: Any, length: Any) -> None:
    cache = TeacherCache(teacher, data, "pose")
    batch = batch_of(data, length)
    for _ in range(2):  # computed, then known
        output, there = cache.outputs(replace(batch))
        assert there.any(1).tolist() == [True, False, True, True], "one video has no pose"
        mask = batch.mask & there
        close(output.per_snippet(inverse_length)[mask], inverse_length(output.features)[mask])
        pairs = mask[:, 1:] & mask[:, :-1]
        for curve in (change, scaled_change):
            close(output.per_snippet(curve)[:, :-1][pairs], curve(output.features)[:, :-1][pairs])
        for matrix in (covariance, unit_covariance):
            close(torch.stack(output.per_video(matrix, mask)), matrix(output.features, mask))


def counted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How often a whole video's quantity is asked for."""
    asked = []
    original = TeacherCache.of_video
    monkeypatch.setattr(
        TeacherCache, "of_video", lambda self, f, video, device: asked.append(video) or original(self, f, video, device)
    )
    return asked


def test_only_whole_videos_use_what_is_known_of_videos(
    data: Any, teacher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, asked = TeacherCache(teacher, data, "pose"), counted(monkeypatch)
    batch = batch_of(data, None)
    output, there = cache.outputs(batch)
    output.per_video(covariance, batch.mask & there)
    assert asked == [0, 2, 4, 5]
    restricted = batch.mask & there
    restricted[2, 1] = False  # a snippet that does not count
    matrices = output.per_video(covariance, restricted)
    assert asked[4:] == [0, 2, 5]
    close(torch.stack(matrices), covariance(output.features, restricted))
    asked.clear()
    cut = batch_of(data, 4)
    output, there = cache.outputs(cut)
    output.per_video(covariance, cut.mask & there)
    assert asked == []


def test_bits_do_not_depend_on_who_asked_first(data: Any, teacher: Any) -> None:
    first, second = TeacherCache(teacher, data, "pose"), TeacherCache(teacher, data, "pose", matrix_bytes=0)
    for indices in ([0, 4], [0, 5], [0]):
        batch = data.collate(indices, modalities=["rgb"])
        for cache in (first, second):
            output, there = cache.outputs(batch)
            values = output.per_video(covariance, batch.mask & there)
            expected = first.of_video(covariance, 0, torch.device("cpu"))
            assert torch.equal(values[0], expected)
    assert not second._of_videos


LOSSES_WITH_OPTIONS = [
    ("atomic_contrastive", {"max_negatives": None}),
    ("atomic_contrastive", {"max_negatives": 9, "symmetric": True}),
    *[("global_relation", {"form": form}) for form in ("paper", "scale_free", "correlation")],
    *[("boundary_saliency", {"form": form}) for form in ("paper", "scale_free", "per_channel")],
]


@pytest.mark.parametrize(("name", "options"), LOSSES_WITH_OPTIONS)
@pytest.mark.parametrize("length", [None, 4])
@pytest.mark.parametrize("width", [7, 4])
def test_losses_do_not_see_whether_a_teacher_is_cached(
    data: Any, teacher: Any, name: Any, options: Any, length: Any, width: Any
) -> None:
    cache = TeacherCache(teacher, data, "pose")
    batch = batch_of(data, length)
    torch.manual_seed(1)
    features = torch.randn(*batch.mask.shape, width).requires_grad_()
    loss = LOSSES[name](StreamDims(width, 7, 3), **options)
    results = []
    for known in (False, True):
        student = StreamOutput(features, torch.randn(*batch.mask.shape, 3))
        output, there = cache.outputs(batch)
        torch.manual_seed(2)
        value = loss(student, output if known else plain(output), batch.restricted_to(there))
        results.append((value.detach(), *torch.autograd.grad(value, features)))
    close(*results)
    assert results[0][0] > 0


def test_one_batch_is_read_once(data: Any, teacher: Any) -> None:
    cache = TeacherCache(teacher, data, "pose")
    batch = batch_of(data, None)
    assert cache.outputs(batch)[0] is cache.outputs(batch)[0]
    moved = replace(batch, starts=torch.tensor([1, 0, 0, 0]))
    assert torch.equal(cache.outputs(moved)[0].features[0, 0], cache.outputs(batch)[0].features[0, 1])


def test_hidden_layers_are_kept_on_demand(data: Any, teacher: Any) -> None:
    batch = batch_of(data, 4)
    assert TeacherCache(teacher, data, "pose").outputs(batch)[0].hidden == ()
    output, _ = TeacherCache(teacher, data, "pose", hidden=2, half=True).outputs(batch)
    values = torch.from_numpy(data.track(4, "pose").values)
    with torch.no_grad():
        whole = teacher.eval()(values[None], torch.ones(1, len(values), dtype=torch.bool))
    assert len(output.hidden) == 2 and len(whole.hidden) == 3
    for mine, expected in zip(output.hidden, whole.hidden[1:], strict=True):
        close(mine[2], expected[0, 3:7], rtol=1e-3, atol=1e-3)
    features, logits = filter_sequence(teacher, values)
    close(output.features[2], features[3:7], rtol=1e-3, atol=1e-3)
    close(output.logits[2], logits[3:7])


def test_losses_on_hidden_layers_say_so() -> None:
    dims = StreamDims(5, 5, 3)
    wanted = {("fsp", "{}"): 0, ("ab", "{}"): 0}
    assert {(name, "{}"): LOSSES[name](dims).teacher_layers for name, _ in wanted} == wanted
    assert LOSSES["fsp"](dims, layers="hidden", last=3).teacher_layers == 3  # type: ignore[call-arg]
    assert LOSSES["ab"](dims, last=2).teacher_layers == 2  # type: ignore[call-arg]
