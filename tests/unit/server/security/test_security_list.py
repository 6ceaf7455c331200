"""The security list of SECURITY.md: every line names tests, and they exist."""

from __future__ import annotations

import re

from support.places import ROOT

PLACES = {"U": "tests/unit/server", "E": "tests/e2e"}


def test_every_line_of_the_list_has_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (\d+) \|[^|]+\|([^|]+)\|$", text, re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(1, 19))
    for number, tests in lines:
        named = re.findall(r"`([UE])/([\w/]+\.py)::(\w+)`", tests)
        assert named, number
        for place, file, name in named:
            source = (ROOT / PLACES[place] / file).read_text(encoding="utf-8")
            assert f"def {name}(" in source, (number, name)
