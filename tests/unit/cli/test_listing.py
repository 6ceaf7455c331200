"""What `augrgb list` and `augrgb show` know, and values of options that commands share."""

from typing import Any

import pytest
from rich.table import Table

from augrgb.cli.describe import catalogs
from augrgb.cli.options import clock_of, size_of
from augrgb.cli.output import say, stdout, warn
from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from support.tiny_project import expect_success, run_cli


def test_every_kind_of_part_is_listed_with_a_line_about_each() -> None:
    told = " ".join(expect_success("list").out.split())
    for kind, parts in catalogs().items():
        assert kind in told and parts
        for name, part in parts.items():
            assert name in told and (part.__doc__ or "").strip(), f"{kind} {name} has no docstring"
    assert {"flow_methods", "annotation_formats", "skeleton_formats"} <= set(catalogs())


def test_parts_of_one_name_are_shown_without_doubt() -> None:
    names = [name for parts in catalogs().values() for name in parts]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("raft", "Teed and Deng", False),
        ("lcrnet", "y down", False),
        ("cvat", "outside", True),
        ("hint", "FitNets", True),
    ],
)
def test_parts_are_shown_with_options_where_they_have_some(name: Any, text: Any, options: Any) -> None:
    told = expect_success("show", name).out
    assert text in told and ("┃ option" in told) == options


def test_kinds_that_are_not_there() -> None:
    assert run_cli("list", "flow_method").code == 2 and "flow_methods" in run_cli("list", "flow_method").err


def test_option_values() -> None:
    assert clock_of(None) is None and size_of(None) is None
    assert clock_of("25,16,8") == Clock(25.0, 16, 8) and size_of("340X256") == (340, 256)
    for text in ("25", "25,16", "a,b,c", "25,16.5,8"):
        with pytest.raises(UsageFault, match=r"E-CFG-004 --clock .*FPS,WINDOW,STRIDE"):
            clock_of(text)
    for text in ("340", "x", "0x3", "-3x4", "²x3"):
        with pytest.raises(UsageFault, match=r"E-CFG-004 --size .*WIDTHxHEIGHT"):
            size_of(text)


def test_no_name_brings_control_codes_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name")
    table.add_row("a\x1b[31m")
    stdout().print(table)
    say("b\x1b]0;title\x07")
    warn("c\x9b2J")
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out and "a\\x1b" in shown.out and "b\\x1b]0;title" in shown.out
    assert "\x9b" not in shown.err
