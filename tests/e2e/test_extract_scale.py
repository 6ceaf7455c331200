"""Extraction at scale: several encoders at once, parts of a data set, quarantine, limits, odd names and disks."""

import errno
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.errors import EnvironmentFault, InputRefused, Quarantined, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.features import extract_video as extract_job
from augrgb.features.status import extraction_status
from augrgb.features.store import open_features
from augrgb.parallel.batch import longest_first
from augrgb.parallel.child import ChildJob
from augrgb.parallel.engine import LocalEngine
from augrgb.parallel.shards import Shard
from augrgb.video import decode
from augrgb.workflows.extract import extract, extract_together
from support.tiny_project import run_cli
from support.video_samples import (
    STICK,
    STICK_PARENTS,
    square_frames,
    stick_motion,
    write_poses,
    write_sound_only,
    write_video,
)

CLOCK, HERE = Clock(15, 8, 8), LocalEngine(0)


def make_dataset(folder: Any, lengths: Any = (40, 25, 7, 33), poses: Any = True) -> Any:
    videos = {}
    for number, count in enumerate(lengths):
        video_id = f"S{number} cam/1"
        file = write_video(folder / f"{number}.mp4", square_frames(count, step=1 + number))
        joints = write_poses(folder / f"{number}.npz", stick_motion(count, number)) if poses else None
        videos[video_id] = VideoRecord(video_id, count / 10, file, joints)
    return Dataset("little", ("walk",), videos, {})


def make_encoder(folder: Any, name: Any = "small_rgb", seed: Any = 0, clock: Any = CLOCK, size: Any = (32, 24)) -> Any:
    torch.manual_seed(seed)
    options = {"dim": 16, "width": 8}
    if name == "small_pose":
        options |= {"names": STICK, "parents": tuple(STICK_PARENTS.tolist()), "width": 16}
    save_encoder(folder, ENCODERS[name](**options), EncoderSettings(clock, None if name == "small_pose" else size))
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    return make_dataset(tmp_path)


@pytest.fixture
def encoder(tmp_path: Path) -> Any:
    return make_encoder(tmp_path / "e")


def hashes(folder: Any) -> Any:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}


