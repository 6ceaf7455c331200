"""A label per frame, with mapping and bundles; Breakfast's spans."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations, write_annotations
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.core.types import Event
from augrgb.features.check import feature_findings
from augrgb.features.store import open_features
from support.places import SHARED, needs_shared


def write_layout(root: Path, end: str = "\n") -> Path:
    (root / "groundTruth").mkdir(parents=True)
    (root / "splits").mkdir()
    labels = {
        "P03_milk": ["SIL"] * 3 + ["take_cup"] * 6 + ["pour_milk"] * 6,
        "P04_milk": ["take_cup"] * 8 + ["SIL"] * 7,
    }
    for video, frames in labels.items():
        (root / "groundTruth" / f"{video}.txt").write_bytes((end.join(frames) + end).encode())
    (root / "mapping.txt").write_text("0 SIL\n1 take_cup\n2 pour_milk\n")
    (root / "splits" / "train.split1.bundle").write_text("P03_milk.txt\n")
    (root / "splits" / "test.split1.bundle").write_text("P04_milk.txt\n")
    return root


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["", "groundTruth"])
def test_layout(tmp_path: Path, end: str, inside: str) -> None:
    path = write_layout(tmp_path / "data", end) / inside
    assert detect_format(path) == "frame-wise"
    found = read_annotations(path, options={"fps": 15})
    assert found.classes == ("take_cup", "pour_milk") and found.closed and found.in_frames
    video = found.videos["P03_milk"]
    assert video.duration_s == 1.0 and video.fps == 15
    assert video.events == (Event("take_cup", 3 / 15, 9 / 15), Event("pour_milk", 9 / 15, 1.0))
    assert found.splits == {"split1": {"train": ("P03_milk",), "test": ("P04_milk",)}}
    assert [note.detail.split()[0] for note in found.findings] == ["2"]


def test_published_classes_and_the_frame_rate(tmp_path: Path) -> None:
    path = write_layout(tmp_path)
    found = read_annotations(path, options={"fps": 15, "background": ("background",)})
    assert found.classes == ("SIL", "take_cup", "pour_milk")
    assert len(found.videos["P03_milk"].events or ()) == 3
    with pytest.raises(AugrgbError, match="E-ANN-007"):
        read_annotations(path)


def test_spans_count_from_one_and_include_the_last(tmp_path: Path) -> None:
    path = tmp_path / "P03_cam01_P03_milk.txt"
    path.write_text("1-15 SIL  \n16-45 take_cup  \n46-90 pour_milk  \n91-100 SIL  \n")
    (video,) = read_annotations(path, options={"fps": 15}).videos.values()
    assert video.events == (Event("take_cup", 1.0, 3.0), Event("pour_milk", 3.0, 6.0))
    assert video.duration_s == pytest.approx(100 / 15)
    path.write_text("1-15 SIL\n16 take_cup\n")
    with pytest.raises(AugrgbError, match=r"txt:2.*1-15 SIL"):
        read_annotations(path, format_name="frame-wise", options={"fps": 15})


def test_a_label_that_is_not_in_the_mapping_is_refused_by_the_rules(tmp_path: Path) -> None:
    path = write_layout(tmp_path)
    (path / "groundTruth" / "P05.txt").write_text("take_cup\ntake_cup\nstir\nstir\nstir\nstir\n")
    found = read_annotations(path, options={"fps": 15})
    assert found.closed and "stir" not in found.classes


def test_round_trip(tmp_path: Path) -> None:
    found = read_annotations(write_layout(tmp_path / "a"), options={"fps": 15})
    write_annotations(found, tmp_path / "b", format_name="frame-wise")
    again = read_annotations(tmp_path / "b", options={"fps": 15})
    assert again.videos == found.videos and again.classes == found.classes and again.splits == found.splits


def test_what_is_no_frame_wise_file(tmp_path: Path) -> None:
    for text in ("a\nb\nc\nd\ne\nf\n", "0 SIL\n1 take\n", "1,2,3,1\n" * 6, "video_test_0000004 1.0 2.0\n" * 6):
        path = tmp_path / "x.txt"
        path.write_text(text)
        try:
            assert detect_format(path) != "frame-wise"
        except AugrgbError as fault:
            assert "E-ANN-006" in str(fault)


@needs_shared("cases")
def test_shared_cases() -> None:
    found = read_annotations(SHARED / "cases" / "framewise", options={"fps": 15})
    assert sum(len(record.events or ()) for record in found.videos.values()) == 4
    assert found.splits["split1"]["test"] == ("P04_cam01_milk",)
    coarse = read_annotations(SHARED / "cases" / "breakfast_coarse", options={"fps": 15})
    assert coarse.videos["P03_cam01_milk"].events == (Event("take_cup", 1.0, 3.0), Event("pour_milk", 3.0, 6.0))


def test_a_bundle_as_it_is_shared_in_a_folder_and_in_an_archive(tmp_path: Path) -> None:
    """The layout of MS-TCN, ASFormer and DiffAct: features (C, T), groundTruth, mapping.txt, splits/*.bundle."""
    bundle = tmp_path / "gtea"
    labels = {"S1_Tea": ["background"] * 30 + ["take"] * 45, "S2_Tea": ["pour"] * 60 + ["background"] * 15}
    files = {"mapping.txt": "0 take\n1 pour\n2 background\n"}
    files |= {f"groundTruth/{name}.txt": "".join(f"{label}\n" for label in listed) for name, listed in labels.items()}
    files |= {"splits/train.split1.bundle": "S1_Tea.txt\n", "splits/test.split1.bundle": "S2_Tea.txt\n"}
    for name, text in files.items():
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text(text)
    (bundle / "features").mkdir()
    for name, listed in labels.items():
        np.save(bundle / "features" / f"{name}.npy", np.random.default_rng(0).random((16, len(listed)), np.float32))
    archive = shutil.make_archive(str(tmp_path / "gtea"), "zip", tmp_path, "gtea")
    for path in (bundle, Path(archive)):
        assert detect_format(path) == "frame-wise"
        found = read_annotations(path, options={"fps": 15})
        assert found.videos["S1_Tea"].events == (Event("take", 2.0, 5.0),) and found.classes == ("take", "pour")
        assert found.splits["split1"] == {"train": ("S1_Tea",), "test": ("S2_Tea",)}
    found = read_annotations(bundle, options={"fps": 15})
    findings = feature_findings(found, [bundle / "features"], Clock(15.0, 1, 1))
    assert [finding.code for finding in findings] == ["E-FEA-031"]
    assert open_features(bundle / "features", Clock(15.0, 1, 1)).ids() == ("S1_Tea", "S2_Tea")
