"""The project file: which dataset, split, clock and filter everything of one project uses. `augrgb init` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.opening import is_folder
from augrgb.core.plain_data import read_yaml
from augrgb.recipe.encoder_schema import FrameSide
from augrgb.recipe.sections import ClockSection, Section

_SMALL, _LARGE = (64, 48), (224, 168)
PROJECT_FILE = "project.yaml"


class Project(Section):
    """What was chosen once, for all of a project."""

    dataset: Path = Field(description="Folder with dataset.json; relative to the project file.")
    split: str
    clock: ClockSection
    layers: int = Field(5, gt=0, le=16, description="Layers of the temporal filter.")
    size: tuple[FrameSide, FrameSide] = Field(
        _SMALL, description="Width and height of the frames that encoders see; default by encoder."
    )
    encoder: Literal["small", "motion", "efficientnet_lite"] = Field(
        "small",
        description="Of RGB: a small one from nothing; one that sees only motion, for places that no training video "
        "shows; or one pretrained on ImageNet (needs its weights).",
    )
    sensors: bool = Field(True, description="Use poses, signals and grids as teachers where there are some.")
    look_ahead: float | None = Field(
        None, ge=0, description="Seconds that the detector may see ahead, so that `augrgb watch` can use it; null: all."
    )
    folds: list[list[str]] | None = Field(
        None, description="Videos that are held out in turn; default: chosen below 20 videos. []: never."
    )
    seed: int = Field(0, ge=0, lt=2**32)

    @model_validator(mode="before")
    @classmethod
    def _size_of_encoder(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("encoder") == "efficientnet_lite":
            return {"size": list(_LARGE), **values}
        return values

    @model_validator(mode="after")
    def _reaches_so_far(self) -> Project:
        most = 2**self.layers - 1
        if self.look_ahead_snippets is not None and self.look_ahead_snippets > most:
            seconds = most * self.clock.stride / self.clock.fps
            raise ValueError(f"look_ahead: {self.layers} layers see {seconds:.1f} s ahead at most")
        return self

    @property
    def look_ahead_snippets(self) -> int | None:
        """The same in snippets, rounded down; None = the whole video."""
        return None if self.look_ahead is None else int(self.look_ahead * self.clock.fps / self.clock.stride + 1e-9)

    @property
    def frames_size(self) -> tuple[int, int]:
        """Size of the frames that flow is made for: small, whatever the encoder of RGB sees."""
        return _SMALL if self.encoder == "efficientnet_lite" else self.size


def _said(fault: ErrorDetails) -> str:
    if fault["type"] != "extra_forbidden":
        return fault["msg"]
    hint = did_you_mean(str(fault["loc"][-1]), Project.model_fields) if len(fault["loc"]) == 1 else ""
    return f"no such key ({hint})" if hint else "no such key"


def load_project(path: Path) -> Project:
    """Read a project file, or the one in a folder.

    Raises:
        InputRefused: E-FILE-001, it is absent.
        UsageFault: E-RUN-010, not a project file.
    """
    path = path / PROJECT_FILE if is_folder(path) else path
    try:
        project = Project.model_validate(read_yaml(path, "project file"))
    except InputRefused as fault:
        remedy = "Make one with `augrgb init VIDEOS EVENTS`."
        raise InputRefused(fault.code, path, fault.problem, fault.remedy or remedy) from fault
    except (UsageFault, ValidationError) as error:
        lines = (
            [f"{'.'.join(map(str, one['loc']))}: {_said(one)}" for one in error.errors()[:20]]
            if isinstance(error, ValidationError)
            else [error.problem]
        )
        remedy = "Correct it, or make it again with `augrgb init`."
        raise UsageFault("E-RUN-010", path, "not a project file: " + "; ".join(lines), remedy) from error
    folder = project.dataset if project.dataset.is_absolute() else path.parent / project.dataset
    return project.model_copy(update={"dataset": folder})
