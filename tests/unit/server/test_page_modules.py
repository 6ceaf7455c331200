"""The modules of the page: none imports in a circle, and all that is imported is there."""

from __future__ import annotations

import re
from pathlib import Path

import augrgb.server

PAGE = Path(augrgb.server.__file__).parent / "page"
_IMPORT = re.compile(r'^import (?:(\{[^}]+\}|\* as \w+) from )?"\./(\w+\.js)";', re.MULTILINE)


def imports(name: str) -> list[tuple[str, str]]:
    return _IMPORT.findall((PAGE / name).read_text(encoding="utf-8"))


def test_no_module_imports_in_a_circle() -> None:
    done: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        if name not in done:
            for _, other in imports(name):
                visit(other, (*above, name))
            done.append(name)

    visit("main.js", ())
    assert sorted(done) == sorted(path.name for path in PAGE.glob("*.js"))  # and none is left over


def test_what_is_imported_is_exported() -> None:
    for path in PAGE.glob("*.js"):
        for names, other in imports(path.name):
            text = (PAGE / other).read_text(encoding="utf-8")
            for name in re.findall(r"\w+", names) if names.startswith("{") else []:
                assert re.search(rf"^export (?:async )?(?:function|const|let|class) {name}\b", text, re.M), (
                    path.name,
                    name,
                )
