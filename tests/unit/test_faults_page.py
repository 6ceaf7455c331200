"""docs/faults.md lists every fault with a test that exists."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
COUNTS = {"V": 24, "A": 20, "F": 19, "S": 25, "M": 10, "E": 6, "W": 10}


def rows() -> dict[str, list[str]]:
    found = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if cells and cells[0][1:].isdigit():
            found[cells[0]] = [name.strip(" |") for name in cells[-1].split(",") if "::" in name]
    return found


def test_every_row_is_there() -> None:
    wanted = {f"{kind}{number:02d}" for kind, count in COUNTS.items() for number in range(1, count + 1)}
    assert set(rows()) == wanted and len(wanted) == 114


def test_every_test_exists() -> None:
    missing = []
    for row, names in rows().items():
        assert names, f"{row} has no test"
        for name in names:
            file, _, function = name.partition("::")
            path = TESTS / f"{file}.py"
            there = path.is_file() and function in {
                node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)
            }
            missing += [] if there else [f"{row}: {name}"]
    assert not missing, "\n".join(missing)


def test_what_a_user_sees_is_said() -> None:
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("| ") and line[2] in COUNTS and line[3].isdigit():
            assert len(line.strip("|").split(" | ")) == 4, line
