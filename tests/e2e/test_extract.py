"""From video and pose files to features, interrupted and not."""

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import EnvironmentFault, InputRefused, Quarantined, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.features.encode import encode_record, encode_video
from augrgb.features.frame_cache import cache_frames
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.store import open_features, read_feature_file
from augrgb.video.decode import frames_by_time
from augrgb.video.windows import windows
from augrgb.workflows.extract import extract
from support.video_samples import (
    STICK,
    STICK_PARENTS,
    number_of,
    numbered_frames,
    square_frames,
    stick_motion,
    write_poses,
    write_video,
)

CLOCK = Clock(15, 8, 8)
SIZE = (32, 24)
NAMES = [name for name in sorted(ENCODERS) if name.startswith("small_") and name != "small_grid"]  # from video


def make_dataset(folder: Any, lengths: Any = (40, 25, 7)) -> Any:
    videos = {}
    for number, count in enumerate(lengths):
        video_id = f"S{number} cam/1"
        file = write_video(folder / f"{number}.mp4", square_frames(count, step=1 + number))
        poses = write_poses(folder / f"{number}.npz", stick_motion(count, number))
        videos[video_id] = VideoRecord(video_id, count / 10, file, poses)
    return Dataset("little", (), videos, {})


def make_encoder(folder: Any, name: Any = "small_rgb", seed: Any = 0) -> Any:
    torch.manual_seed(seed)
    options = {"dim": 16, "width": 8}
    if name == "small_pose":
        options |= {"names": STICK, "parents": tuple(STICK_PARENTS.tolist()), "width": 16}
    size = None if name == "small_pose" else SIZE
    save_encoder(folder, ENCODERS[name](**options), EncoderSettings(CLOCK, size))
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    return make_dataset(tmp_path)


