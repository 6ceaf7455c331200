"""Stages the pages of the documentation site: the hand-written ones with their links, and the generated references.

The pages read well in a web view of the repository, where links lead to `../README.md` or `../examples/own_loop.py`.
A site has no folder above its pages, so those files become pages too and the links follow.

Run as `python scripts/stage_site.py build/site_pages`.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

from typer.main import get_command

import augrgb
from augrgb.cli.app import app
from augrgb.cli.describe import catalogs, recipe_keys
from augrgb.core.catalog import one_line, options_model
from augrgb.core.error_codes import AREAS, CODES, codes_of
from augrgb.metrics import PROTOCOLS
from augrgb.workflows.convert import writers

ROOT = Path(__file__).parents[1]
BESIDE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")  # pages that live beside docs/
_LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def main(out: Path) -> None:
    """Write all pages into a folder that is made anew."""
    shutil.rmtree(out, ignore_errors=True)
    for page in sorted((ROOT / "docs").rglob("*")):
        name = page.relative_to(ROOT).as_posix()
        if page.suffix == ".md" and name != "docs/index.md":  # the navigation takes its place
            _write(out, page.relative_to(ROOT / "docs").as_posix(), relink(page.read_text(encoding="utf-8"), name))
        elif page.suffix in {".png", ".svg"}:
            (out / page.relative_to(ROOT / "docs")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(page, out / page.relative_to(ROOT / "docs"))
    _write(out, "index.md", relink((ROOT / "README.md").read_text(encoding="utf-8"), "README.md"))
    for name in BESIDE:
        _write(out, name, relink((ROOT / name).read_text(encoding="utf-8"), name))
    for script in sorted((ROOT / "examples").glob("*.py")):
        _write(out, f"examples/{script.stem}.md", f"# {script.name}\n\n```python\n{script.read_text()}```\n")
    _write(out, "reference/commands.md", commands_page())
    _write(out, "reference/recipes.md", recipes_page())
    _write(out, "reference/parts.md", parts_page())
    _write(out, "reference/python.md", python_page())
    for code in CODES:
        _write(out, f"errors/{code}.md", error_page(code))
    _write(out, "llms.txt", llms_text(out))


def relink(text: str, name: str) -> str:
    """The text of a page with links that hold on the site; links to files that are no pages become code.

    Args:
        text: Markdown.
        name: path of the page in the repository.

    >>> relink("[formats](docs/data.md#x), [license](LICENSE), [paper](https://x.org)", "README.md")
    '[formats](data.md#x), `LICENSE`, [paper](https://x.org)'
    >>> relink("[loop](../examples/own_loop.py) [start](../README.md) [all](index.md)", "docs/api.md")
    '[loop](examples/own_loop.md) [start](index.md) [all](index.md)'
    """

    def replaced(found: re.Match[str]) -> str:
        path, hash_mark, anchor = found[2].partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return found[0]
        target = _page_of(posixpath.normpath(posixpath.join(posixpath.dirname(name), path)))
        if target is None:
            return f"`{path}`"
        here = posixpath.dirname(_page_of(name) or "")
        return f"[{found[1]}]({posixpath.relpath(target, here or '.')}{hash_mark}{anchor})"

    pieces, last = [], 0
    for fence in _FENCE.finditer(text):  # code is not touched
        pieces += [_LINK.sub(replaced, text[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join(pieces) + _LINK.sub(replaced, text[last:])


def _page_of(name: str) -> str | None:
    """Path on the site of a file of the repository; None if it is no page."""
    if name in {"README.md", "docs/index.md"}:
        return "index.md"
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    if name.startswith("examples/") and name.endswith(".py"):
        return name.removesuffix(".py") + ".md"
    return name if name in BESIDE else None


def _write(out: Path, name: str, text: str) -> None:
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text(text, encoding="utf-8")


def commands_page() -> str:
    """Every command with its arguments and options, from the program itself."""
    lines = ["# Commands", "", "`augrgb COMMAND --help` prints the same.", ""]
    for name, command in _commands(get_command(app), "augrgb"):
        lines += [f"## {name}", "", cleandoc(command.help or ""), ""]
        rows = [row for parameter in command.params if (row := _parameter_row(parameter))]
        if rows:
            lines += ["| argument or option | meaning | default |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part in command.list_commands(None):
        yield from _commands(command.commands[part], f"{name} {part}")


def _parameter_row(parameter: Any) -> str | None:
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return None
    is_argument = parameter.param_type_name == "argument"
    spelled = parameter.name.upper() if is_argument else ", ".join([*parameter.opts, *parameter.secondary_opts])
    default = parameter.default
    shown = (
        "required"
        if parameter.required
        else ""
        if default in (None, False, (), []) or callable(default)
        else f"`{default}`"
    )
    return f"| `{spelled}` | {_cell(parameter.help or '')} | {shown} |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("[", "\\[").strip()


def recipes_page() -> str:
    """Every key of a recipe, from the schema."""
    lines = [
        "# Recipe keys",
        "",
        "`augrgb show recipe` prints the same; an unknown key is refused with the nearest name.",
        "",
    ]
    for title, rows in recipe_keys():
        lines += [f"## {title[0].upper()}{title[1:]}", "", "| key | type | default |", "| --- | --- | --- |"]
        lines += [f"| `{key}` | {_cell(kind)} | {_code(default)} |" for key, kind, default in rows]
        lines.append("")
    return "\n".join(lines)


def parts_page() -> str:
    """Every format, loss, filter, encoder and protocol with its options, from the catalogs."""
    lines = [
        "# Formats, protocols and other parts",
        "",
        "`augrgb list` prints the same, `augrgb show NAME` all of one.",
        "",
    ]
    written = writers()
    for kind, entries in catalogs().items():
        formats = kind == "annotation_formats"
        head = ["name", "reads", "writes", "options", "what"] if formats else ["name", "options", "what"]
        lines += [
            f"## {kind.replace('_', ' ').capitalize()}",
            "",
            f"| {' | '.join(head)} |",
            "| --- " * len(head) + "|",
        ]
        for name, entry in entries.items():
            options = ", ".join(f"`{option}`" for option in options_model(entry).model_fields)
            reads = ["yes" if entry.readable else "no", "yes" if name in written else "no"] if formats else []
            lines.append(f"| {' | '.join([f'`{name}`', *reads, options, _cell(one_line(entry))])} |")
        lines.append("")
    lines += ["## Protocols", "", "| name | needs | what | source |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {one.needs} | {_cell(one.summary)} | {_cell(one.source)} |" for name, one in PROTOCOLS.items()
    ]
    return "\n".join([*lines, ""])


def error_page(code: str) -> str:
    """One error code, so that a search for it, or its address, finds nothing else.

    >>> print(error_page("E-VID-004").splitlines()[0])
    # E-VID-004
    """
    entry, area = CODES[code], code.split("-")[1]
    others = " · ".join(f"[{other}]({other}.md)" for other in codes_of(area) if other != code)
    kind = "a finding of `augrgb data check`" if entry.kind == "finding" else f"exit code {entry.exit_code}"
    lines = [f"# {code}", "", entry.cause, "", f"**Remedy:** {entry.remedy}", "", f"{AREAS[area]}, {kind}."]
    lines += ["", f"[All codes](../errors.md); in the same area: {others}" if others else "[All codes](../errors.md)"]
    return "\n".join([*lines, ""])


def llms_text(out: Path) -> str:
    """What there is to read, one line a page, for programs that read it (llmstxt.org)."""
    settings = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    lines = [f"# {settings['site_name']}", "", f"> {settings['site_description']}", ""]
    for section in settings["nav"]:
        for title, pages in section.items():
            lines += [f"## {title}", ""]
            lines += [f"- [{_title(out / page)}]({_address(page)})" for page in pages]
            lines.append("")
    lines += ["## Optional", "", "- Each error code has a page: `errors/E-VID-004/`", ""]
    return "\n".join(lines)


def _title(page: Path) -> str:
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return re.sub(r"[`*]", "", found[1]) if found else page.stem


def _address(page: str) -> str:
    return "./" if page == "index.md" else f"{page.removesuffix('/index.md').removesuffix('.md')}/"


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def python_page() -> str:
    """The names of `import augrgb`, rendered from their docstrings."""
    names = [name for name in augrgb.__all__ if name != "__version__"]
    lines = ["# Python reference", "", "How they work together: [Python](../api.md).", ""]
    for name in sorted(names, key=str.lower):
        entry = getattr(augrgb, name)
        lines += [f"::: {entry.__module__}.{entry.__name__}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
