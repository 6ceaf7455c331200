"""Read a recipe: YAML, overrides, checks. Every mistake is reported, before any data is read."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from augrgb.core.catalog import check_options
from augrgb.core.errors import AugrgbError, FaultList, UsageFault, did_you_mean, raise_together
from augrgb.core.nested import merge
from augrgb.core.opening import is_file
from augrgb.core.plain_data import read_yaml
from augrgb.core.shown import shown
from augrgb.encoders import ENCODERS
from augrgb.filters import FILTERS
from augrgb.losses import LOSSES
from augrgb.recipe.builtin import recipe_path
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.overrides import apply_overrides
from augrgb.recipe.schema import StreamRecipe
from augrgb.recipe.sections import LossSection
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.video.flow import flow_recipe
from augrgb.video.flow.settings import FlowSettings

_OF_ALL_LOSSES = frozenset(LossSection.model_fields)
RecipeKind = TypeVar("RecipeKind", StreamRecipe, EncoderRecipe)


def load_recipe(path: Path, kind: type[RecipeKind], overrides: Sequence[str] = ()) -> RecipeKind:
    """Read and check a recipe. Relative paths in it are relative to the working folder.

    Args:
        path: A file, or the name of a built-in recipe such as `world/rgb`.

    Raises:
        UsageFault: The file is absent, not YAML, or anything in it is wrong (all faults together).
    """
    return check_recipe(apply_overrides(with_base(path), overrides), kind, where=str(path))


def with_base(path: Path) -> dict[str, Any]:
    """The values of a recipe laid over those of the file that it names as `base`, which has no base itself.

    The base is looked for beside the recipe, then among the built-in ones. They come together as `core.nested.merge`
    says: sections key by key; lists and plain values of the recipe replace those of its base.

    Raises:
        UsageFault: See `read_values`, for both files; E-CFG-006, `base` is not a file name; E-CFG-009, it has a base.
    """
    values = read_values(path)
    if "base" not in values:
        return values
    name = values.pop("base")
    if not isinstance(name, str):
        raise UsageFault("E-CFG-006", f"{path}: base", f"expected the name of a recipe file, got {shown(name)}")
    beside = recipe_path(path).parent / name
    base = read_values(beside if is_file(beside) else Path(name))
    if "base" in base:
        remedy = "A recipe has one base; put both into one file."
        raise UsageFault("E-CFG-009", f"{path}: base", f"{name} has a base itself ({base['base']!r})", remedy)
    return merge(base, values)


def read_values(path: Path) -> dict[str, Any]:
    """The plain values of a YAML recipe: a file, or a built-in one by its name.

    Raises:
        UsageFault: E-CFG-005, there is none; E-CFG-007, several built-in recipes have that name; E-CFG-024, it is not
            YAML or gives a key twice; E-CFG-025, it is not a mapping.
    """
    values = read_yaml(recipe_path(path))
    if not isinstance(values, dict):
        raise UsageFault("E-CFG-025", path, "a recipe is a mapping of sections", "See `augrgb show recipe`.")
    return values


def check_recipe(values: Mapping[str, Any], kind: type[RecipeKind], where: str = "recipe") -> RecipeKind:
    """Plain values -> a checked recipe.

    Raises:
        UsageFault: Anything is wrong (all faults together).
    """
    faults: list[AugrgbError] = []
    faults += _catalog_faults(values, where)
    try:
        recipe = kind.model_validate(dict(values))
    except ValidationError as error:
        faults += validation_faults(error, kind, where)
        raise_together(faults)
        raise
    raise_together(faults)
    return recipe


def validation_faults(error: ValidationError, kind: type[BaseModel], where: str) -> list[AugrgbError]:
    """What pydantic found wrong with the values of a section class, as our faults with the nearest names."""
    faults: list[AugrgbError] = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        place = f"{where}: {key}" if key else where
        if item["type"] == "extra_forbidden":
            hint = did_you_mean(str(item["loc"][-1]), _fields_at(kind, item["loc"][:-1]))
            faults.append(UsageFault("E-CFG-001", place, "no such key", hint))
        elif item["type"] == "missing":
            faults.append(UsageFault("E-CFG-014", place, "this key is required"))
        elif item["type"] == "value_error" and isinstance(item["input"], Mapping):  # keys that contradict each other
            faults.append(UsageFault("E-CFG-019", place, str(item["ctx"]["error"])))
        else:
            faults.append(UsageFault("E-CFG-003", place, f"{item['msg']}, got {shown(item['input'])}"))
    return faults


def _catalog_faults(values: Mapping[str, Any], where: str) -> list[AugrgbError]:
    """Faults in the parts whose names and options come from catalogs."""
    faults: list[AugrgbError] = []

    def check(entries: Mapping[str, type], name: str, options: Any, kind: str, key: str) -> None:
        try:
            check_options(entries, name, options if isinstance(options, dict) else {}, kind, f"{where}: {key}")
        except FaultList as several:
            faults.extend(several.faults)
        except AugrgbError as one:
            faults.append(_placed(one, f"{where}: {key}.{name}"))

    def section(*path: str) -> dict[str, Any]:
        value: Any = values
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    choices: list[tuple[str, Mapping[str, type], tuple[str, ...]]] = [
        ("temporal filter", FILTERS, ("student", "filter")),
        ("encoder", ENCODERS, ("encoder",)),
    ]
    for kind, entries, path in choices:
        chosen = section(*path)
        if len(chosen) > 1:
            faults.append(
                UsageFault("E-CFG-016", f"{where}: {'.'.join(path)}", f"choose one {kind}, got {list(chosen)}")
            )
        for name, options in chosen.items():
            check(entries, str(name), options, kind, ".".join(path))
    for name, options in section("encoder").items():
        if isinstance(options, dict) and options.get("flow") is not None:
            faults += _flow_faults(options["flow"], f"{where}: encoder.{name}")
    for name, options in section("distill", "losses").items():
        own = {k: v for k, v in options.items() if k not in _OF_ALL_LOSSES} if isinstance(options, dict) else options
        check(LOSSES, str(name), own, "loss", "distill.losses")
    if "semi_supervised" in values:
        options = section("semi_supervised", "mean_teacher")
        check({"mean_teacher": MeanTeacher}, "mean_teacher", options, "method", "semi_supervised")
    weights, streams = section("distill", "teacher_mixing"), section("distill").get("streams", {})
    named = streams if isinstance(streams, dict) else [Path(str(folder)).name for folder in streams or ()]
    teachers = [*section("distill", "teachers"), *named]
    for name in weights:
        if name not in teachers:
            hint = did_you_mean(str(name), map(str, teachers))
            faults.append(UsageFault("E-CFG-021", f"{where}: distill.teacher_mixing.{name}", "no such teacher", hint))
    return faults


def _flow_faults(flow: Any, where: str) -> list[AugrgbError]:
    """Whether the flow method exists and has what it needs; wrong types are reported with the other options."""
    if not isinstance(flow, dict):
        return []
    method, weights, sha256 = flow.get("method", "dis"), flow.get("weights"), flow.get("sha256")
    if not isinstance(method, str) or not isinstance(weights, str | None) or not isinstance(sha256, str | None):
        return []
    try:
        flow_recipe(FlowSettings(method, weights=weights, sha256=sha256))
    except UsageFault as fault:
        return [_placed(fault, where)]
    return []


def _placed(fault: AugrgbError, where: str) -> AugrgbError:
    """The fault with its full place in the recipe."""
    if fault.where.startswith(where):
        return fault
    return type(fault)(fault.code, f"{where}.{fault.where}", fault.problem, fault.remedy)


def _fields_at(model: type[BaseModel], path: Sequence[object]) -> list[str]:
    """Names of the fields of the section at `path`, for suggestions."""
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if _is_model(current) else None
        current = _model_in(field.annotation) if field is not None else current
    return list(current.model_fields) if _is_model(current) else []


def _model_in(annotation: Any) -> Any:
    """The section class inside an annotation such as `Section | None` or `dict[str, Section]`."""
    if _is_model(annotation):
        return annotation
    for argument in typing.get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)
