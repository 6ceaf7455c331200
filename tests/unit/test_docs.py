"""The documentation holds: links lead somewhere, commands exist, examples compile, results are quoted correctly."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from augrgb.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").rglob("*.md"), *ROOT.glob("src/**/*.md")]
)
RESULTS = ROOT / "docs" / "results"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Fenced blocks of a page: (language, text)."""
    for found in _FENCE.finditer(page.read_text()):
        yield found[1], found[2]


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_pages() -> None:
    assert {"README.md", "docs/index.md", "docs/results/index.md"} <= set(map(name_of, PAGES))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Any) -> None:
    lost = []
    for link in _LINK.findall(prose(page)):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page).startswith("docs/")], ids=name_of)
def test_every_page_can_be_reached_from_the_table_of_contents(page: Any) -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(prose(index))}
    assert page in linked | {index}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_examples_compile(page: Any) -> None:
    for language, text in blocks(page):
        if language == "python":
            compile(text, name_of(page), "exec")


@pytest.mark.parametrize("page", ["docs/paper_to_code.md", "docs/architecture.md"])
def test_named_files_exist(page: Any) -> None:
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", prose(ROOT / page)))
    places = [ROOT / "src" / "augrgb", ROOT]
    assert len(named) > 5
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


def numbers_in(text: str) -> list[str]:
    return _NUMBER.findall(text.replace("\N{MINUS SIGN}", "-"))


def quoted() -> Iterator[tuple[str, str]]:
    """(page, number) of the first table of the results index."""
    for line in (RESULTS / "index.md").read_text().partition("## Targets")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and (found := _LINK.search(cells[3])) is not None:
            for number in numbers_in(cells[2]):
                yield found[1].partition("#")[0], number


def test_the_results_index_quotes_its_pages() -> None:
    rows = list(quoted())
    assert len({page for page, _ in rows}) >= 10
    assert [(page, number) for page, number in rows if number not in numbers_in((RESULTS / page).read_text())] == []


def test_the_numbers_of_the_readme_are_in_the_results() -> None:
    known = {number for page in RESULTS.glob("*.md") for number in numbers_in(page.read_text())}
    text = (ROOT / "README.md").read_text()
    table = text[text.index("| needs at test time") : text.index("augrgb implements")]
    assert [number for number in numbers_in(table) if "." in number and number not in known] == []


ROOT_COMMAND: Any = typer.main.get_command(app)
_STOPS = {"|", "&&", "||", ";", ">", "2>", "done"}


def words_of(line: str) -> list[list[str]]:
    """The commands `augrgb ...` in a line of shell: their words after `augrgb`."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in prose
        return []
    found: list[list[str]] = []
    for place, word in enumerate(words):
        start = word == "augrgb" and (place == 0 or words[place - 1] in _STOPS | {"do", "-m", "$", "#"})
        if start:
            found.append([one.rstrip(";") for one in takewhile(lambda one: one not in _STOPS, words[place + 1 :])])
    return [[verb, *rest] for first, *rest in filter(None, found) for verb in first.split("|")]


def commands_of(page: Path) -> Iterator[tuple[list[str], bool]]:
    """Commands of a page: their words, and whether they are whole (in a block) or may be fragments (in a sentence)."""
    for language, text in blocks(page):
        if language in ("", "sh"):
            for line in text.replace("\\\n", " ").splitlines():
                yield from ((words, True) for words in words_of(line))
    for code in re.findall(r"`(augrgb [^`]+)`", prose(page)):
        yield from ((words, False) for words in words_of(code.replace("\n", " ")))


def problem_with(words: list[str], *, whole: bool) -> str:
    """What the command line would refuse, without running anything; "" if nothing."""
    command, path, rest = ROOT_COMMAND, "augrgb", list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        path, command = f"{path} {rest[0]}", command.commands.get(rest.pop(0))
        if command is None:
            return f"{path}: no such command"
    known = {"--help", "-h"} | {name for one in command.params for name in [*one.opts, *one.secondary_opts]}
    unknown = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)} - known
    if unknown:
        return f"{path}: no option {', '.join(sorted(unknown))}"
    if whole and not hasattr(command, "commands") and not {"...", "--help", "--version"} & set(rest):
        try:
            command.make_context(path, rest)
        except TyperException as error:
            return f"{' '.join([path, *rest])}: {error}"
    return ""


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_commands_exist(page: Any) -> None:
    found = [problem_with(words, whole=whole) for words, whole in commands_of(page)]
    assert [problem for problem in found if problem] == []


def test_an_unknown_command_or_option_is_a_problem() -> None:
    assert problem_with(["trian", "x.yaml"], whole=False)
    assert problem_with(["train", "x.yaml", "--rnu", "x"], whole=False)
    assert problem_with(["train"], whole=True)
    assert words_of("augrgb world make -o world && ls | augrgb list  # augrgb nothing") == [
        ["world", "make", "-o", "world"],
        ["list"],
    ]


def _pages_in(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages_in(part)


def test_the_navigation_of_the_site_names_every_page() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text())
    named = {page for page in _pages_in(settings["project"]["nav"]) if not page.startswith("reference/")}
    there = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert named == there | {"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
