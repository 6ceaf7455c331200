"""Changes of the still scene: what they change, and what they must leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from augrgb.encoders.augment import ImageChanges, augment
from augrgb.encoders.parts.foreground import moving_part
from augrgb.encoders.parts.scene_changes import add_own_frame, change_background, replace_background, still_mix

CHANGES = [change_background, add_own_frame, replace_background, still_mix]


def seeded(number: int = 0) -> Generator:
    return Generator().manual_seed(number)


def rooms(count: int = 6) -> Tensor:
    """Windows of rooms that differ, in which a bright square walks to the right."""
    x = torch.rand(count, 1, 48, 64, 3, generator=seeded()).expand(-1, 4, -1, -1, -1).clone()
    for frame in range(4):
        x[:, frame, 20:28, 10 + 6 * frame : 18 + 6 * frame] = 3.0
    return x


@pytest.mark.parametrize("change", CHANGES)
def test_shapes_seeds_and_what_zero_does(change: Callable[[Tensor, Generator, float], Tensor]) -> None:
    x = rooms()
    assert torch.equal(change(x, seeded(1), 1.0), change(x, seeded(1), 1.0))
    assert change(x, seeded(1), 1.0).shape == x.shape
    torch.testing.assert_close(change(x, seeded(1), 0.0), x)
    assert torch.equal(x, rooms())  # the input is left alone


def test_the_moving_part_is_where_the_square_walks() -> None:
    mask = moving_part(rooms(), 0.15)
    assert mask.shape == (6, 1, 48, 64, 1)
    inside, outside = mask[:, 0, 22:26, 14:30], mask[:, 0, 40:, 50:]
    assert inside.min() > 0.5 and outside.max() == 0
    assert moving_part(torch.rand(2, 1, 8, 8, 3).expand(-1, 4, -1, -1, -1)).max() == 0  # nothing moves
    assert moving_part(torch.rand(2, 1, 8, 8, 3)).shape == (2, 1, 8, 8, 1)  # one frame


def test_a_replaced_background_is_another_still_scene_behind_the_same_figure() -> None:
    x = rooms()
    y = replace_background(x, seeded(3), 1.0, 0.15)
    order = torch.randperm(6, generator=seeded(3))
    corner = (slice(None), slice(None), slice(40, None), slice(50, None))
    torch.testing.assert_close(y[corner], x[order][corner])
    torch.testing.assert_close(y[:, :, 23:25, 20:26], x[:, :, 23:25, 20:26])


def test_still_mix_adds_one_frame_to_all() -> None:
    x = rooms()
    y = still_mix(x, seeded(4), 1.0)
    torch.testing.assert_close(y.diff(dim=1), x.diff(dim=1) / 2)
    some = still_mix(x, seeded(4), 0.5)
    same = [torch.equal(a, b) for a, b in zip(some, x, strict=True)]
    assert any(same) and not all(same)


def test_an_own_frame_scales_motion_alone() -> None:
    x = rooms()
    y = add_own_frame(x, seeded(5), 1.0)
    part = y[:, 1:].sub(y[:, :1]).flatten(1).norm(dim=1) / x[:, 1:].sub(x[:, :1]).flatten(1).norm(dim=1)
    assert ((part > 0) & (part <= 1)).all() and part.std() > 0
    torch.testing.assert_close(y[:, :, 40:, 50:], x[:, :, 40:, 50:])  # the still scene stays


@pytest.mark.parametrize("part", ["own_frame", "foreground", "still_mix"])
def test_they_are_parts_of_the_usual_augmentation(part: str) -> None:
    off = {"shift": 0.0, "zoom": 0.0, "brightness": 0.0, "contrast": 0.0, "color": 0.0, "noise": 0.0}
    changed = augment("rgb", rooms(), seeded(), parts=ImageChanges(**off, **{part: 1.0}))
    assert (changed - rooms()).abs().max() > 1e-2
