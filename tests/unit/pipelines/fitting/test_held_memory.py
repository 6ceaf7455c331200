import pytest
import torch

from augrgb.pipelines.fitting.held_memory import most_held

ROW = 4 * 1000


def chain(count: int) -> None:
    x = torch.zeros(1000)
    for _ in range(count):
        x = x + 1


def kept(count: int) -> list[torch.Tensor]:
    return [torch.zeros(1000) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 50])
def test_what_is_dropped_does_not_add_up(count: int) -> None:
    assert most_held(lambda: chain(count)) == 2 * ROW
    assert most_held(lambda: kept(count)) == count * ROW


def test_views_and_what_was_there_before_cost_nothing() -> None:
    x = torch.zeros(1000)
    assert most_held(lambda: (x[::2], x.view(10, 100), x.add_(1))) == 0


def test_a_backward_pass_counts() -> None:
    layers = torch.nn.Sequential(*(torch.nn.Linear(100, 100) for _ in range(4)))
    with torch.no_grad():
        forward = most_held(lambda: layers(torch.zeros(50, 100)))
    both = most_held(lambda: layers(torch.zeros(50, 100)).sum().backward())
    gradients = sum(p.numel() for p in layers.parameters()) * 4
    assert both >= gradients > forward
