"""Options that several commands share, with one meaning each, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from augrgb.core.errors import UsageFault

if TYPE_CHECKING:
    from augrgb.core.timeline import Clock

PartialVideo = Literal["refuse", "keep-prefix"]

Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Recipe values to change, such as train.steps=800.", metavar="[KEY=VALUE]..."),
]
RecipeArgument = Annotated[Path, typer.Argument(help="A recipe file, or the name of a built-in one (world/rgb).")]
RunOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Run folder to write. Default: runs/<name of the recipe>.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check data, features, teachers and one step. Train and write nothing.")
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one per core.")]
DeviceOption = Annotated[
    str, typer.Option("--device", help="Where networks run: auto (a GPU if there is one), cpu, cuda or cuda:N.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of tables.")]
PartialOption = Annotated[
    PartialVideo,
    typer.Option("--partial-video", help="Refuse a video that cannot be decoded to its end, or keep its first part."),
]
FailuresOption = Annotated[
    int, typer.Option("--allow-failures", min=0, help="How many unreadable files to tolerate before failing.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", "-f", help="Annotation format. Default: detected from the content.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Option of the annotation format, such as fps=25.", metavar="KEY=VALUE"),
]
MapOption = Annotated[
    Path | None, typer.Option("--map", help="YAML file of `old name: new name`. null makes an ignored region.")
]
OnlyOption = Annotated[str | None, typer.Option("--only", help="Take only the videos of this subset.")]
VideosOption = Annotated[
    Path | None, typer.Option("--videos", help="Folder of the videos, for durations, frame rates and missing files.")
]
PosesOption = Annotated[Path | None, typer.Option("--poses", help="Folder of pose .npz files named like the videos.")]
SignalOption = Annotated[
    Path | None,
    typer.Option("--signal", help="Folder of time series (.npz, see docs/modalities.md) named like the videos."),
]
GridOption = Annotated[
    Path | None,
    typer.Option("--grid", help="Folder of thermal, depth or radar images (.npz) named like the videos."),
]
ClockOption = Annotated[
    str | None,
    typer.Option("--clock", help="Clock of .npy arrays as FPS,WINDOW,STRIDE in frames, such as 25,16,8."),
]


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


def requires(option: str, other: str, value: object, remedy: str = "") -> None:
    """Refuse an option that was given without the option it belongs to.

    Raises:
        UsageFault: E-CFG-015.
    """
    if value is not None:
        raise UsageFault("E-CFG-015", option, f"requires {other}", remedy)
