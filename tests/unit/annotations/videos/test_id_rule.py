"""Ids as options say they are meant, in every command that reads annotations."""

from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.videos.id_rule import IdRule
from augrgb.core.errors import AugrgbError


def ids(tmp_path: Path, names: list[str], **options: Any) -> list[str]:
    path = tmp_path / "events.csv"
    path.write_text("video,label,start,end\n" + "".join(f"{name},walk,0,1\n" for name in names))
    return list(read_annotations(path, options=options).videos)


@pytest.mark.parametrize(
    ("names", "options", "found"),
    [
        (["a", "b"], {"id_prefix": "v_"}, ["v_a", "v_b"]),
        (["v_a", "v_b"], {"id_prefix": "v_"}, ["a", "b"]),
        (["v_a", "b"], {"id_prefix": "v_"}, ["v_a", "v_b"]),  # put where it lacks, taken only where all have it
        (["a.npy", "b.npy"], {"id_suffix": ".npy"}, ["a", "b"]),
        (["a", "b"], {"id_suffix": "-rgb"}, ["a-rgb", "b-rgb"]),
        (["P01/cam1/milk", "P02\\cam1\\tea"], {"id_folders": 0}, ["milk", "tea"]),
        (["P01/cam1/milk", "P02/cam1/tea"], {"id_folders": 1, "id_suffix": "_x"}, ["cam1/milk_x", "cam1/tea_x"]),
    ],
)
def test_ids_change_as_said(tmp_path: Path, names: Any, options: Any, found: Any) -> None:
    assert ids(tmp_path, names, **options) == found


def test_ids_that_would_become_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r"E-ID-001.*means the same video"):
        ids(tmp_path, ["cam1/milk", "cam2/milk"], id_folders=0)


@pytest.mark.parametrize("options", [{"id_prefix": 3}, {"id_folders": "one"}, {"id_folders": -1}, {"id_suffix": ""}])
def test_values_that_make_no_sense(options: Any) -> None:
    with pytest.raises(AugrgbError, match="E-CFG-003"):
        IdRule.of(options)
