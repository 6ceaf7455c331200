"""Values of options that several commands have: clocks and picture sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augrgb.core.errors import UsageFault

if TYPE_CHECKING:
    from augrgb.core.timeline import Clock


def clock_of(text: str | None) -> Clock | None:
    """`25,16,8` -> 25 frames a second, windows of 16, every 8; None = not given.

    Raises:
        UsageFault: E-CFG-004.
    """
    from augrgb.core.timeline import Clock

    if text is None:
        return None
    try:
        fps, window, stride = text.split(",")
        return Clock(float(fps), int(window), int(stride))
    except ValueError as error:
        raise UsageFault("E-CFG-004", f"--clock {text}", "expected FPS,WINDOW,STRIDE such as 25,16,8") from error


def size_of(text: str | None) -> tuple[int, int] | None:
    """`340x256` -> (width, height) in pixels; None = not given.

    Raises:
        UsageFault: E-CFG-004.
    """
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UsageFault("E-CFG-004", f"--size {text}", "expected WIDTHxHEIGHT such as 340x256")
    return int(width), int(height)
