"""Ensembles of streams: averaged probabilities, concatenated features, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.streams import StreamEnsemble, StreamSettings, build_stream, filter_sequence, load_ensemble, save_stream
from augrgb.streams.ensemble import mixed_logits

CLOCK = Clock(16.0, 8, 8)


def settings(name: Any = "sd_tcn", dim: Any = 5, modality: Any = "pose", clock: Any = CLOCK, **options: Any) -> Any:
    return StreamSettings(modality, name, dim, ("a", "b", "c"), clock, {"width": 6, **options})


def member(seed: Any, **options: Any) -> Any:
    torch.manual_seed(seed)
    stream = build_stream(settings(**options))
    stream.set_statistics(torch.randn(5), torch.rand(5) + 0.5)
    return stream.eval()


def test_probabilities_are_averaged_and_features_concatenated() -> None:
    streams = [member(0, layers=2), member(1, layers=2), member(2, layers=3)]
    ensemble = StreamEnsemble(streams).eval()
    x, mask = torch.randn(2, 9, 5), torch.arange(9) < torch.tensor([[9], [4]])
    output, alone = ensemble(x, mask), [stream(x, mask) for stream in streams]
    p = torch.stack([one.logits.sigmoid() for one in alone]).mean(0)
    torch.testing.assert_close(output.logits.sigmoid()[mask], p[mask])
    assert (output.logits[~mask] == 0).all() and (output.features[~mask] == 0).all()
    torch.testing.assert_close(output.features, torch.cat([one.features for one in alone], -1))
    torch.testing.assert_close(ensemble.filter(x, mask)[0], output.features)
    members = {id(value) for value in ensemble.members.parameters()}
    assert {name for name, value in ensemble.named_parameters() if id(value) not in members} == {
        "classifier.weight", "classifier.bias",
    }  # fmt: skip
    assert ensemble.filter.width == 18 and ensemble.num_classes == 3 and output.hidden == ()


def test_layers_are_concatenated_where_all_have_as_many() -> None:
    ensemble = StreamEnsemble([member(0, layers=2), member(1, layers=2)]).eval()
    output = ensemble(torch.randn(1, 7, 5), torch.ones(1, 7, dtype=torch.bool))
    assert [tuple(layer.shape) for layer in output.hidden] == [(1, 7, 12)] * 2
    torch.testing.assert_close(output.hidden[-1], output.features)


def test_cutting_into_windows_is_by_the_widest_reach() -> None:
    ensemble = StreamEnsemble([member(0, layers=1), member(1, layers=3)])
    x = torch.randn(40, 5)
    torch.testing.assert_close(filter_sequence(ensemble, x, window=8), filter_sequence(ensemble, x))
    assert StreamEnsemble([member(0), member(1, name="gru", layers=1)]).filter.reach is None


def test_mixed_logits_are_exact_and_stable() -> None:
    logits = torch.tensor([[90.0, -90.0, 0.3], [88.0, 90.0, -2.0]], dtype=torch.float64)
    weights = torch.tensor([[0.25, 0.5, 0.9], [0.75, 0.5, 0.1]], dtype=torch.float64)
    found = mixed_logits(logits, weights.log())
    assert torch.isfinite(found).all()
    p = (weights * logits.sigmoid()).sum(0)
    torch.testing.assert_close(found[1:].sigmoid(), p[1:])
    assert 88 < found[0] < 90  # 1 - p is far below what a probability can hold
    torch.testing.assert_close(mixed_logits(logits, torch.tensor([[0.0], [-torch.inf]])), logits[0])
    torch.testing.assert_close(mixed_logits(logits[:1]), logits[0])


def test_one_folder_is_the_stream_itself(tmp_path: Path) -> None:
    save_stream(tmp_path / "one", member(0), settings())
    assert not isinstance(load_ensemble([tmp_path / "one"]).stream, StreamEnsemble)


@pytest.mark.parametrize("other", [{"modality": "flow"}, {"clock": Clock(16.0, 8, 4)}])
def test_streams_of_other_features_are_refused(tmp_path: Path, other: Any) -> None:
    save_stream(tmp_path / "one", member(0), settings())
    save_stream(tmp_path / "two", member(1), settings(**other))
    with pytest.raises(InputRefused, match="E-MOD-017"):
        load_ensemble([tmp_path / "one", tmp_path / "two"])
    save_stream(tmp_path / "three", member(1), settings())
    found = load_ensemble([tmp_path / "one", tmp_path / "three"])
    assert isinstance(found.stream, StreamEnsemble) and not found.stream.training
