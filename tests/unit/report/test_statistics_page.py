from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.statistics import data_stats
from augrgb.core.types import Event, VideoRecord
from augrgb.report.statistics_page import write_stats_page


def example() -> Any:
    events = (Event("walk", 0, 4), Event("talk", 2, 6), Event("walk", 3, 5), Event("sit", 8, 9))
    videos = {"a": VideoRecord("a", 10.0, events=events, subset="training"), "d": VideoRecord("d", 5.0)}
    return AnnotationSet(("walk", "talk", "sit", "fly"), videos)


def test_page_and_figure(tmp_path: Path) -> None:
    stats = data_stats(example())
    (page,) = write_stats_page(stats, "mine", tmp_path / "s.html")
    text = page.read_text()
    assert "<h1>mine</h1>" in text and "data:image/png;base64," in text and "<td>walk</td><td>1</td><td>2</td>" in text
    assert "http" not in text
    (figure,) = write_stats_page(stats, "mine", tmp_path / "s.png")
    first = figure.read_bytes()
    assert first.startswith(b"\x89PNG")
    write_stats_page(stats, "mine", figure)
    assert figure.read_bytes() == first
