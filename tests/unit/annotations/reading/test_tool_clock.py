"""Clocks of annotation tools. Every expected second is worked out by hand in the comment beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.formats import Cvat, Elan, LabelStudio
from augrgb.annotations.reading.tool_clock import interface_rate
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event


def studio(path: Path, *, boxes: Any = None, **data: Any) -> Path:
    """One task: an event over frames 49 to 96."""
    value = {"ranges": [{"start": 49, "end": 96}], "timelinelabels": ["walk"]}
    results: list[Any] = [{"type": "timelinelabels", "value": value}]
    if boxes is not None:
        results.append({"type": "videorectangle", "value": {"sequence": boxes}})
    path.write_text(json.dumps([{"data": {"video": "a.mp4", **data}, "annotations": [{"result": results}]}]))
    return path


def test_label_studio_counts_by_its_interface(tmp_path: Path) -> None:
    path = studio(tmp_path / "a.json")
    with pytest.raises(AugrgbError, match=r"E-ANN-060.*--set fps=24.*--set fps=30.*--set interface"):
        LabelStudio().read(path)
    # frame 49 is the 49th: 48 frames before it; the end is the last frame's end
    assert LabelStudio(fps=24.0).read(path).videos["a"].events == (Event("walk", 2.0, 4.0),)
    assert LabelStudio(fps=12.0).read(path).videos["a"].events == (Event("walk", 4.0, 8.0),)
    found = LabelStudio(fps={"a": 48.0}).read(path)
    assert found.videos["a"].events == (Event("walk", 1.0, 2.0),)
    assert not found.in_frames and found.videos["a"].fps is None  # nothing that the video must agree with


def test_label_studio_takes_the_rate_from_what_says_it(tmp_path: Path) -> None:
    boxes = [{"frame": 1, "time": 0.0417}, {"frame": 120, "time": 5.0}]  # 120 frames in 5 s: 24 a second
    assert LabelStudio().read(studio(tmp_path / "a.json", boxes=boxes)).videos["a"].events == (Event("walk", 2.0, 4.0),)
    interface = tmp_path / "interface.xml"
    for tag, rate in [("", 24.0), (' frameRate="48"', 48.0), (' framerate="$speed"', 12.0)]:
        interface.write_text(f'<View><Video name="v" value="$video"{tag}/></View>')
        found = LabelStudio(interface=interface).read(studio(tmp_path / "b.json", speed=12))
        assert found.videos["a"].events == (Event("walk", 48 / rate, 96 / rate),)
    with pytest.raises(AugrgbError, match="E-CFG-013"):
        LabelStudio(interface=interface, fps=24.0).read(tmp_path / "b.json")


@pytest.mark.parametrize("text", ["<View/>", '<Video/><Video frameRate="30"/>', '<Video frameRate="fast"/>'])
def test_an_interface_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "i.xml").write_text(text)
    with pytest.raises(AugrgbError, match="E-ANN-060"):
        interface_rate(tmp_path / "i.xml")


def project(path: Path, tracks: str, *, start: int = 0, filter_: str = "") -> Path:
    """Tasks 9 and 4 (in this order in the file) of one subset, and 7 of another; each has 100 frames."""
    tasks = "".join(
        f"<task><id>{key}</id><name>t</name><size>100</size><start_frame>{start}</start_frame><subset>{subset}</subset>"
        f"<frame_filter>{filter_}</frame_filter><source>{video}.mp4</source></task>"
        for key, subset, video in [("9", "train", "b"), ("4", "train", "a"), ("7", "test", "c")]
    )
    path.write_text(
        f"<annotations><meta><project><id>1</id><tasks>{tasks}</tasks></project></meta>{tracks}</annotations>"
    )
    return path


def track(task: int, first: int, outside: int) -> str:
    return (
        f'<track id="0" label="walk" task_id="{task}"><box frame="{first}" outside="0"/>'
        f'<box frame="{outside}" outside="1"/></track>'
    )


def test_cvat_project_counts_on_from_task_to_task(tmp_path: Path) -> None:
    """By subset and id: task 4 comes before 9 (frames 100 to 199); 7 is alone in its subset."""
    path = project(tmp_path / "a.xml", track(4, 10, 20) + track(9, 110, 120) + track(7, 30, 50))
    videos = Cvat(fps=10.0).read(path).videos
    assert videos["a"].events == (Event("walk", 1.0, 2.0),)
    assert videos["b"].events == (Event("walk", 1.0, 2.0),)  # 110 - 100
    assert videos["c"].events == (Event("walk", 3.0, 5.0),)


def test_cvat_project_with_start_and_step(tmp_path: Path) -> None:
    """Each task takes every second frame from 50 on, 100 of them: frames 50 to 249, then 250 + 50 to 250 + 249."""
    path = project(tmp_path / "a.xml", track(4, 60, 80) + track(9, 310, 330), start=50, filter_="step=2")
    videos = Cvat(fps=10.0).read(path).videos
    assert videos["a"].events == (Event("walk", 6.0, 8.0),)
    assert videos["b"].events == (Event("walk", 6.0, 8.0),)  # 310 - 250


def test_cvat_project_whose_tasks_each_count_from_0(tmp_path: Path) -> None:
    path = project(tmp_path / "a.xml", track(4, 10, 20) + track(9, 10, 20))
    assert Cvat(fps=10.0).read(path).videos["b"].events == (Event("walk", 1.0, 2.0),)
    with pytest.raises(AugrgbError, match="E-ANN-062"):
        Cvat(fps=10.0).read(project(tmp_path / "b.xml", track(4, 10, 20) + track(9, 210, 220)))


def eaf(path: Path, media: str, units: str = "milliseconds") -> Path:
    path.write_text(
        f'<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="{units}">{media}</HEADER><TIME_ORDER>'
        '<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="2000"/></TIME_ORDER>'
        '<TIER TIER_ID="t"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">'
        "<ANNOTATION_VALUE>walk</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
    )
    return path


SOUND = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///x/sound.wav" MIME_TYPE="audio/x-wav" TIME_ORIGIN="300"/>'
CAM1 = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///x/cam1.mp4" MIME_TYPE="video/mp4"/>'
CAM2 = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///x/cam2.mp4" MIME_TYPE="video/mp4" TIME_ORIGIN="1500"/>'


@pytest.mark.parametrize(
    ("media", "options", "video", "start"),
    [
        (SOUND + CAM1, {}, "cam1", 1.0),  # the offset is that of the sound
        (SOUND + CAM2, {}, "cam2", 2.5),  # 1.0 + 1.5
        (CAM1 + CAM2, {}, "cam1", 1.0),
        (CAM1 + CAM2, {"media": "cam2.mp4"}, "cam2", 2.5),
        (SOUND, {}, "sound", 1.3),
        ('<MEDIA_DESCRIPTOR MEDIA_URL="file:///x/a.mts"/>', {}, "a", 1.0),
    ],
)
def test_elan_counts_by_the_video_among_its_media(
    tmp_path: Path, media: str, options: Any, video: str, start: float
) -> None:
    found = Elan(**options).read(eaf(tmp_path / "notes.eaf", media))
    assert found.videos[video].events == (Event("walk", start, start + 1.0),)
    told = [finding.detail for finding in found.findings]
    assert any("--set media=cam2" in detail for detail in told) == (media == CAM1 + CAM2 and not options)


def test_elan_time_units(tmp_path: Path) -> None:
    # 1000 frames at 25 a second are 40 s, at 30000/1001 they are 33.3667 s
    assert Elan().read(eaf(tmp_path / "a.eaf", CAM1, "PAL-frames")).videos["cam1"].events == (
        Event("walk", 40.0, 80.0),
    )
    (event,) = Elan().read(eaf(tmp_path / "a.eaf", CAM1, "NTSC-frames")).videos["cam1"].events or ()
    assert event.start_s == pytest.approx(1001 / 30)
    with pytest.raises(AugrgbError, match=r"E-ANN-061.*'hours'"):
        Elan().read(eaf(tmp_path / "a.eaf", CAM1, "hours"))
    with pytest.raises(AugrgbError, match=r"E-ANN-027.*no medium 'cam3'"):
        Elan(media="cam3").read(eaf(tmp_path / "a.eaf", CAM1))
