"""Zip archives are read like folders, and never harm: nothing leads outside, nothing unpacks without end."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.reading import archives
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.seeds import rng_at
from augrgb.core.types import Event

CVAT = (
    "<annotations><version>1.1</version><meta><task><id>1</id><name>n</name><size>100</size><source>clip01.mp4</source>"
    '</task></meta><track id="0" label="cut"><box frame="0" outside="0"/><box frame="50" outside="1"/></track>'
    "</annotations>"
)
ROWS = "video,label,start,end\nkitchen,cut,1,2\n"


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_an_export_of_cvat_with_its_images(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "job_7.zip", {"annotations.xml": CVAT, "images/frame_000000.PNG": b"\x89PNG", "__MACOSX/._a": b""}
    )
    assert detect_format(path) == "cvat"
    found = read_annotations(path, options={"fps": 25})
    assert found.videos["clip01"].events == (Event("cut", 0.0, 2.0),)
    assert [(f.code, f.where) for f in found.findings] == [("E-FILE-021", str(path))]
    assert "images/frame_000000.PNG" in found.findings[0].detail


def test_several_files_in_an_archive_and_messages_name_the_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", {"a/one.csv": ROWS, "b/two.csv": ROWS.replace("kitchen", "garden")})
    assert set(read_annotations(path).videos) == {"kitchen", "garden"}
    path = zipped(tmp_path / "twice.zip", {"a/one.csv": ROWS, "b/two.csv": ROWS.replace("cut", "stir")})
    with pytest.raises(InputRefused, match=r"E-ID-001 .*twice\.zip/b/two\.csv: .*twice\.zip/a/one\.csv"):
        read_annotations(path)
    path = zipped(tmp_path / "bad.zip", {"one.csv": ROWS + "kitchen,cut,x,y\n", "two.csv": ROWS + "kitchen,cut,x,y\n"})
    with pytest.raises(AugrgbError) as caught:
        read_annotations(path)
    assert "augrgb-export-" not in str(caught.value) and str(caught.value).count("bad.zip/") >= 2


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:\\evil.csv", "..\\evil.csv"])
def test_names_that_lead_outside(tmp_path: Path, name: str) -> None:
    (tmp_path / "deep").mkdir()
    path = zipped(tmp_path / "deep" / "x.zip", {name: ROWS})
    with pytest.raises(InputRefused, match=r"E-FILE-020.*leads out"):
        read_annotations(path)
    assert not list(tmp_path.rglob("evil*"))


def test_bombs_links_encryption_and_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST", 1 << 20)
    path = zipped(tmp_path / "bomb.zip", {"a.csv": b"0" * (4 << 20)})
    assert path.stat().st_size < 10_000
    with pytest.raises(InputRefused, match=r"E-FILE-020.*unpacks to more"):
        read_annotations(path)
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputRefused, match=r"E-FILE-006.*link\.csv"):
        read_annotations(tmp_path / "link.zip")
    data = bytearray(zipped(tmp_path / "e.zip", {"a.csv": ROWS}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "e.zip").write_bytes(bytes(data))
    with pytest.raises(InputRefused, match=r"E-FILE-020.*encrypted"):
        read_annotations(tmp_path / "e.zip")
    whole = zipped(tmp_path / "w.zip", {"a.csv": ROWS * 50}).read_bytes()
    for damaged in (b"", b"PK", whole[:-30], whole[:40] + b"\xff" * 20 + whole[60:], b"\0" * 100):
        (tmp_path / "w.zip").write_bytes(damaged)
        with pytest.raises(InputRefused, match="E-FILE-020"):
            read_annotations(tmp_path / "w.zip")
    (tmp_path / "n.zip").write_bytes(zipped(tmp_path / "i.zip", {"images/a.png": b"x", "notes.md": "x"}).read_bytes())
    with pytest.raises(InputRefused, match=r"E-FILE-006.*notes\.md|E-FILE-006.*a\.png"):
        detect_format(tmp_path / "n.zip")


def test_random_damage_is_refused_or_read(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        "a/one.csv": ROWS * 20,
        "b.csv": ROWS.replace("kitchen", "garden"),
        "c.png": b"x",
    }
    whole = zipped(tmp_path / "x.zip", members).read_bytes()
    rng = rng_at(0, "fuzz", "zip")
    codes = set()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(int(rng.integers(1, 5))):
            at = int(rng.integers(len(damaged)))
            if rng.integers(3) < 2:
                damaged[at] = int(rng.integers(256))
            else:
                del damaged[at : at + int(rng.integers(1, 9))]
        (tmp_path / "x.zip").write_bytes(bytes(damaged))
        try:
            read_annotations(tmp_path / "x.zip")
        except AugrgbError as fault:
            codes.add(fault.code)
    assert codes <= {"E-FILE-020", "E-FILE-006", "E-ANN-002", "E-ANN-005", "E-ANN-006", "E-ANN-034", "E-FILE-002"}
