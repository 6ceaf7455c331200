"""MS-Temba: the scan against a loop over its equation, gaps, dilation, the cost of a longer video."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.filters import MsTemba
from augrgb.filters.ms_temba import BlockTerm
from augrgb.filters.parts.selective_scan import selective_scan


def small(**options: Any) -> MsTemba:
    torch.manual_seed(0)
    return MsTemba(5, **{"width": 8, "channels": (6, 4), "state": 3, "dropout": 0.0} | options)


def loop(x: Any, step: Any, decay: Any, enter: Any, leave: Any) -> Any:
    """The equation, one position at a time."""
    out = torch.zeros_like(x)
    for b in range(len(x)):
        for d in range(x.shape[2]):
            h = torch.zeros(decay.shape[1], dtype=x.dtype)
            for t in range(x.shape[1]):
                h = torch.exp(step[b, t, d] * decay[d]) * h + step[b, t, d] * x[b, t, d] * enter[b, t]
                out[b, t, d] = h @ leave[b, t]
    return out


def arguments(length: int) -> list[torch.Tensor]:
    torch.manual_seed(length)
    shapes = ((2, length, 3), (2, length, 3), (3, 4), (2, length, 4), (2, length, 4))
    x, step, decay, enter, leave = (torch.randn(shape, dtype=torch.float64) for shape in shapes)
    return [x, step.abs(), -decay.abs(), enter, leave]


@pytest.mark.parametrize("length", [1, 2, 3, 8, 17])
def test_the_scan_equals_the_loop_and_its_gradients_are_those_of_finite_differences(length: Any) -> None:
    given = arguments(length)
    torch.testing.assert_close(selective_scan(*given), loop(*given))
    assert torch.autograd.gradcheck(selective_scan, [part.requires_grad_() for part in given])


def test_a_step_of_zero_leaves_the_state_as_it_is() -> None:
    x, step, decay, enter, leave = arguments(9)
    step[:, 3:6] = 0
    kept = [0, 1, 2, 6, 7, 8]
    short = selective_scan(x[:, kept], step[:, kept], decay, enter[:, kept], leave[:, kept])
    torch.testing.assert_close(selective_scan(x, step, decay, enter, leave)[:, kept], short)


def test_a_hand_worked_state() -> None:
    """Decay ln 2 a step: the state halves, then takes half an input of 4."""
    x = torch.tensor([[[2.0], [4.0]]])
    step, decay = torch.tensor([[[1.0], [0.5]]]), torch.tensor([[-2 * torch.tensor(2.0).log()]])
    enter, leave = torch.ones(1, 2, 1), torch.tensor([[[1.0], [10.0]]])
    assert selective_scan(x, step, decay, enter, leave)[0, :, 0].tolist() == pytest.approx([2.0, 10 * (1.0 + 2.0)])


def test_only_states_at_which_chunks_begin_are_kept_for_the_backward_pass() -> None:
    saved: list[int] = []
    given = [part.float().requires_grad_() for part in arguments(100)]
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x.numel()) or x, lambda x: x):
        selective_scan(*given)
    assert sum(saved) == sum(part.numel() for part in given) + 2 * 10 * 3 * 4


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 13])
def test_every_length_alone_equals_the_same_video_in_a_long_batch(length: Any) -> None:
    net = small().eval()
    x = torch.randn(2, 29, 5)
    mask = torch.arange(29) < torch.tensor([29, length])[:, None]
    batched, hidden = net(x, mask)
    alone, hidden_alone = net(x[1:, :length], mask[1:, :length])
    torch.testing.assert_close(batched[1:, :length], alone, atol=1e-5, rtol=1e-5)
    assert [part.shape[-1] for part in hidden] == [6, 4, 8, 8]
    for part, whole in zip(hidden_alone, hidden, strict=True):
        torch.testing.assert_close(whole[1:, :length], part, atol=1e-5, rtol=1e-5)


def test_values_in_a_gap_or_an_empty_video_are_never_seen() -> None:
    net = small()
    x, mask = torch.randn(2, 12, 5), torch.ones(2, 12, dtype=torch.bool)
    mask[0, 3:7] = False
    mask[1] = False
    features, _ = net(x, mask)
    torch.testing.assert_close(net(torch.where(mask[..., None], x, 1e3), mask)[0], features)
    assert features[1].abs().max() == 0
    features.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_a_dilated_block_keeps_interleaved_snippets_apart() -> None:
    block = small(dilations=(1, 2, 3)).blocks[2]
    x = torch.randn(1, 14, 4)
    moved = x.clone()
    moved[0, 4] += 1
    mask = torch.ones(1, 14, dtype=torch.bool)
    changed = (block(moved, mask) - block(x, mask)).abs().amax(-1)[0] > 0
    assert changed.nonzero().flatten().tolist() == [1, 4, 7, 10, 13]


def test_every_snippet_sees_the_whole_video_in_both_directions() -> None:
    net = small().eval()
    x = torch.randn(1, 20, 5, requires_grad=True)
    net(x, torch.ones(1, 20, dtype=torch.bool))[0][0, 10, 0].backward()
    assert net.reach is None and x.grad is not None and (x.grad[0].abs().sum(-1) > 0).all()


def test_blocks_learn_from_labelled_snippets_alone() -> None:
    net, term = small(), BlockTerm((6, 4, 8), 2)
    x, mask = torch.randn(2, 6, 5), torch.ones(2, 6, dtype=torch.bool)
    features, hidden = net(x, mask)
    output = StreamOutput(features, features[..., :2], hidden)
    labels, labelled = torch.ones(2, 6, 2), torch.tensor([True, False])
    value = term(output, Batch(mask, labels, labelled))
    expected = sum(
        torch.nn.functional.binary_cross_entropy_with_logits(head(part[:1]), labels[:1])
        for head, part in zip(term.heads, hidden, strict=False)
    )
    torch.testing.assert_close(value, torch.as_tensor(expected))
    assert term(output, Batch(mask, labels, ~labelled & labelled)) == 0


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UsageFault, match=r"ms_temba\.dilations: .*3 blocks"):
        small(dilations=(1, 2))
    with pytest.raises(UsageFault, match=r"ms_temba\.dilations"):
        small(dilations=(1, 0, 2))
