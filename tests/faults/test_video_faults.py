"""Video files as people really have them: cut off, mislabelled, hostile."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.video.decode import DecodeReport, frames_by_time
from augrgb.video.probe import probe
from support.places import SHARED, needs_shared
from support.video_samples import (
    number_of,
    numbered_frames,
    square_frames,
    write_silence,
    write_sound_only,
    write_video,
)

SHARED_VIDEOS = SHARED / "data" / "videos"
real_clips = needs_shared("data/videos")


def decode(path: Any, **options: Any) -> Any:
    return list(frames_by_time(path, 10, (64, 48), **options))


def refusal(path: Any, function: Any = decode, **options: Any) -> Any:
    with pytest.raises(InputRefused) as caught:
        function(path, **options)
    assert Path(path).name.encode(errors="replace")[:40].decode(errors="replace") in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "empty"),
        (b"hello, I am not a video\n" * 30, "plain text"),
        ("voilà ".encode() * 2000, "plain text"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "HTML"),
        (b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n", "playlist"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "playlist"),
        (b"\x00\x01\x02\x03" * 300, "cannot be opened"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 12, "cannot be opened"),
    ],
)
def test_what_is_no_video(tmp_path: Path, content: Any, text: Any) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    for function in (decode, probe):
        fault = refusal(path, function)
        assert fault.code == "E-VID-001" and text in str(fault)


def test_playlists_never_open_other_files(tmp_path: Path) -> None:
    target = write_video(tmp_path / "secret.ts", numbered_frames(5))
    playlist = tmp_path / "list.mp4"
    playlist.write_bytes(b"\x00" + f"\n#EXTM3U\n#EXTINF:1,\n{target}\n".encode())  # gets past the sniffing
    assert refusal(playlist).code == "E-VID-001"


def test_other_containers_are_not_demuxed(tmp_path: Path) -> None:
    path = tmp_path / "a.nut"
    write_video(path, numbered_frames(5))
    assert "containers" in str(refusal(path))


def test_special_files(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert "folder" in str(refusal(tmp_path / "folder.mp4"))
    assert "pipe" in str(refusal(tmp_path / "pipe.mp4"))
    assert refusal(tmp_path / "loop.mp4").code == "E-FILE-008"
    assert refusal(tmp_path / "broken.mp4").code == "E-FILE-001"
    assert "device" in str(refusal(Path("/dev/zero")))


def test_sound_only_and_cover_art(tmp_path: Path) -> None:
    fault = refusal(write_sound_only(tmp_path / "a.mp4"))
    assert fault.code == "E-VID-002" and "audio" in str(fault)
    path = tmp_path / "cover.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        sound = output.add_stream("aac", rate=16000)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(square_frames(1)[0], format="rgb24")))
        output.mux(stream.encode())
        write_silence(output, sound, 0.5)
    assert refusal(path).code == "E-VID-002"


def test_index_at_the_end_lost(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", square_frames(40)).read_bytes()
    for keep in (8, 400, len(whole) // 2):
        (tmp_path / "cut.mp4").write_bytes(whole[:keep])
        assert refusal(tmp_path / "cut.mp4").code == "E-VID-001"


def test_index_in_front_and_data_cut(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    whole = write_video(tmp_path / "whole.mp4", frames, container={"movflags": "faststart"}).read_bytes()
    start = whole.index(b"mdat") + 4
    (tmp_path / "cut.mp4").write_bytes(whole[: start + 4])
    for function in (decode, probe):
        fault = refusal(tmp_path / "cut.mp4", function)
        assert fault.code == "E-VID-003" and "0 of 40" in str(fault)
    (tmp_path / "cut.mp4").write_bytes(whole[: start + (len(whole) - start) // 2])
    fault = refusal(tmp_path / "cut.mp4")
    assert (
        fault.code == "E-VID-003"
        and "of 40 frames" in str(fault)
        and " s" in str(fault)
        and "keep-prefix" in str(fault)
    )
    report = DecodeReport()
    kept = decode(tmp_path / "cut.mp4", partial="keep-prefix", report=report)
    assert 10 < len(kept) < 30 and not report.complete and "Kept the first" in report.warnings[0]
    complete = decode(tmp_path / "whole.mp4")
    assert all((a == b).all() for a, b in zip(kept[:-2], complete, strict=False))


def test_truncated_matroska(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), dtype=np.uint8)
    whole = write_video(tmp_path / "whole.mkv", frames).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    fault = refusal(tmp_path / "cut.mkv")
    assert fault.code == "E-VID-003"


def test_flipped_and_cut_bytes_never_crash(tmp_path: Path) -> None:
    """Every damaged copy gives frames or one of our errors."""
    rng = np.random.default_rng(0)
    outcomes = set()
    for ending in ("mp4", "mkv", "avi", "ts"):
        whole = np.frombuffer(write_video(tmp_path / f"w.{ending}", square_frames(12)).read_bytes(), np.uint8)
        for _ in range(12):
            damaged = whole[: rng.integers(1, len(whole) + 1)].copy()
            places = rng.integers(0, len(damaged), rng.integers(0, 30))
            damaged[places] = rng.integers(0, 256, len(places))
            (tmp_path / f"d.{ending}").write_bytes(damaged.tobytes())
            try:
                outcomes.add(len(decode(tmp_path / f"d.{ending}")))
            except InputRefused as fault:
                outcomes.add(fault.code)
    assert "E-VID-001" in outcomes and "E-VID-003" in outcomes


def test_edit_lists_hide_frames_without_being_a_fault(tmp_path: Path) -> None:
    """A trimmed recording declares all its frames but shows only some."""
    path = write_video(
        tmp_path / "a.mp4", numbered_frames(30), options={"g": "30"}, container={"movflags": "faststart"}
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"elst")
    media_time = at + 4 + 4 + 4 + 4  # version, count, duration
    scale_at = data.index(b"mdhd") + 4 + 4 + 8
    scale = int.from_bytes(data[scale_at : scale_at + 4], "big")
    before = int.from_bytes(data[media_time : media_time + 4], "big")
    data[media_time : media_time + 4] = (before + scale).to_bytes(4, "big")  # skip the first second
    path.write_bytes(data)
    report = DecodeReport()
    shown = [number_of(frame) for frame in decode(path, report=report)]
    assert shown[0] == 10 and shown[-1] == 29 and report.complete


def test_memory_stays_flat_for_a_long_video(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        import numpy as np
        from support.video_samples import write_video
        from augrgb.core.timeline import Clock
        from augrgb.video.decode import frames_by_time
        from augrgb.video.windows import iter_windows
        folder, peaks = Path(sys.argv[1]), []
        for name, gap in (("short", 1), ("long", 30)):
            path = write_video(folder / f"{name}.mkv", np.zeros((120, 48, 64, 3), np.uint8),
                               times_s=[gap * i for i in range(120)])
            count = sum(len(c) for c in iter_windows(frames_by_time(path, 15, (64, 48)), Clock(15, 8, 4), 16))
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            print(count, peaks[-1])
        assert peaks[1] - peaks[0] < 30, peaks
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[2]) > 13000  # an hour of snippets


@real_clips
def test_real_corrupted_clip() -> None:
    fault = refusal(SHARED_VIDEOS / "corrupted.mp4")
    assert fault.code == "E-VID-003" and "28 of 50 frames" in str(fault) and "Invalid data" in str(fault)
    assert len(decode(SHARED_VIDEOS / "corrupted.mp4", partial="keep-prefix")) == 28


@real_clips
@pytest.mark.parametrize(("name", "seconds"), [("demo", 10.0), ("long", 10.0), ("v_GGSY1Qvo990", 18.09)])
def test_real_clips(name: Any, seconds: Any) -> None:
    report = DecodeReport()
    frames = decode(SHARED_VIDEOS / f"{name}.mp4", report=report)
    assert report.duration_s == pytest.approx(seconds, abs=0.02) and not report.warnings
    assert len(frames) == int(np.ceil(seconds * 10 - 1e-3))
