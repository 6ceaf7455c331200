"""Templates to files: every page is one file with everything inside, that loads nothing and trusts no string.

All markup lives in templates with autoescape always on; Python only passes plain values.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augrgb.core.files import write_bytes
from augrgb.report.numbers import DASH, clock_time, duration, percent
from augrgb.report.palette import CLASS_COLORS

if TYPE_CHECKING:
    import jinja2


def write_page(path: Path, template: str, values: Mapping[str, Any]) -> None:
    """Write a template, filled with values, as UTF-8.

    Raises:
        EnvironmentFault: The file cannot be written.
    """
    # Names of files on disk may hold lone surrogates, which UTF-8 cannot: they are shown escaped.
    text = _environment().get_template(template).render(values)
    write_bytes(Path(path), text.encode("utf-8", "backslashreplace"))


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2  # here: processes that only prepare what a page shows need no templates

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("augrgb.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = {"percent": percent, "duration": duration, "clock_time": clock_time}
    environment.globals.update(shown, dash=DASH, colors=CLASS_COLORS)
    return environment
