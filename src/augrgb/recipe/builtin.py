"""The recipes that come with the package: found by name, so that no checkout is needed.

They are YAML files in `augrgb/recipes/<folder>/<name>.yaml`, known as `folder/name`, or as `name` alone where no other
folder has that name. A comment block at the top of each says what `augrgb recipes list` shows:

    # What it is for, in one line.
    # Needs: data and runs that must exist.
    # Reaches: the number to expect, where one is known.
    #   augrgb COMMAND NAME ...            how to run it

Files without a command (a folder's `base.yaml`) are what others are laid over (`base:`), not recipes by themselves.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.opening import is_file, is_folder, regular_file
from augrgb.core.plain_data import read_text

FOLDER = Path(__file__).parents[1] / "recipes"


@dataclass(frozen=True)
class BuiltinRecipe:
    """One recipe of the package.

    Args:
        name: Such as `world/rgb`.
        path: Its file.
        command: The `augrgb` command that takes it; "" for a file that only serves as a base.
        purpose: What it is for, in one line.
        needs: Data and runs that must exist.
        reaches: The number to expect; "" where none is stated.
    """

    name: str
    path: Path
    command: str
    purpose: str
    needs: str
    reaches: str


def builtin_recipes() -> tuple[BuiltinRecipe, ...]:
    """All of them, bases included, by name."""
    return tuple(_described(path) for path in sorted(FOLDER.rglob("*.yaml")))


def builtin_path(name: str) -> Path:
    """The file of a built-in recipe.

    Args:
        name: `folder/name`, or a name that only one folder has; `.yaml` at the end is optional.

    Raises:
        UsageFault: E-CFG-005, there is no such recipe; E-CFG-007, several have that name.
    """
    wanted = name.removesuffix(".yaml").removeprefix("recipes/")
    known = {_name_of(path): path for path in sorted(FOLDER.rglob("*.yaml"))}
    if wanted in known:
        return known[wanted]
    recipes = {key: path for key, path in known.items() if path.stem != "base"}
    same = [key for key in recipes if key.rsplit("/", 1)[-1] == wanted]
    if len(same) > 1:
        raise UsageFault("E-CFG-007", name, f"several built-in recipes have this name: {', '.join(same)}")
    if same:
        return recipes[same[0]]
    short = [key.rsplit("/", 1)[-1] for key in recipes]
    candidates = set(recipes) if "/" in wanted else {key for key in short if short.count(key) == 1}
    hint = did_you_mean(wanted, candidates) if _is_near(wanted, candidates) else "See `augrgb recipes list`."
    raise UsageFault("E-CFG-005", name, "no such recipe, neither a file nor a built-in one", hint)


def recipe_path(path: Path | str) -> Path:
    """A recipe file that exists, or the built-in recipe of that name.

    Raises:
        UsageFault: As `builtin_path`.
    """
    if is_file(path):
        return Path(path)
    if os.path.lexists(path) and not is_folder(path):
        return regular_file(path, "recipe")  # a pipe, a device or a broken link: say so
    return builtin_path(Path(path).as_posix())


def _is_near(name: str, known: set[str]) -> bool:
    return did_you_mean(name, known).startswith("did you mean")


def _name_of(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def _described(path: Path) -> BuiltinRecipe:
    """What the comment block at the top says."""
    lines: list[str] = []
    for line in read_text(path).splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").rstrip())
    name = _name_of(path)
    commands = [re.match(rf"   augrgb (\S+) (?:{name}|{path.stem})(?: |$)", line) for line in lines]
    command = next((found[1] for found in commands if found), "")
    stated = {key: text for key, text in (_labeled(line) for line in lines) if key}
    reaches = stated.get("Reaches", "")
    return BuiltinRecipe(
        name,
        path,
        command,
        lines[0].strip() if lines else "",
        stated.get("Needs", "").rstrip("."),
        "" if reaches.startswith("not stated") else reaches.rstrip("."),
    )


def _labeled(line: str) -> tuple[str, str]:
    found = re.match(r" (Needs|Reaches): (.*)$", line)
    return (found[1], found[2]) if found else ("", "")
