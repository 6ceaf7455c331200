"""One rule for outputs and shared options, help for everything, completion and version."""

import json
import math
import os
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import augrgb
from augrgb.cli.app import ORDER, app
from augrgb.core.errors import UsageFault
from support.tiny_project import expect_success, run_cli


def commands() -> Any:
    """Every command with its full name."""
    pending = [("", typer.main.get_command(app))]
    while pending:
        name, command = pending.pop()
        if isinstance(command, TyperGroup):
            pending += [(f"{name} {inner}".strip(), one) for inner, one in command.commands.items()]
        else:
            yield name, command


COMMANDS = dict(commands())
SHARED = {"out": {"--out", "-o"}, "as_json": {"--json"}, "workers": {"--workers"}, "device": {"--device"}}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_shared_options_have_one_spelling_and_outputs_are_never_positional(name: Any) -> None:
    for parameter in COMMANDS[name].params:
        spelled = set(parameter.opts)
        for shared, spellings in SHARED.items():
            assert (parameter.name == shared) == bool(spelled & spellings), f"{name}: {parameter.name} {spelled}"
            if parameter.name == shared:
                assert parameter.param_type_name == "option" and spelled == spellings


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_has_help(name: Any) -> None:
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        if parameter.name not in ("help", "overrides"):
            assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"
    assert "Usage: augrgb" in expect_success(*name.split(), "-h").out


def test_help_lists_every_command_in_the_order_of_need() -> None:
    assert sorted(ORDER) == sorted({name.split()[0] for name in COMMANDS})
    told = expect_success("--help").out
    places = [told.index(f"│ {name} ") for name in ORDER]
    assert places == sorted(places)


def test_version_and_completion() -> None:
    assert expect_success("--version").out.strip() == augrgb.__version__
    environment = {**os.environ, "_AUGRGB_COMPLETE": "complete_bash", "COMP_WORDS": "augrgb de", "COMP_CWORD": "1"}
    program = [sys.executable, "-c", "from augrgb.cli.main import main; main()"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert set(done.stdout.split()) == {"demo", "detect"}, done.stderr


def test_json_is_one_document_on_stdout(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("video,label,start,end\nv,walk,0,1\n")
    found = json.loads(expect_success("data", "check", tmp_path / "a.csv", "--json").out)
    assert (found["usable"], found["format"], found["events"]) == (False, "csv", 1)  # one video is too few to train on
    assert "at least 3" in found["unfit"][0]
    assert json.loads(expect_success("data", "stats", tmp_path / "a.csv", "--json").out)["events"] == 1
    assert "hint" in json.loads(expect_success("list", "losses", "--json").out)["losses"]
    (tmp_path / "b.csv").write_text("video,label,start,end\nv,walk,0,nan\n")
    refused = run_cli("data", "check", tmp_path / "b.csv", "--json")
    assert refused.code == 3 and json.loads(refused.out)["findings"][0]["code"] == "E-ANN-002"


def test_error_codes_are_explained() -> None:
    assert "Cause: There is no decoder" in expect_success("explain", "e-vid-004").out
    unknown = run_cli("explain", "E-VID-999")
    assert unknown.code == 2 and "near: E-VID-" in unknown.err


def test_no_option_takes_a_number_that_is_not_finite() -> None:
    tried = 0
    for command in COMMANDS.values():
        hints = typing.get_type_hints(command.callback)
        hints.pop("return", None)
        for name in [name for name, hint in hints.items() if hint in (float, float | None)]:
            for value in (math.nan, math.inf, -math.inf):
                with pytest.raises(UsageFault, match=f"E-CFG-003 --{name.replace('_', '-')}"):
                    command.callback(**{**dict.fromkeys(hints), name: value})
            tried += 1
    assert tried > 30


def test_an_argument_of_any_length_gets_a_short_message() -> None:
    for words in (["report", "x", "--figures", "y" * 70_000], ["info", "z" * 10**6]):
        done = run_cli(*words)
        assert done.code == 2 and "E-CFG-003 argument" in done.err and len(done.err) < 500


@pytest.mark.parametrize("words", [("info", ""), ("recipes", "copy", "world/rgb", "-o", ""), ("", "info")])
def test_an_empty_argument_is_no_place(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_cli(*words)
    assert done.code == 2 and "E-CFG-003 argument" in done.err and "is empty" in done.err
    assert not list(tmp_path.iterdir())
