"""What the assemblies of streams and of encoders share: opening a recipe's parts one by one, and the device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from augrgb.parallel.devices import chosen_devices
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.schema import StreamRecipe

Guard = Callable[[str], AbstractContextManager[object]]
"""Entered for each part of a recipe, by name. It may swallow an `AugrgbError`; the part is then left out."""

Recipe = TypeVar("Recipe", StreamRecipe, EncoderRecipe)


def strict(part: str) -> AbstractContextManager[object]:
    """The guard of a training run: the first fault ends the assembly."""
    return nullcontext()


def with_device(recipe: Recipe, device: str | None) -> tuple[Recipe, int | None]:
    """The recipe trained on a device, and the number of the GPU if one is named.

    Args:
        recipe: Has `train.accelerator`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; None = the recipe's.

    Raises:
        UsageFault, EnvironmentFault: There is no such device, see `chosen_devices`.
    """
    if device is None:
        return recipe, None
    chosen_devices(device)
    accelerator, _, number = device.partition(":")
    train = recipe.train.model_copy(update={"accelerator": accelerator})
    return recipe.model_copy(update={"train": train}), int(number) if number else None
