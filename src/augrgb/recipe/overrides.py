"""Dotted overrides: `distill.losses.boundary_saliency.weight=0`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from augrgb.core.errors import AugrgbError, UsageFault, raise_together
from augrgb.core.nested import set_at
from augrgb.core.plain_data import parse_option


def apply_overrides(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A copy of nested `values` with each `a.b.c=value` set; values are read as YAML, keys as in `core.nested`.

    >>> apply_overrides({"train": {"steps": 5}}, ["train.steps=9", "seed=1"])
    {'train': {'steps': 9}, 'seed': 1}

    Raises:
        UsageFault: E-CFG-004, an override without `=` or with bad YAML; E-CFG-008, one that leads through a plain
            value; all faults together.
    """
    result = copy.deepcopy(dict(values))
    faults: list[AugrgbError] = []
    for override in overrides:
        key, equals, text = override.partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            faults.append(UsageFault("E-CFG-004", override, "not an override", "Write key.key=value."))
            continue
        try:
            set_at(result, path, parse_option(text, override))
        except UsageFault as fault:
            faults.append(UsageFault(fault.code, override, fault.problem, fault.remedy))
    raise_together(faults)
    return result
