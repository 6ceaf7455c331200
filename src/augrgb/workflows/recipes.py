"""Copy a built-in recipe, to change it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from augrgb.core.errors import UsageFault
from augrgb.core.files import write_text
from augrgb.core.opening import is_folder
from augrgb.core.plain_data import read_text
from augrgb.recipe.builtin import FOLDER, builtin_path


def copy_recipe(name: str, target: Path | None = None) -> Path:
    """Write a built-in recipe, comments included, where it can be edited.

    A copy keeps using the built-in file that it is laid over (`base: charades/base.yaml`), and its own values win.

    Args:
        name: As for `builtin_path`.
        target: The file to write, or a folder; default: the recipe's file name in the working folder.

    Returns:
        The file.

    Raises:
        UsageFault: There is no such recipe; E-FILE-005, the file exists.
        EnvironmentFault: It cannot be written.
    """
    source = builtin_path(name)
    target = Path(source.name) if target is None else Path(target)
    if is_folder(target):
        target = target / source.name
    if os.path.lexists(target):
        raise UsageFault("E-FILE-005", target, "this file exists", "Choose another name with -o, or remove the file.")
    inside = source.parent.relative_to(FOLDER).as_posix()
    text = re.sub(r"^base: ([\w./-]+)", rf"base: {inside}/\1", read_text(source), flags=re.MULTILINE)
    write_text(target, text)
    return target
