"""The documentation holds: links lead somewhere, commands exist, examples compile, results are quoted correctly."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_there_are_pages():
    assert {"README.md", "docs/index.md", "docs/results/index.md"} <= set(map(name_of, PAGES))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    lost = []
    for link in _LINK.findall(prose(page)):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_examples_compile(page):
    for language, text in blocks(page):
        if language == "python":
            compile(text, name_of(page), "exec")


@pytest.mark.parametrize("page", ["docs/paper_to_code.md", "docs/architecture.md"])
def test_named_files_exist(page):
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


def test_the_results_index_quotes_its_pages():
    rows = list(quoted())
    assert len({page for page, _ in rows}) >= 10
    assert [(page, number) for page, number in rows if number not in numbers_in((RESULTS / page).read_text())] == []


def test_the_numbers_of_the_readme_are_in_the_results():
    known = {number for page in RESULTS.glob("*.md") for number in numbers_in(page.read_text())}
    text = (ROOT / "README.md").read_text()
    table = text[text.index("| needs at test time") : text.index("augrgb implements")]
    assert [number for number in numbers_in(table) if "." in number and number not in known] == []