def test_one_decoding_for_several_encoders_gives_the_bytes_of_several_passes(
    tmp_path: Path, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders = {
        "rgb": make_encoder(tmp_path / "rgb"),
        "wide": make_encoder(tmp_path / "wide", size=(48, 36), clock=Clock(15, 16, 4), seed=3),
        "flow": make_encoder(tmp_path / "flow", "small_flow"),
        "pose": make_encoder(tmp_path / "pose", "small_pose"),
        "slow": make_encoder(tmp_path / "slow", clock=Clock(5, 8, 8)),
    }
    opened = []
    real = decode.open_video
    monkeypatch.setattr(decode, "open_video", lambda path, limits: opened.append(path) or real(path, limits))
    for name, folder in encoders.items():
        extract(dataset, folder, tmp_path / "apart" / name, workers=0)
    assert len(opened) == 4 * len(dataset.videos)
    opened.clear()
    targets = [(folder, tmp_path / "together" / name) for name, folder in encoders.items()]
    reports = extract_together(dataset, targets, engine=HERE)
    assert len(opened) == 2 * len(dataset.videos)  # 15 and 5 frames a second
    for name, report in zip(encoders, reports, strict=True):
        assert hashes(tmp_path / "together" / name) == hashes(tmp_path / "apart" / name) != {}
        assert len(report.done) == 4 and json.loads((report.folder / "report.json").read_text())["done"] == 4


def test_only_what_is_missing_is_encoded(
    tmp_path: Path, dataset: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = make_encoder(tmp_path / "flow", "small_flow")
    targets = [(encoder, tmp_path / "f" / "rgb"), (flow, tmp_path / "f" / "flow")]
    extract(dataset, encoder, tmp_path / "f" / "rgb", workers=0)
    monkeypatch.setattr(extract_job, "FeatureWriter", _CountedWriter)
    reports = extract_together(dataset, targets, engine=HERE)
    assert [report.reused for report in reports] == [4, 0]
    assert set(_CountedWriter.folders) == {"flow"}


class _CountedWriter(extract_job.FeatureWriter):
    folders: ClassVar[list[str]] = []

    def __init__(self, folder: Any, video_id: Any, clock: Any) -> None:
        self.folders.append(folder.name)
        super().__init__(folder, video_id, clock)


def test_a_missing_pose_file_costs_only_the_pose(tmp_path: Path, dataset: Any, encoder: Any) -> None:
    videos = dict(dataset.videos)
    videos["S1 cam/1"] = VideoRecord("S1 cam/1", 2.5, videos["S1 cam/1"].file, None)
    pose = make_encoder(tmp_path / "pose", "small_pose")
    targets = [(encoder, tmp_path / "rgb"), (pose, tmp_path / "poses")]
    with pytest.raises(Quarantined, match=r"1 of 4 videos.*\n.*E-VID-008"):
        extract_together(Dataset("d", (), videos), targets, engine=HERE)
    assert len(hashes(tmp_path / "rgb")) == 4 and len(hashes(tmp_path / "poses")) == 3


def test_parts_together_are_the_whole(tmp_path: Path, dataset: Any, encoder: Any) -> None:
    extract(dataset, encoder, tmp_path / "whole", workers=0)
    for number in (1, 2, 3):
        extract_together(dataset, [(encoder, tmp_path / "parts")], engine=HERE, shard=Shard(number, 3))
    assert hashes(tmp_path / "parts") == hashes(tmp_path / "whole")
    done = [json.loads((tmp_path / f"parts/report-{number}-of-3.json").read_text())["done"] for number in (1, 2, 3)]
    assert sum(done) == 4 and min(done) >= 1
    assert extract(dataset, encoder, tmp_path / "parts", workers=0).reused == 4


def test_temporary_files_of_other_machines_are_left_alone(tmp_path: Path, dataset: Any, encoder: Any) -> None:
    out = tmp_path / "f"
    out.mkdir()
    other, ours = out / "a.safetensors.tmp-999999-00000000-0123abcd", out / "b.safetensors.tmp-999999-00000000"
    for path in (other, ours):
        path.write_bytes(b"")
    extract(dataset, encoder, out, workers=0)
    assert other.exists() and not ours.exists()


def test_refused_videos_wait_until_they_change_or_are_asked_for(
    tmp_path: Path, dataset: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, bad = tmp_path / "f", dataset.videos["S1 cam/1"].file
    whole = bad.read_bytes()
    bad.write_bytes(b"<html>404</html>")
    tried = []
    real = extract_job.encode_file
    monkeypatch.setattr(extract_job, "encode_file", lambda path, *a, **k: tried.append(path) or real(path, *a, **k))

    def run(**options: Any) -> Any:
        tried.clear()
        return extract_together(dataset, [(encoder, out)], engine=HERE, **options)

    with pytest.raises(Quarantined, match=r"E-VID-020.*1 of 4") as first:
        run()
    assert "--retry" not in str(first.value)
    note = json.loads((out / "_quarantine" / "S1 cam%2F1.json").read_text())
    assert note["code"] == "E-VID-001" and "HTML" in note["problem"] and note["remedy"]
    with pytest.raises(Quarantined, match=r"E-VID-001.*\n.*--retry"):
        run()
    assert tried == []
    report = run(allow_failures=1)[0]
    assert report.held == 1 and "1 before; --retry" in report.summary()
    with pytest.raises(Quarantined):
        run(retry=True)
    assert tried == [bad]
    bad.write_bytes(whole)
    assert not run()[0].refused and tried == [bad] and not list((out / "_quarantine").iterdir())


def test_another_policy_tries_refused_videos_again(tmp_path: Path, encoder: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mp4", noise, container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    dataset = Dataset("cut", (), {"a": VideoRecord("a", 4.0, path)})
    with pytest.raises(Quarantined, match="E-VID-003"):
        extract(dataset, encoder, tmp_path / "f", workers=0)
    assert extract(dataset, encoder, tmp_path / "f", workers=0, partial="keep-prefix").done[0].warnings


def test_bad_files_of_every_kind_cost_only_themselves(tmp_path: Path, encoder: Any) -> None:
    good = write_video(tmp_path / "good.mp4", square_frames(20))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(good.read_bytes()[:-200])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    write_sound_only(tmp_path / "sound.mp4")
    kinds = ["absent", "cut", "empty", "folder", "good", "loop", "pipe", "sound"]
    dataset = Dataset("d", (), {kind: VideoRecord(kind, 2.0, tmp_path / f"{kind}.mp4") for kind in kinds})
    with pytest.raises(Quarantined, match=r"7 of 8 videos were refused, 0 allowed"):
        extract(dataset, encoder, tmp_path / "f", workers=0)
    refused = json.loads((tmp_path / "f" / "report.json").read_text())["refused"]
    assert {one["video"]: one["code"] for one in refused} == {
        "absent": "E-FILE-001", "cut": "E-VID-001", "empty": "E-VID-001", "folder": "E-FILE-009",
        "loop": "E-FILE-008", "pipe": "E-FILE-009", "sound": "E-VID-002",
    }  # fmt: skip
    assert open_features(tmp_path / "f").ids() == ("good",)


NAMES = ["ünï çødé 🎬", "-leading", "a;b'c\"d", "line\nbreak", "..", "con/../up", "%2E", "x" * 66 + "é" * 10]


def test_odd_names_stay_apart_and_inside(tmp_path: Path, encoder: Any) -> None:
    videos = {}
    for number, name in enumerate(NAMES):
        stem = name.replace("/", "_")
        file = write_video(tmp_path / "in.mp4", square_frames(10 + 8 * number))
        videos[name] = VideoRecord(name, 1.0 + number, file.rename(tmp_path / f"{stem}.mp4"))
    odd = tmp_path / os.fsdecode(b"\xff\xfe.mp4")
    odd.write_bytes((tmp_path / "-leading.mp4").read_bytes())
    videos["bytes"] = VideoRecord("bytes", 2.0, odd)
    out = tmp_path / "inside" / "f"
    report = extract(Dataset("odd", (), videos), encoder, out, workers=2)
    assert [outcome.count for outcome in report.done][:3] == [2, 3, 5] and not report.refused
    assert set(open_features(out).ids()) == set(videos)
    assert {path.name for path in (tmp_path / "inside").iterdir()} == {"f"}
    odd.write_bytes(b"broken")
    with pytest.raises(Quarantined, match="E-VID-001"):
        extract(Dataset("odd", (), videos), encoder, out, workers=0)
    with pytest.raises(Quarantined, match="E-VID-001"):  # read back from its note
        extract(Dataset("odd", (), videos), encoder, out, workers=0)


def test_limits_of_time_and_memory_cost_only_the_video() -> None:
    found = dict(longest_first(LocalEngine(1), bytearray, [ChildJob("big", 2**36, 60.0), ChildJob("small", 1, 60.0)]))
    assert found[1] == b"\0" and str(found[0]).startswith("E-JOB-002 big: needs more memory")
    found = dict(longest_first(LocalEngine(1), time.sleep, [ChildJob("endless", 60, 0.3), ChildJob("short", 0, 60.0)]))
    assert found[1] is None and "gave no result" in str(found[0])


def test_an_encoder_gets_as_many_windows_at_once_as_it_asks_for(
    tmp_path: Path, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, seen = make_encoder(tmp_path / "e"), []
    original = SmallRGB.forward
    monkeypatch.setattr(SmallRGB, "batch", 3)
    monkeypatch.setattr(SmallRGB, "forward", lambda self, x: seen.append(len(x)) or original(self, x))
    report = extract(dataset, encoder, tmp_path / "f", workers=0)
    assert set(seen) == {3} and len(seen) == sum(-(-outcome.count // 3) for outcome in report.done) > 3


def test_windows_that_overlap_get_more_time(tmp_path: Path, dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    class Engine:
        device = "cpu"

        def __call__(self, function: Any, jobs: Any) -> Any:
            times.extend(job.timeout_s for job in jobs)
            return LocalEngine(0)(function, jobs)

    targets = [(make_encoder(tmp_path / "a"), tmp_path / "fa")]
    targets += [(make_encoder(tmp_path / "b", clock=Clock(15, 8, 2)), tmp_path / "fb")]
    extract_together(dataset, targets, engine=Engine(), video_ids=["S0 cam/1"], time_factor=3.0)
    assert times == [120 + 3 * (1 + 4) * 4.0]


def test_network_shares_are_given_time(
    tmp_path: Path, dataset: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures, pauses = extract_job.source_identity, [errno.EIO, errno.ESTALE], []

    def flaky(path: Any) -> Any:
        if failures:
            raise InputRefused("E-FILE-008", path, "cannot be read") from OSError(failures.pop(), "gone")
        return real(path)

    monkeypatch.setattr(extract_job, "source_identity", flaky)
    monkeypatch.setattr(extract_job.time, "sleep", pauses.append)
    assert not extract(dataset, encoder, tmp_path / "f", workers=0).refused
    assert pauses == [0.5, 2.0]
    failures.extend([errno.EACCES])
    with pytest.raises(Quarantined, match="E-FILE-008"):
        extract(dataset, encoder, tmp_path / "g", workers=0)
    assert len(pauses) == 2


def test_folders_that_cannot_be_written(
    tmp_path: Path, dataset: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageFault, match=r"E-FILE-012.*is a file"):
            extract(dataset, encoder, folder, workers=0)
    with pytest.raises(UsageFault, match=r"E-CFG-010.*two encoders"):
        extract_together(dataset, [(encoder, tmp_path / "f"), (encoder, tmp_path / "f")], engine=HERE)
    monkeypatch.setattr("augrgb.workflows.extract.shutil.disk_usage", lambda _: _Disk())
    with pytest.raises(EnvironmentFault, match=r"E-ENV-001.*need about"):
        extract(dataset, encoder, tmp_path / "g", workers=0)
    assert not (tmp_path / "g").exists()


class _Disk:
    free = 10


def test_what_is_left_is_told_without_work(tmp_path: Path, dataset: Any, encoder: Any) -> None:
    out, targets = tmp_path / "f", [(encoder, tmp_path / "f")]
    assert extraction_status(dataset, targets)[0].left == tuple(dataset.videos) and not out.exists()
    dataset.videos["S1 cam/1"].file.write_bytes(b"<html>404</html>")
    with pytest.raises(Quarantined):
        extract(dataset, encoder, out, workers=0, video_ids=["S0 cam/1", "S1 cam/1"])
    status = extraction_status(dataset, targets)[0]
    assert status.done == ("S0 cam/1",) and status.left == ("S2 cam/1", "S3 cam/1")
    assert status.left_s == pytest.approx(4.0) and [video_id for video_id, _ in status.refused] == ["S1 cam/1"]
    parts = [extraction_status(dataset, targets, shard=Shard(number, 2))[0] for number in (1, 2)]
    assert sorted(video_id for part in parts for video_id in part.left) == ["S2 cam/1", "S3 cam/1"]
    time.sleep(0.01)
    write_video(dataset.videos["S0 cam/1"].file, square_frames(12))
    assert extraction_status(dataset, targets)[0].done == ()


def test_an_encoder_that_changes_stops_everything(tmp_path: Path, dataset: Any, encoder: Any) -> None:
    target = extract_job.Target(encoder, "0" * 64, tmp_path / "f")
    job = extract_job.ExtractJob(dataset.videos["S0 cam/1"], (target,), None, "refuse")
    with pytest.raises(EnvironmentFault, match=r"E-MOD-023.*changed"):
        extract_job.extract_video(job)
    gone = extract_job.Target(tmp_path / "gone", "0" * 64, tmp_path / "f")
    with pytest.raises(EnvironmentFault, match=r"E-MOD-016.*cannot be read on"):
        extract_job.extract_video(extract_job.ExtractJob(dataset.videos["S0 cam/1"], (gone,), None, "refuse"))


def test_the_command(tmp_path: Path, dataset: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    save_dataset(dataset, tmp_path)
    flow = make_encoder(tmp_path / "flow", "small_flow")
    words = [
        "extract",
        tmp_path,
        encoder,
        "--out",
        tmp_path / "f/rgb",
        "--also",
        f"{flow}={tmp_path}/f/flow",
        "--workers",
        1,
    ]
    outcome = run_cli(*words, "--status")
    assert outcome.code == 0 and outcome.out.count("0 done, 0 refused, 4 left") == 2
    dataset.videos["S1 cam/1"].file.write_bytes(b"<html>404</html>")
    outcome = run_cli(*words, "--shard", "1/1")
    assert outcome.code == 4 and "E-VID-020" in outcome.err and "HTML" in outcome.err
    assert "report-1-of-1.json" in outcome.err
    outcome = run_cli(*words, "--status")
    assert outcome.out.count("3 done, 1 refused, 0 left") == 2 and "refused S1 cam/1: E-VID-001" in outcome.out
    outcome = run_cli(*words, "--allow-failures", 1)
    assert outcome.code == 0 and outcome.out.count("3 videos done (3 before), 1 refused (1 before") == 2
    for wrong in (["--shard", "slurm"], ["--shard", "9/4"], ["--also", "x"], ["--address", "auto"]):
        monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
        assert run_cli(*words, *wrong).code == 2
