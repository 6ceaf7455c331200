"""Catalogs: the import line in a package's `__init__` is the registration.

A catalog maps the `name` of each subclass found in a namespace to the class. Options from a recipe bind to the
keyword-only arguments of its constructor and are checked against their type hints, so a default lives in one place.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from augrgb.core.errors import AugrgbError, UsageFault, did_you_mean, raise_together
from augrgb.core.fit import Unfit, fit
from augrgb.core.nested import leaves
from augrgb.core.shown import shown

if TYPE_CHECKING:
    from pydantic import BaseModel

Base = TypeVar("Base")

_LARGEST = 2**31 - 1


def catalog(base: type[Base], namespace: Mapping[str, object]) -> dict[str, type[Base]]:
    """Collect the concrete subclasses of `base` in a module namespace by their `name`.

    Raises:
        ValueError: Two classes share a name.
    """
    found: dict[str, type[Base]] = {}
    for value in namespace.values():
        if isinstance(value, type) and issubclass(value, base) and value is not base and "name" in value.__dict__:
            name = str(value.__dict__["name"])
            if found.setdefault(name, value) is not value:
                raise ValueError(f"two classes are called {name!r}: {found[name]} and {value}")
    return dict(sorted(found.items()))


def options_model(entry: type) -> type[BaseModel]:
    """The keyword-only arguments of `entry`'s constructor as a strict pydantic model."""
    from pydantic import ConfigDict, create_model

    hints = typing.get_type_hints(entry.__init__)  # type: ignore[misc]
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(entry.__init__).parameters.items():  # type: ignore[misc]
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[name] = (hints.get(name, Any), default)
    return create_model(f"{entry.__name__}Options", __config__=ConfigDict(extra="forbid"), **fields)


def check_choice(entries: Mapping[str, type], name: str, kind: str, where: str) -> None:
    """Refuse a name that the catalog does not hold, naming the nearest one."""
    if name not in entries:
        raise UsageFault(
            "E-CFG-002", f"{where}.{name}", f"no such {kind}", f"{did_you_mean(name, entries)} (augrgb list)"
        )


def check_options(
    entries: Mapping[str, type], name: str, options: Mapping[str, Any], kind: str, where: str
) -> dict[str, Any]:
    """Checked and complete options (defaults filled in) of catalog entry `name`.

    Raises:
        UsageFault: Unknown entry, unknown option (with the nearest name) or a value of the wrong type; all together.
            An option named in the entry's `data_options` may be absent: it is taken from the data later.
    """
    check_choice(entries, name, kind, where)
    try:
        found = _fitted_options(entries[name], options)
    except Unfit:  # pydantic finds all faults, and may still convert what is meant
        found = _validated_options(entries, name, options, where)
    raise_together(
        [
            UsageFault("E-CFG-003", f"{where}.{name}.{key}", f"expected {expected}, got {shown(value)}")
            for key, value in leaves(found).items()
            if (expected := _unbounded(value))
        ]
    )
    return found


def _unbounded(value: Any) -> str:
    """What a number should have been that no option can mean; "" for everything else."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a finite number"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"a number up to {_LARGEST}"
    return ""


def _fitted_options(entry: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Complete options where all of them fit as they are: those of a saved model do, and it loads without pydantic."""
    hints = typing.get_type_hints(entry.__init__)  # type: ignore[misc]
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(entry.__init__).parameters.items():  # type: ignore[misc]
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if name not in options and parameter.default is inspect.Parameter.empty:
                raise Unfit(f"{name} is missing")
            value = fit(options[name], hints.get(name, Any), name) if name in options else parameter.default
            plain = dataclasses.is_dataclass(value) and not isinstance(value, type)
            found[name] = dataclasses.asdict(value) if plain else value
    for name in options:
        if name not in found:
            raise Unfit(f"{name} is unknown")
    return found


def _validated_options(
    entries: Mapping[str, type], name: str, options: Mapping[str, Any], where: str
) -> dict[str, Any]:
    from pydantic import ValidationError

    model = options_model(entries[name])
    try:
        return dict(model.model_validate(dict(options)).model_dump())
    except ValidationError as error:
        later = getattr(entries[name], "data_options", ())
        items = [item for item in error.errors() if not (item["type"] == "missing" and item["loc"][0] in later)]
        if not items:
            return dict(options)
        faults: list[AugrgbError] = []
        for item in items:
            key = ".".join([where, name, *map(str, item["loc"])])
            if item["type"] == "extra_forbidden":
                hint = did_you_mean(str(item["loc"][0]), model.model_fields)
                faults.append(UsageFault("E-CFG-001", key, "no such option", hint))
            else:
                faults.append(UsageFault("E-CFG-003", key, f"{item['msg']}, got {shown(item['input'])}"))
        raise_together(faults)
        raise


def one_line(entry: type) -> str:
    """The first line of a class's docstring, for listings."""
    return (inspect.getdoc(entry) or "").split("\n", 1)[0]
