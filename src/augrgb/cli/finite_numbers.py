"""Options that are numbers refuse `nan` and `inf`, which Python reads as numbers and every range lets pass."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import typer

from augrgb.core.errors import UsageFault


def only_finite_numbers(app: typer.Typer) -> None:
    """Let all commands of a program, and of its groups, refuse numbers that are not finite."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _checked(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            only_finite_numbers(group.typer_instance)


def _checked(run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def checked(**options: Any) -> Any:
        for name, value in options.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageFault("E-CFG-003", f"--{name.replace('_', '-')}", f"must be a finite number, got {value}")
        return run(**options)

    return checked
