from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import augrgb.report
from augrgb.core.errors import InputRefused
from augrgb.core.types import Detection
from augrgb.report.data import Comparison, DetectionPage, MethodRow, Protocol, ReportData, Score
from augrgb.report.detection_page import write_detection_page
from augrgb.report.page import write_report
from support import report_examples as examples

TEMPLATES = Path(augrgb.report.__file__).parent / "templates"
VOID = {"meta", "img", "br", "input"}
SVG_LEAVES = {"rect", "line", "circle", "path"}
PLACES = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "d"}


class Page(HTMLParser):
    """Collects elements and attributes, and checks that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.stack: list[str] = []
        self.feed(text)
        assert self.stack == []

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: Any, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: Any) -> None:
        assert self.stack and self.stack.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: Any) -> None:
        if self.stack and self.stack[-1] not in {"style", "script"}:
            self.text += data


def rendered(tmp_path: Path, data: ReportData | DetectionPage) -> tuple[str, Page]:
    path = tmp_path / "page.html"
    (write_report if isinstance(data, ReportData) else write_detection_page)(path, data)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_the_report_shows_every_section_and_its_numbers(tmp_path: Path) -> None:
    text, page = rendered(tmp_path, examples.report())
    for section in ("comparison", "gap", "timelines", "classes", "ablation", "curves", "costs", "notes"):
        assert f'id="{section}"' in text and f'href="#{section}"' in text
    for shown in ("Augmented-RGB", "24 videos · 3 seeds", "needs pose", "frame-mAP/1", "62 % of the gap to RGB + pose"):
        assert shown in page.text
    assert "need extra sensors at test time" in page.text
    assert page.text.count("baseline") >= 3  # the RGB row under each of three protocols


@pytest.mark.parametrize("make", [examples.report, examples.hostile, examples.detected])
def test_a_page_loads_nothing(tmp_path: Path, make: Any) -> None:
    text, page = rendered(tmp_path, make())
    for _, name, value in page.attributes:
        if name in {"src", "href", "action", "data", "srcset", "xlink:href", "poster"}:
            assert value is not None and value.startswith(("data:image/jpeg;base64,", "#")), (name, value)
        assert not name.startswith("on")
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\((?!#)", text)


def test_hostile_strings_stay_text(tmp_path: Path) -> None:
    text, page = rendered(tmp_path, examples.hostile())
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") > 20
    assert "<script" not in text
    assert "video\\udcff" in text  # a lone surrogate of a file name is shown, not fatal
    assert all(tag == "img" and value.startswith("data:") for tag, name, value in page.attributes if name == "src")


def test_hostile_strings_stay_text_beside_the_inline_script(tmp_path: Path) -> None:
    bad = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    video = replace(
        examples.detected(), name=bad, classes=(bad,), detections=(Detection(bad, bad, 1.0, 2.0, 0.5),), curves=None
    )
    _, page = rendered(tmp_path, video)
    assert page.tags.count("script") == 1
    assert page.text.count(bad) >= 4


def test_templates_never_switch_escaping_off() -> None:
    for path in TEMPLATES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "") and "autoescape" not in text, path
    assert not any("Markup(" in path.read_text(encoding="utf-8") for path in TEMPLATES.parent.glob("*.py"))


def test_an_empty_report_is_a_page(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, ReportData("Nothing yet", ""))
    assert "Nothing yet" in page.text and "svg" in page.tags and "section" not in page.tags
    _, page = rendered(tmp_path, ReportData("t", "", comparison=Comparison((Protocol("p"),), ())))
    assert "table" not in page.tags
    _, page = rendered(tmp_path, ReportData("t", "", comparison=Comparison((), ())))
    assert "table" not in page.tags


def test_one_seed_has_no_interval_and_says_so(tmp_path: Path) -> None:
    text, page = rendered(tmp_path, replace(examples.report(), comparison=examples.comparison(seeds=1)))
    assert "no interval can be given" in page.text
    assert "±" not in page.text.split("What the methods see")[0].replace("mean ± standard deviation", "")
    assert "95 % interval of the paired difference to RGB" not in text


def test_absent_numbers_are_a_dash_and_partial_coverage_is_shown(tmp_path: Path) -> None:
    nan = float("nan")
    rows = (
        MethodRow(
            "RGB", "Baseline", (Score((0.4, 0.42), 0.41, 0.01, videos_scored=24, videos_total=24),), baseline=True
        ),
        MethodRow("half", "All", (Score((0.5, nan), 0.5, None, 0.1, videos_scored=20, videos_total=24),)),
        MethodRow("none", "All", (Score((nan,), nan, nan, nan, nan, nan),)),
    )
    text, page = rendered(tmp_path, ReportData("t", "", comparison=Comparison((Protocol("p"),), rows)))
    assert "20 of 24 videos scored" in page.text and "(1 seed)" in page.text and "–" in page.text
    assert "nan" not in text.lower() and "None" not in text


@pytest.mark.parametrize("make", [examples.report, examples.hostile])
def test_no_number_on_the_page_is_nan_or_none(tmp_path: Path, make: Any) -> None:
    _, page = rendered(tmp_path, make())
    places = [(name, value) for tag, name, value in page.attributes if tag in SVG_LEAVES and name in PLACES]
    assert len(places) > 100
    for name, value in places:
        assert re.fullmatch(r"-?[\d.]+%?" if name != "d" else r"[MLHZ\d. -]*", value or ""), (name, value)


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    write_report(first, examples.report())
    write_report(second, examples.report())
    assert first.read_bytes() == second.read_bytes()


def test_two_hours_with_2000_detections_stay_light(tmp_path: Path) -> None:
    text, _ = rendered(tmp_path, examples.long_video())
    assert len(text.encode()) < 3_000_000
    assert text.count("<tr data-s=") == 2000
    assert text.count('<rect class="bar"') == 2000


def test_twenty_videos_of_two_minutes_stay_below_five_megabytes(tmp_path: Path) -> None:
    videos = [examples.example(seed, duration_s=120.0) for seed in range(20)]  # 16 frames of a real room: 3 kB each
    strip = tuple("data:image/jpeg;base64," + "A" * 4000 for _ in range(16))
    data = replace(examples.report(), timelines=tuple(replace(video, frames=strip) for video in videos))
    write_report(tmp_path / "report.html", data)
    assert sum(len(lane.detections) for video in videos for lane in video.lanes) > 2500
    assert (tmp_path / "report.html").stat().st_size < 4_000_000  # figures of `augrgb report`: half a megabyte


def test_every_picture_has_words(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, examples.report())
    labels = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert len(labels) > 40 and all(labels)
    images = [tag for tag in page.tags if tag == "img"]
    assert len([1 for tag, name, _ in page.attributes if tag == "img" and name == "alt"]) == len(images)


def test_a_video_without_detections_is_a_page(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, DetectionPage("empty.mp4", 3.0, (), ()))
    assert "Nothing was detected" in page.text and "0 detections" in page.text


@pytest.mark.parametrize(
    ("start", "end", "hint"), [(5.0, 4.0, "in order"), (float("nan"), 4.0, "finite"), (900.0, 1200.0, "frame numbers")]
)
def test_times_that_cannot_be_drawn_are_refused(tmp_path: Path, start: Any, end: Any, hint: Any) -> None:
    video = DetectionPage("v.mp4", 40.0, (), (Detection("v", "walk", start, end, 0.5),))
    with pytest.raises(InputRefused, match=f"E-REP-001 v.mp4: .*{hint}"):
        write_detection_page(tmp_path / "x.html", video)
    assert not list(tmp_path.iterdir())


def test_frames_may_not_reach_outside(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-REP-002"):
        write_detection_page(tmp_path / "x.html", DetectionPage("v", 4.0, ("https://example.org/x.jpg",), ()))
