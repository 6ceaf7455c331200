"""Every option of every format acts: reading or writing with it gives something else than without it."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import read_annotations, write_annotations
from augrgb.annotations.formats import FORMATS
from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.core.types import Event, VideoRecord
from support.format_samples import CASES, CLASSES

WRITES = {
    ("activitynet", "ignore"): ("Nothing",),
    ("augrgb", "name_as"): "kitchen",
    ("charades-json", "first"): 3,
    ("frame-wise", "background"): ("SIL",),
    ("frame-wise", "fps"): 5,
    ("multithumos-json", "first"): 3,
    ("pku-mmd", "first"): 3,
    ("pku-mmd", "fps"): 10,
}


def options_of(entry: type[AnnotationFormat]) -> set[str]:
    return {name for name, p in inspect.signature(entry).parameters.items() if p.kind is p.KEYWORD_ONLY}


def test_every_option_is_tried_here() -> None:
    for name, entry in FORMATS.items():
        assert options_of(entry) - set(entry.only_writes_with) == set(CASES[name].options), name
    writers = {n: e for n, e in FORMATS.items() if e.write is not AnnotationFormat.write}
    assert {(n, o) for n, e in writers.items() for o in e.writes_with} == set(WRITES)


def outcome(path: Path, name: str, options: dict[str, Any]) -> object:
    """What reading gives, or the code with which it is refused."""
    try:
        found = read_annotations(path, format_name=name, options=options)
    except AugrgbError as fault:
        return fault.code
    return found.classes, dict(found.videos), found.closed


@pytest.mark.parametrize(("name", "option"), [(n, o) for n, case in CASES.items() for o in case.options])
def test_every_option_of_reading_acts(tmp_path: Path, name: str, option: str) -> None:
    case = CASES[name]
    for file, text in case.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    (tmp_path / CLASSES).write_text("nothing\nof\nthis\n")
    (tmp_path / "numbers.txt").write_text("1 one\n2 two\n")
    (tmp_path / "interface.xml").write_text('<View><Video name="v" frameRate="12"/></View>')
    path = tmp_path / next(iter(case.files))
    path = path.parent if path.parent != tmp_path or name == "cvat-backup" else path
    base = dict(case.base)
    if option in case.with_rates:
        key, _, value = case.with_rates[option].partition("=")
        base[key] = value
    value = case.options[option]
    if isinstance(value, str) and (tmp_path / value).is_file():
        value = tmp_path / value
    given = {key: old for key, old in base.items() if key != option and not (option == "interface" and key == "fps")}
    changed = outcome(path, name, {**given, option: value})
    assert changed != outcome(path, name, base)
    assert changed not in ("E-CFG-001", "E-CFG-002", "E-CFG-003"), "the option itself must be right"


@pytest.mark.parametrize(
    ("option", "value"),
    [("id_prefix", "v_"), ("id_suffix", "_x"), ("id_folders", 0), ("several", "/"), ("encoding", "utf-16-le")],
)
def test_options_of_all_formats_act(tmp_path: Path, option: str, value: Any) -> None:
    path = tmp_path / "e.csv"
    path.write_text("video,label,start,end\ncam/clip,cut/stir,1,2\n")
    assert outcome(path, "csv", {option: value}) != outcome(path, "csv", {})


TO_WRITE = AnnotationSet(
    ("cut", "stir"),
    {
        "a": VideoRecord(
            "a", 10.0, events=(Event("cut", 1, 2), Event("stir", 3, 4)), ignored=(Event("x", 5, 6),), fps=25.0
        )
    },
)


def written(folder: Path, name: str, options: dict[str, Any]) -> dict[str, bytes]:
    target = folder / {"activitynet": "a.json", "charades-json": "a.json", "multithumos-json": "a.json"}.get(name, "")
    files = write_annotations(TO_WRITE, target, format_name=name, options=options)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.mark.parametrize(("name", "option"), list(WRITES))
def test_every_option_of_writing_acts(tmp_path: Path, name: str, option: str) -> None:
    assert written(tmp_path / "x", name, {}) != written(tmp_path / "y", name, {option: WRITES[name, option]})


def test_options_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    for name, entry in FORMATS.items():
        if entry.write is AnnotationFormat.write:
            continue
        for option in options_of(entry) - set(entry.writes_with):
            value = CASES[name].options[option]
            with pytest.raises(UsageFault, match=rf"E-CFG-013.*--set-out {option}.*is read"):
                write_annotations(TO_WRITE, tmp_path / "o", format_name=name, options={option: value})
    with pytest.raises(UsageFault, match=r"E-CFG-013.*--set name_as.*--set-out"):
        read_annotations(tmp_path, format_name="augrgb", options={"name_as": "kitchen"})
