"""Headers that lie: the packets and the decoder say the same, and that is how long the video is."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from augrgb.core.errors import InputRefused
from augrgb.video.decode import DecodeReport, frames_by_time
from augrgb.video.packet_times import measured, packet_times
from augrgb.video.probe import probe
from support.video_samples import number_of, numbered_frames, write_video


def dropped(path: Path, shown_at: list[int], codec: str = "mjpeg") -> Path:
    """An AVI at 10 frames a second whose recorder dropped the frames between those: it writes empty ones."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=10)
        stream.height, stream.width = 48, 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for pixels, at in zip(numbered_frames(len(shown_at)), shown_at, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def decoded(path: Path) -> tuple[list[int], DecodeReport]:
    report = DecodeReport()
    return [number_of(frame) for frame in frames_by_time(path, 10, (64, 48), report=report)], report


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_an_avi_with_dropped_frames_is_whole(tmp_path: Path, codec: str) -> None:
    """Frames at 0, 1, 4, 5 and 9 tenths: the header says 10 frames, 5 have data, and each stays until the next."""
    path = dropped(tmp_path / "a.avi", [0, 1, 4, 5, 9], codec)
    assert probe(path).declared_frames == 10
    shown, report = decoded(path)
    assert report.complete and len(shown) == 10
    if codec == "mjpeg":  # exact enough to tell the frames
        assert shown == [0, 1, 1, 1, 2, 3, 3, 3, 3, 4]
    times = packet_times(path)
    assert times.duration_s == pytest.approx(1.0) == report.duration_s
    assert times.variable_rate and times.breaks_off == ""


def test_joined_transport_streams_last_as_long_as_their_parts(tmp_path: Path) -> None:
    for name, count in (("a", 10), ("b", 15)):
        write_video(tmp_path / f"{name}.ts", numbered_frames(count), fps=10)
    joined = tmp_path / "c.ts"
    joined.write_bytes(b"".join((tmp_path / f"{name}.ts").read_bytes() for name in "aba"))
    assert packet_times(joined).duration_s == pytest.approx(3.5)  # 1.0 + 1.5 + 1.0
    assert decoded(joined)[1].duration_s == pytest.approx(3.5)
    info, broken = measured(probe(joined))
    assert info.duration_s == pytest.approx(3.5) and broken == ""


def test_a_file_that_was_cut_off_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(40), fps=10, container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.8)])
    _, broken = measured(probe(path))
    assert "of 40 frames" in broken
    with pytest.raises(InputRefused, match="E-VID-003"):
        decoded(path)
