"""The one way to read text, JSON and YAML that somebody wrote: every mistake and every excess becomes one clear error.

* Depth, length and digits are bounded, so that a small file costs little: aliases in YAML are counted as often as they
  are used, and a whole number too large for 64 bits becomes a float.
* Text has no lone surrogates, except those that stand for the bytes of a file name that is not UTF-8.
* A key that is given twice in YAML is refused: the first of two methods with one name would be dropped silently.

`tests/unit/core/test_one_way.py` holds that no module calls a parser in another way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.opening import GIB, read_bytes
from augrgb.core.shown import printable, shown

YAML_BYTES = 2**20
YAML_DEPTH = 50
YAML_VALUES = 50_000
JSON_DEPTH = 200
_DIGITS = 100
_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # without U+DC80..U+DCFF: bytes of file names
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_YAML_ERRORS = (
    *(yaml.YAMLError, ValueError, TypeError, KeyError, IndexError, AttributeError),
    *(ArithmeticError, RecursionError),
)


def read_text(path: Path | str, what: str = "file", limit: int = GIB) -> str:
    """A whole UTF-8 file without its byte-order mark.

    Raises:
        InputRefused: E-FILE-002, another encoding; and see `opening.read_bytes`.
    """
    data = read_bytes(path, what, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"not UTF-8 at byte {error.start} (line {line})"
        raise InputRefused("E-FILE-002", path, problem, "Save it as UTF-8.") from error


def read_json(path: Path | str, what: str = "JSON file", limit: int = GIB) -> Any:
    """Read JSON, with an error that names file, line and column.

    Raises:
        InputRefused: E-FILE-010, not JSON, or nested too deeply; and see `read_text`.
    """
    return parse_json(read_text(path, what, limit), path)


def parse_json(text: str, where: object, hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Read JSON from text.

    Args:
        where: File, or place in it, for messages.
        hook: `object_pairs_hook` of `json`.

    Raises:
        InputRefused: E-FILE-010.
    """
    try:
        value = json_decoder(hook).decode(text)
    except json.JSONDecodeError as error:
        message = f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise InputRefused("E-FILE-010", where, message) from error
    except RecursionError as error:
        raise InputRefused("E-FILE-010", where, "not valid JSON: nested too deeply") from error
    except ValueError as error:
        raise InputRefused("E-FILE-010", where, f"not valid JSON: {error}") from error
    check_json(value, text, where)
    return value


def json_decoder(hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> json.JSONDecoder:
    """The decoder of all JSON; for readers that take a text apart themselves, which then call `check_json`."""
    return json.JSONDecoder(object_pairs_hook=hook, parse_int=_whole_number)


def check_json(value: Any, text: str, where: object) -> None:
    """Refuse what a parser lets through: nesting that code which walks the value could not follow, half characters.

    Args:
        value: What was read from `text`.
        where: File, or place in it, for messages.

    Raises:
        InputRefused: E-FILE-010.
    """
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    if text.count("[") + text.count("{") > JSON_DEPTH:  # cheap: most values cannot be deep
        while level:
            depth += 1
            if depth > JSON_DEPTH:
                raise InputRefused("E-FILE-010", where, f"nested too deeply; at most {JSON_DEPTH} levels are read")
            parts = (part.values() if isinstance(part, dict) else part for part in level)
            level = [inner for part in parts for inner in part if isinstance(inner, dict | list)]
    if _ESCAPED_SURROGATE.search(text) and (half := _half_character(value)) is not None:
        raise InputRefused("E-FILE-010", where, f"{shown(half)} has half a character (a lone surrogate)")


def read_yaml(path: Path | str, what: str = "recipe") -> Any:
    """Read YAML.

    Raises:
        UsageFault: E-CFG-024, not YAML, or more of it than is read.
        InputRefused: See `opening.read_bytes`.
    """
    data = read_bytes(path, what, YAML_BYTES)
    try:
        return parse_yaml(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise UsageFault("E-CFG-024", path, f"not UTF-8 at byte {error.start}", "Save it as UTF-8.") from error


def parse_yaml(text: str, where: object, code: str = "E-CFG-024") -> Any:
    """Read YAML from text.

    Args:
        where: File, or option, for messages.
        code: Of the error.

    Raises:
        UsageFault: Not YAML, or more of it than is read.
    """
    if len(text) > YAML_BYTES:
        raise UsageFault(code, where, f"larger than YAML may be ({YAML_BYTES >> 20} MiB)")
    try:
        value = yaml.load(text, _Loader)
    except _YAML_ERRORS as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise UsageFault(code, where, f"not valid YAML ({printable(reason[:300])})") from error
    if "\\" in text and (half := _half_character(value)) is not None:
        raise UsageFault(code, where, f"{shown(half)} has half a character (a lone surrogate)")
    return value


def parse_option(text: str, where: object) -> Any:
    """The value of a `KEY=VALUE` option, which is YAML.

    Raises:
        UsageFault: E-CFG-004.
    """
    try:
        return parse_yaml(text, where, "E-CFG-004")
    except UsageFault as fault:
        raise UsageFault("E-CFG-004", where, f"the value is {fault.problem}") from fault


def _whole_number(digits: str) -> int | float:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    value = int(digits)
    return value if -(2**63) <= value < 2**63 else float(value)


def _half_character(value: Any) -> str | None:
    """A text with a lone surrogate that stands for no byte, among all texts of a value; None if there is none."""
    rest = [value]
    while rest:
        part = rest.pop()
        if isinstance(part, str):
            if _SURROGATE.search(part):
                return part
        elif isinstance(part, dict):
            rest += [*part, *part.values()]
        elif isinstance(part, list | tuple | set):
            rest += part
    return None


class _Loader(yaml.SafeLoader):
    """Plain values only, with unique keys and bounded depth, number and length of values."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth, self._values = 0, 0
        self._sizes: dict[int, int] = {}  # id of a node -> values in it

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node, counting what it and its aliases will cost."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        before = self._values
        if self._depth >= YAML_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {YAML_DEPTH} levels")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._sizes:
                raise yaml.YAMLError("an alias stands inside its own anchor")
            self._values += self._sizes[id(node)]
        else:
            self._values += 1
            self._sizes[id(node)] = self._values - before
        if self._values > YAML_VALUES:
            raise yaml.YAMLError(f"more than {YAML_VALUES} values, aliases counted as often as they are used")
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping whose keys are unique."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    problem = f"the key {shown(key.value)} is given twice"
                    raise yaml.YAMLError(f"{problem} in line {key.start_mark.line + 1}")
                seen.add(key.value)
        return node

    def construct_short(self, node: Any) -> Any:
        """A number or time, whose text is short."""
        if len(node.value) > _DIGITS:
            raise yaml.YAMLError(f"a number of {len(node.value)} characters in line {node.start_mark.line + 1}")
        kind = node.tag.rsplit(":", 1)[-1]
        return getattr(yaml.SafeLoader, f"construct_yaml_{kind}")(self, node)


for _kind in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_short)
