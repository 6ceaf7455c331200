"""Every container that cameras and recorders write is a video, with the length of what can be decoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from augrgb.annotations.read import Source, read_and_judge
from augrgb.annotations.videos.match_videos import look_at
from augrgb.video.decode import DecodeReport, frames_by_time
from augrgb.video.folder import VIDEO_SUFFIXES, find_videos, left_aside, name_videos
from support.video_samples import number_of, numbered_frames

CONTAINERS = [
    ("MTS", "mpegts", "libx264"),
    ("m2ts", "mpegts", "libx264"),
    ("ts", "mpegts", "mpeg2video"),
    ("3gp", "3gp", "mpeg4"),
    ("3g2", "3g2", "mpeg4"),
    ("f4v", "f4v", "libx264"),
    ("qt", "mov", "libx264"),
    ("mpg", "mpeg", "mpeg1video"),
    ("VOB", "vob", "mpeg2video"),
    ("m2v", "mpeg2video", "mpeg2video"),
    ("wmv", "asf", "wmv2"),
    ("flv", "flv", "libx264"),
    ("divx", "avi", "mpeg4"),
    ("mxf", "mxf", "mpeg2video"),
    ("ogv", "ogg", "libvpx"),
]


def write_as(path: Path, container: str, codec: str, count: int = 40) -> Path:
    """A numbered video of 25 frames per second in a container whatever the path's ending."""
    with av.open(str(path), "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        if codec == "mpeg4":
            stream.bit_rate = 4_000_000
        for position, image in enumerate(numbered_frames(count)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = position
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


@pytest.mark.parametrize(("ending", "container", "codec"), CONTAINERS, ids=[row[0] for row in CONTAINERS])
def test_every_container_is_a_video(tmp_path: Path, ending: str, container: str, codec: str) -> None:
    path = write_as(tmp_path / f"clip.{ending}", container, codec)
    files = find_videos(tmp_path)
    assert files == {"clip": path} == name_videos([tmp_path])
    folder = look_at(files)
    assert not folder.refused
    assert folder.infos["clip"].duration_s == pytest.approx(1.6, abs=0.001)
    report = DecodeReport()
    seen = [number_of(image) for image in frames_by_time(path, 25.0, (64, 48), report=report)]
    assert seen == list(range(40))
    assert report.duration_s == pytest.approx(1.6, abs=0.0011)
    assert not report.warnings


def test_files_left_aside_are_listed(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    (videos / "cam1").mkdir(parents=True)
    write_as(videos / "cam1" / "00001.MTS", "mpegts", "libx264")
    for name in ("cam1/00001.xmp", "cam1/00002.braw", "notes.txt", ".DS_Store", "events.csv"):
        (videos / name).write_text("x")
    (videos / "events.csv").write_text("video,label,start,end\n00001,cut,0,1\n")
    assert [path.name for path in left_aside(videos)] == ["00001.xmp", "00002.braw", "events.csv", "notes.txt"]
    judged = read_and_judge(Source(videos / "events.csv", videos=videos))
    notes = [finding for finding in judged.findings if finding.code == "E-VID-021"]
    assert [note.detail for note in notes] == ["1 .xmp, 1 .braw, 1 .txt; the first is cam1/00001.xmp"]
    assert all(ending == ending.lower() and ending.startswith(".") for ending in VIDEO_SUFFIXES)


def test_sensor_files_that_are_taken_are_not_left_aside(tmp_path: Path) -> None:
    write_as(tmp_path / "fall.mp4", "mp4", "libx264")
    (tmp_path / "fall.npz").write_bytes(b"")
    (tmp_path / "events.csv").write_text("video,label,start,end\nfall,cut,0,1\n")
    source = Source(tmp_path / "events.csv", videos=tmp_path)
    for sensors, noted in (((), ["1 .npz; the first is fall.npz"]), ((tmp_path,), [])):
        judged = read_and_judge(replace(source, sensors=sensors))
        assert [finding.detail for finding in judged.findings if finding.code == "E-VID-021"] == noted


def test_names_of_files_in_folders_are_those_of_a_dataset(tmp_path: Path) -> None:
    for place in ("cam1/fall.mp4", "cam2/fall.mp4", "cam2/sit.mp4"):
        (tmp_path / "videos" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / place).write_bytes(b"")
    named = name_videos([tmp_path / "videos"])
    assert list(named) == ["cam1/fall", "cam2/fall", "sit"] and named == find_videos(tmp_path / "videos")
    both = name_videos([tmp_path / "videos" / "cam1", tmp_path / "videos" / "cam2"])
    assert list(both) == [str(named["cam1/fall"]), str(named["cam2/fall"]), "sit"]
