"""Error codes are identifiers: every code in the source is registered, every registered code is raised somewhere."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from augrgb.core import errors
from augrgb.core.error_codes import AREAS, CODES, EXIT_CODES, explain, markdown

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "augrgb"
CODE = re.compile(r"\bE-[A-Z]+-[0-9]+\b")


def _written() -> dict[str, list[str]]:
    """Every code in the text of the source, docstrings included, with the files it is in."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        if path != SOURCE / "core" / "error_codes.py":
            for code in CODE.findall(path.read_text(encoding="utf-8")):
                found[code].append(str(path.relative_to(SOURCE)))
    return found


def _raised() -> dict[str, set[str]]:
    """Every code that is a whole string, not a word in a docstring, with the calls whose first argument it is."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        if path == SOURCE / "core" / "error_codes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                if isinstance(node.args[0].value, str) and CODE.fullmatch(node.args[0].value):
                    found[node.args[0].value].add(ast.unparse(node.func))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40:
                for code in CODE.findall(node.value):
                    found[code].add("")
    return found


def test_every_code_in_the_source_is_registered() -> None:
    unknown = {code: files for code, files in _written().items() if code not in CODES}
    assert not unknown, "add these to core/error_codes.py, with cause and remedy"


def test_every_registered_code_is_raised_somewhere() -> None:
    assert not set(CODES) - set(_raised()), "remove these from core/error_codes.py"


def test_codes_are_well_formed() -> None:
    for code, entry in CODES.items():
        assert re.fullmatch(r"E-[A-Z]{2,4}-\d{3}", code), code
        assert code.split("-")[1] in AREAS, code
        assert entry.kind in EXIT_CODES, code
        for sentence in (entry.cause, entry.remedy):
            assert sentence[0].isupper() or sentence[0] == "`", f"{code}: {sentence}"
            assert sentence.endswith("."), f"{code}: {sentence}"


def test_no_two_codes_have_one_cause() -> None:
    causes = [entry.cause for entry in CODES.values()]
    assert len(set(causes)) == len(causes)


def test_exit_codes_are_those_of_the_error_classes() -> None:
    for kind, name in (
        ("usage", "UsageFault"),
        ("input", "InputRefused"),
        ("quarantine", "Quarantined"),
        ("environment", "EnvironmentFault"),
        ("other", "AugrgbError"),
    ):
        assert EXIT_CODES[kind] == getattr(errors, name).exit_code


def test_a_code_is_raised_by_the_class_of_its_kind() -> None:
    kind_of = {
        "UsageFault": "usage",
        "InputRefused": "input",
        "Quarantined": "quarantine",
        "EnvironmentFault": "environment",
    }
    wrong = [
        f"{code} is {CODES[code].kind}, raised as {name}"
        for code, names in _raised().items()
        for name in names
        if name in kind_of and CODES[code].kind not in (kind_of[name], "finding")
    ]
    assert not wrong


def test_the_page_is_fresh() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert page == markdown(), "run `python -m augrgb.core.error_codes > docs/errors.md`"
    assert all(page.count(f"\n### {code}\n") == 1 for code in CODES)


def test_an_unregistered_code_is_refused() -> None:
    with pytest.raises(ValueError, match="not registered"):
        errors.UsageFault("E-CFG-999", "recipe.yaml", "wrong")


def test_a_code_is_explained() -> None:
    text = explain("e-vid-004")
    assert text.startswith("E-VID-004 (Videos, exit code 3)\nCause: ")
    assert "H.264" in text
    with pytest.raises(KeyError, match="E-VID-0"):
        explain("E-VID-099")