def hashes(folder: Any) -> Any:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("name", NAMES)
def test_features_equal_the_parts_put_together(tmp_path: Path, dataset: Any, name: Any) -> None:
    encoder = make_encoder(tmp_path / "e", name)
    report = extract(dataset, encoder, tmp_path / "f", workers=0)
    assert not report.refused and [outcome.count for outcome in report.done] == [8, 5, 1]
    features = open_features(tmp_path / "f")
    assert set(features.ids()) == set(dataset.videos) and features.clock == CLOCK and features.dim == 16
    loaded = load_encoder(features.encoder_folder)  # type: ignore[attr-defined]
    for video_id, record in dataset.videos.items():
        values = features.read(video_id).values
        encoded = encode_record(record, loaded)
        np.testing.assert_array_equal(encoded.values, values)
        assert encoded.duration_s == pytest.approx(record.duration_s) and encoded.clock == CLOCK
    if name == "small_rgb":
        track = np.stack(list(frames_by_time(record.file, 15, SIZE)))
        np.testing.assert_allclose(encode_windows(loaded.encoder, windows(track, CLOCK)), values, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_cached_tracks_give_the_same_bytes(tmp_path: Path, dataset: Any, name: Any) -> None:
    encoder = make_encoder(tmp_path / "e", name)
    report = cache_frames(dataset, None, ["rgb", "flow", "pose"], tmp_path / "t", size=SIZE, workers=0)
    assert [outcome.count for outcome in report.done] == [60, 38, 11]
    extract(dataset, encoder, tmp_path / "plain", workers=0)
    for record in dataset.videos.values():
        os.utime(record.file)  # the source identity then is read again, not its time
    extract(dataset, encoder, tmp_path / "cached", workers=0, frames_folder=tmp_path / "t")
    for video_id in dataset.videos:
        one, two = (open_features(tmp_path / kind).read(video_id).values for kind in ("plain", "cached"))
        np.testing.assert_array_equal(one, two)


def test_rgb_tracks_do_not_depend_on_the_other_modalities(tmp_path: Path, dataset: Any) -> None:
    for folder, modalities in (("a", ["rgb"]), ("b", ["flow"]), ("c", ["rgb", "flow"])):
        cache_frames(dataset, None, modalities, tmp_path / folder, size=SIZE, workers=0)
    for video_id in dataset.videos:
        both = FrameFolder(tmp_path / "c")
        np.testing.assert_array_equal(FrameFolder(tmp_path / "a").read("rgb", video_id), both.read("rgb", video_id))
        np.testing.assert_array_equal(FrameFolder(tmp_path / "b").read("flow", video_id), both.read("flow", video_id))


def test_tracks_resume_and_follow_their_source(tmp_path: Path, dataset: Any) -> None:
    def cache() -> Any:
        return cache_frames(dataset, None, ["rgb", "pose"], tmp_path / "t", size=SIZE, workers=0)

    assert cache().reused == 0
    assert cache().reused == 3
    folder, first = FrameFolder(tmp_path / "t"), next(iter(dataset.videos.values()))
    path = folder.path("rgb", first.video_id)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert cache().reused == 2 and path.read_bytes() == whole
    write_video(first.file, numbered_frames(10))
    assert cache().reused == 2 and number_of(folder.read("rgb", first.video_id)[-1]) == 9
    with pytest.raises(UsageFault, match="did you mean 'pose'"):
        cache_frames(dataset, None, ["poses"], tmp_path / "t", workers=0)


def test_running_again_keeps_what_is_finished(tmp_path: Path, dataset: Any) -> None:
    encoder, out = make_encoder(tmp_path / "e"), tmp_path / "f"
    extract(dataset, encoder, out, workers=0, video_ids=list(dataset.videos)[:1])
    calls: list[tuple[int, int]] = []
    report = extract(dataset, encoder, out, workers=0, progress=lambda *place: calls.append(place))
    assert report.reused == 1 and calls == [(1, 3), (2, 3), (3, 3)]
    before = hashes(out)
    damaged = out / sorted(before)[1]
    damaged.write_bytes(damaged.read_bytes()[:-7])
    (out / "x.tmp-999999-ab").write_bytes(b"left over")
    assert extract(dataset, encoder, out, workers=0).reused == 2
    assert hashes(out) == before and not list(out.glob("*.tmp-*"))
    write_video(dataset.videos["S0 cam/1"].file, square_frames(30))
    assert extract(dataset, encoder, out, workers=0).reused == 2
    assert len(open_features(out).read("S0 cam/1").values) == 6
    assert json.loads((out / "report.json").read_text())["reused"] == 2


def test_bad_videos_are_listed_and_the_others_finished(tmp_path: Path, dataset: Any) -> None:
    encoder, out = make_encoder(tmp_path / "e"), tmp_path / "f"
    dataset.videos["S1 cam/1"].file.write_bytes(b"<html>404</html>")
    with pytest.raises(Quarantined, match=r"1 of 3 videos.*\n.*S1 cam/1: E-VID-001.*HTML") as caught:
        extract(dataset, encoder, out, workers=0)
    assert caught.value.exit_code == 4
    report = extract(dataset, encoder, out, workers=0, allow_failures=1)
    assert report.reused == 2 and [video_id for video_id, _ in report.refused] == ["S1 cam/1"]
    written = json.loads((out / "report.json").read_text())
    assert written["refused"][0]["code"] == "E-VID-001" and set(open_features(out).ids()) == {"S0 cam/1", "S2 cam/1"}


def test_partial_videos_are_kept_on_request_and_say_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mp4", noise, container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    dataset = Dataset("cut", (), {"a": VideoRecord("a", 4.0, path)})
    encoder = make_encoder(tmp_path / "e")
    cache_frames(dataset, None, ["rgb"], tmp_path / "t", size=SIZE, workers=0, partial="keep-prefix")
    for tracks in (None, tmp_path / "t"):  # a partial track does not make the video whole
        with pytest.raises(Quarantined, match="E-VID-003"):
            extract(dataset, encoder, tmp_path / "f", workers=0, frames_folder=tracks)
    with pytest.raises(Quarantined, match="E-VID-003"):
        cache_frames(dataset, None, ["rgb"], tmp_path / "t", size=SIZE, workers=0)
    report = extract(dataset, encoder, tmp_path / "f", workers=0, partial="keep-prefix")
    assert "Kept the first" in report.done[0].warnings[0]
    _, described = read_feature_file(next((tmp_path / "f").glob("*.safetensors")))
    assert described["duration_s"] < 3.0 and described["warnings"]


def test_mixed_and_mismatched_settings_are_refused(tmp_path: Path, dataset: Any) -> None:
    extract(dataset, make_encoder(tmp_path / "e"), tmp_path / "f", workers=0)
    other = make_encoder(tmp_path / "e2", seed=1)
    before = hashes(tmp_path / "f")
    with pytest.raises(InputRefused, match=r"E-FEA-010.*encoder.sha256"):
        extract(dataset, other, tmp_path / "f", workers=0)
    assert hashes(tmp_path / "f") == before
    assert load_encoder(tmp_path / "f" / "_encoder").checksum == load_encoder(tmp_path / "e").checksum
    cache_frames(dataset, None, ["rgb"], tmp_path / "t", size=(16, 12), workers=0)
    with pytest.raises(InputRefused, match="E-FEA-021"):
        extract(dataset, other, tmp_path / "f2", workers=0, frames_folder=tmp_path / "t")
    with pytest.raises(InputRefused, match=r"E-ID-004.*did you mean"):
        extract(dataset, other, tmp_path / "f2", workers=0, video_ids=["S0 cam1"])


def test_videos_without_the_needed_file(tmp_path: Path, dataset: Any) -> None:
    bare = Dataset("bare", (), {"a": VideoRecord("a", 4.0)})
    with pytest.raises(Quarantined, match=r"E-VID-008.*no video file"):
        extract(bare, make_encoder(tmp_path / "e"), tmp_path / "f", workers=0)
    with pytest.raises(InputRefused, match="E-FILE-001"):
        encode_video(tmp_path / "absent.mp4", load_encoder(tmp_path / "e"))


def test_child_processes_give_the_same_bytes(tmp_path: Path, dataset: Any) -> None:
    encoder = make_encoder(tmp_path / "e")
    extract(dataset, encoder, tmp_path / "here", workers=0)
    extract(dataset, encoder, tmp_path / "children", workers=2)
    assert hashes(tmp_path / "here") == hashes(tmp_path / "children")


def test_a_full_disk_stops_with_one_clear_error(tmp_path: Path, dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, out = make_encoder(tmp_path / "e"), tmp_path / "f"
    extract(dataset, encoder, out, workers=0, video_ids=["S0 cam/1"])
    before = hashes(out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("augrgb.core.files.os.replace", full)
    with pytest.raises(EnvironmentFault, match=r"E-ENV-001.*No space left"):
        extract(dataset, encoder, out, workers=0)
    assert hashes(out) == before and not list(out.rglob("*.tmp-*"))


KILLED = """
import pickle, sys
from pathlib import Path
from augrgb.workflows.extract import extract
from augrgb.features.frame_cache import cache_frames
if __name__ == "__main__":
    dataset, encoder, folder, workers = pickle.loads(Path(sys.argv[1]).read_bytes())
    cache_frames(dataset, None, ["rgb", "flow"], folder / "t", size=(32, 24), workers=workers)
    extract(dataset, encoder, folder / "f", workers=workers)
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_kill_and_run_again_gives_the_same_bytes(tmp_path: Path, workers: Any) -> None:
    dataset, encoder = make_dataset(tmp_path, [120] * 12), make_encoder(tmp_path / "e", "small_flow")
    extract(dataset, encoder, tmp_path / "clean" / "f", workers=0)
    cache_frames(dataset, None, ["rgb", "flow"], tmp_path / "clean" / "t", size=SIZE, workers=0)
    (tmp_path / "arguments").write_bytes(pickle.dumps((dataset, encoder, tmp_path / "killed", workers)))
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(tmp_path / "arguments")]
    kills = 0
    for pattern, enough in (("t/*/*.npy", 5), ("f/*.safetensors", 3)):
        process = subprocess.Popen(command)
        while process.poll() is None and len(list((tmp_path / "killed").glob(pattern))) < enough:
            time.sleep(0.005)
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills == 2
    assert subprocess.run(command).returncode == 0
    assert hashes(tmp_path / "killed" / "f") == hashes(tmp_path / "clean" / "f")
    clean = {path.relative_to(tmp_path / "clean"): path.read_bytes() for path in (tmp_path / "clean/t").rglob("*.npy")}
    for place, content in clean.items():
        assert (tmp_path / "killed" / place).read_bytes() == content
    assert not list(Path(tmp_path / "killed").rglob("*.tmp-*")) and len(clean) == 24
