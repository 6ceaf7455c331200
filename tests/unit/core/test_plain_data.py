"""Text of other people: excess costs nothing, and each kind of mistake is one error."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from augrgb.core.errors import AugrgbError
from augrgb.core.files import write_json
from augrgb.core.plain_data import YAML_BYTES, parse_json, parse_option, parse_yaml, read_json, read_yaml
from augrgb.core.shown import printable, shown

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
BAD_YAML = {
    "bomb": BOMB,
    "itself": "a: &a [*a]",
    "deep": "a: " + "[" * 100_000,
    "deep mapping": "\n".join(" " * i + "a:" for i in range(500)),
    "digits": "a: " + "9" * 1_000_000,
    "sexagesimal": "a: 1" + ":59" * 200_000,
    "date": "a: 2020-99-99",
    "int": "a: !!int x",
    "float": "a: !!float x",
    "code": "a: !!python/object/apply:os.system ['true']",
    "key": "? [1, 2]\n: 3",
    "twice": "a: 1\na: 2",
    "half": 'a: "\\ud800"',
    "nul": "a: \0",
    "unknown alias": "a: *b",
    "large": "#" * (YAML_BYTES + 1),
}


@pytest.mark.parametrize("text", BAD_YAML.values(), ids=BAD_YAML)
def test_bad_yaml_is_refused_quickly(text: str, tmp_path: Path) -> None:
    begin = time.process_time()
    with pytest.raises(AugrgbError, match="E-CFG-024") as caught:
        parse_yaml(text, "recipe")
    assert len(str(caught.value)) < 600
    assert time.process_time() - begin < 5
    with pytest.raises(AugrgbError, match="E-CFG-004"):
        parse_option(text, "key=...")
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(AugrgbError, match=r"E-CFG-024|E-FILE-003"):
        read_yaml(tmp_path / "a.yaml")


def test_aliases_of_ordinary_recipes_are_fine() -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}"
    assert parse_yaml(text, "recipe")["c"] == {"x": 1, "y": 3}


BAD_JSON = {
    "digits": "9" * 5000,
    "deep list": "[" * 500 + "]" * 500,
    "deeper": "[" * 200_000,
    "deep object": '{"a":' * 500 + "1" + "}" * 500,
    "half": '["\\ud800"]',
    "half key": '{"\\udfff": 1}',
    "nothing": "",
}


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json_is_refused(text: str) -> None:
    with pytest.raises(AugrgbError, match="E-FILE-010") as caught:
        parse_json(text, "a.json")
    assert len(str(caught.value)) < 400


def test_large_whole_numbers_are_floats_that_never_overflow() -> None:
    value = parse_json("[" + "9" * 90 + ", 9223372036854775808, -9223372036854775808]", "a.json")
    assert value == [1e90, float(2**63), -(2**63)]
    assert all(float(number) == number for number in value)


def test_bytes_of_file_names_survive_json(tmp_path: Path) -> None:
    name = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    write_json(tmp_path / "a.json", {name: name})
    assert (tmp_path / "a.json").read_bytes().isascii()
    assert read_json(tmp_path / "a.json") == {name: name} == json.loads((tmp_path / "a.json").read_text())


def test_what_a_message_quotes_is_cut_before_it_is_built() -> None:
    layer: object = ["x"] * 9
    for _ in range(30):
        layer = [layer] * 9  # 9**31 values
    begin = time.process_time()
    assert len(shown(layer)) <= 80 and len(shown({"a": layer}, 200)) <= 200
    assert len(shown("x" * 10**7)) <= 80 and len(shown(9**100_000)) <= 80
    assert time.process_time() - begin < 1


def test_no_control_character_reaches_a_terminal() -> None:
    text = printable("a\x1b[31m\u202ereversed\udcff\x00b\r")
    assert text == r"a\x1b[31m\u202ereversed\udcff\x00b\r" and text.isprintable()
    assert str(AugrgbError("E-FILE-001", "a\nb\x1b", "no such file\x07")) == r"E-FILE-001 a\nb\x1b: no such file\x07."
