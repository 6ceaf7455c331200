"""A video whose sound starts 2 s before its image: players count from the sound, augrgb from the image."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.formats import Elan
from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event
from augrgb.workflows.check import check_data
from augrgb.workflows.convert import convert
from support.video_samples import write_late_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("late")
    write_late_video(folder / "a.mp4", delay_s=2.0, tone_s=(0.0, 1.0))
    return folder


def events_of(path: Path, videos: Path, **options: Any) -> Any:
    return read_and_judge(Source(path, videos=videos, options=options)).annotations.videos["a"].events


def table(folder: Path) -> Path:
    (folder / "events.csv").write_text("video,label,start,end\na,walk,2.5,3.5\n")
    return folder / "events.csv"


def test_times_of_a_table_are_asked_for(videos: Path, tmp_path: Path) -> None:
    found = check_data(Source(table(tmp_path), videos=videos)).findings
    (note,) = [finding for finding in found if finding.code == "E-VID-022"]
    assert note.action == "noted" and "by 2.00 s" in note.detail and "--set zero=player" in note.detail
    # on the image's clock the video ends at 3 s
    assert events_of(table(tmp_path), videos) == (Event("walk", 2.5, pytest.approx(3.0, abs=0.11)),)


def test_a_chosen_zero_is_used(videos: Path, tmp_path: Path) -> None:
    assert events_of(table(tmp_path), videos, zero="player") == (Event("walk", 0.5, 1.5),)
    source = Source(table(tmp_path), videos=videos, options={"zero": "first-frame"})
    assert not [finding for finding in check_data(source).findings if finding.code == "E-VID-022"]
    with pytest.raises(AugrgbError, match=r"E-CFG-003.*player or first-frame"):
        events_of(table(tmp_path), videos, zero="sound")


def test_files_of_players_are_moved_and_written_back(videos: Path, tmp_path: Path) -> None:
    """Subtitles at 2.5 s are half a second after the first image; written again, they are where they were."""
    (tmp_path / "a.srt").write_text("1\n00:00:02,500 --> 00:00:03,500\nwalk\n")
    assert events_of(tmp_path / "a.srt", videos) == (Event("walk", 0.5, 1.5),)
    convert(Source(tmp_path / "a.srt", videos=videos), tmp_path / "a.eaf")
    assert Elan().read(tmp_path / "a.eaf").videos["a"].events == (Event("walk", 2.5, 3.5),)
    convert(Source(tmp_path / "a.srt", videos=videos), tmp_path / "a.json", target_format="activitynet")
    rows = json.loads((tmp_path / "a.json").read_text())["database"]["a"]["annotations"]
    assert rows == [{"label": "walk", "segment": [0.5, 1.5]}]
