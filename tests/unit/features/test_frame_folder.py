"""Cached tracks and the snippets in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.core.file_rows import FileRows
from augrgb.core.timeline import Clock
from augrgb.features.frame_folder import FrameFolder, FrameSettings, write_frames
from augrgb.features.snippet_bank import SnippetBank
from augrgb.video.windows import windows

CLOCK = Clock(15, 8, 4)


def fill(folder: Any, modality: Any, video_id: Any, track: Any, **note: Any) -> None:
    with write_frames(folder.path(modality, video_id)) as writer:
        for frame in track:
            writer.append(frame)
    folder.write_note(modality, video_id, {"frames": len(track), "source": {}, "warnings": [], **note})


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    return FrameFolder.create(tmp_path / "t", FrameSettings(15.0, (6, 4)))


def track_of(count: Any, seed: Any = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 255, (count, 4, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 9, 1000])
def test_round_trip(folder: Any, count: Any) -> None:
    fill(folder, "rgb", "a/b", track_of(count))
    read = folder.read("rgb", "a/b")
    assert isinstance(read, FileRows) and folder.ids("rgb") == ("a/b",)
    np.testing.assert_array_equal(read, track_of(count))
    np.testing.assert_array_equal(np.load(folder.path("rgb", "a/b")), read)


def test_unfinished_and_damaged_tracks(folder: Any) -> None:
    with pytest.raises(RuntimeError), write_frames(folder.path("rgb", "a")) as writer:
        writer.append(track_of(1)[0])
        raise RuntimeError
    assert not list((folder.folder / "rgb").iterdir())
    fill(folder, "rgb", "video1", track_of(9))
    with pytest.raises(InputRefused, match=r"E-FEA-016.*did you mean 'video1'"):
        folder.read("rgb", "vide1")
    path = folder.path("rgb", "video1")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputRefused, match="E-FEA-024"):
        folder.read("rgb", "video1")
    path.with_suffix(".json").unlink()
    assert folder.note("rgb", "video1") is None


def test_other_settings_are_refused(folder: Any) -> None:
    assert FrameFolder.create(folder.folder, folder.settings).settings == folder.settings
    with pytest.raises(InputRefused, match="E-FEA-025"):
        FrameFolder.create(folder.folder, FrameSettings(30.0, (6, 4)))
    with pytest.raises(InputRefused, match="E-FILE-001"):
        FrameFolder(folder.folder / "rgb")


def test_snippet_bank_numbers_snippets_through(folder: Any) -> None:
    tracks = {f"v{number}": track_of(count, number) for number, count in enumerate((30, 3, 17))}
    for video_id, track in tracks.items():
        fill(folder, "rgb", video_id, track)
    bank = SnippetBank(folder.folder, tracks, "rgb", CLOCK)
    expected = [windows(track, CLOCK) for track in tracks.values()]
    assert bank.counts.tolist() == [len(part) for part in expected] and len(bank) == sum(bank.counts)
    np.testing.assert_array_equal(bank.windows(np.arange(len(bank))), np.concatenate(expected))
    order = np.random.default_rng(0).permutation(len(bank))
    np.testing.assert_array_equal(bank.windows(order), np.concatenate(expected)[order])
    places = [(bank.video_of(index), bank.snippet_of(index)) for index in range(len(bank))]
    assert places == [(v, t) for v, n in zip(tracks, bank.counts, strict=True) for t in range(n)]
    assert bank.windows(np.array([], np.int64)).shape == (0, 8, 4, 6, 3)
    with pytest.raises(IndexError):
        bank.windows(np.array([len(bank)]))


def test_snippet_bank_refuses_what_does_not_fit(folder: Any) -> None:
    fill(folder, "rgb", "a", track_of(9))
    with pytest.raises(InputRefused, match=r"E-FEA-021.*15"):
        SnippetBank(folder.folder, ["a"], "rgb", Clock(30, 8, 4))
    for video_id, name in (("a", "hips"), ("b", "pelvis")):
        skeleton = {"names": [name], "parents": [-1]}
        fill(folder, "pose", video_id, np.zeros((9, 1, 3), np.float32), skeleton=skeleton)
    assert SnippetBank(folder.folder, ["a"], "pose", CLOCK).skeleton.names == ("hips",)
    with pytest.raises(InputRefused, match="another skeleton"):
        SnippetBank(folder.folder, ["a", "b"], "pose", CLOCK)
