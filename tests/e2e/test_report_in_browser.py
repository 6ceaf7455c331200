"""The pages in a real browser: nothing injected runs, the drawing is there, the small script does its work."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest

from augrgb.report.detection_page import write_detection_page
from augrgb.report.page import write_report
from support import report_examples as examples

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine"),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


def browse(tmp_path: Path, page: Path, *options: str) -> str:
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def acted(tmp_path: Path, page: Path, script: str) -> str:
    """The page's title after a script of the test has used it."""
    changed = page.with_name(f"acted-{page.name}")
    text = page.read_text(encoding="utf-8")
    changed.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    found = re.search(r"<title>(.*?)</title>", browse(tmp_path, changed, "--dump-dom"))
    assert found
    return found.group(1)


def test_nothing_injected_runs(tmp_path: Path) -> None:
    page = tmp_path / "hostile.html"
    write_report(page, examples.hostile())
    document = browse(tmp_path, page, "--dump-dom")
    assert "<script" not in document and '<img src="x"' not in document
    assert document.count("&lt;script&gt;alert(1)") > 20


def test_the_report_runs_no_script_at_all(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(page, examples.report())
    assert acted(tmp_path, page, "document.title = 'ran'") == examples.report().title


@pytest.mark.parametrize("width", [1280, 420])
def test_the_report_is_drawn_and_never_wider_than_the_window(tmp_path: Path, width: Any) -> None:
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    write_report(page, examples.report())
    browse(tmp_path, page, f"--screenshot={shot}", f"--window-size={width},2400")
    picture = cv2.imread(str(shot))
    assert picture.std() > 10
    open_page = tmp_path / "open.html"  # the same page, but allowed to run the test's script
    open_page.write_text(page.read_text(encoding="utf-8").replace("default-src 'none'; ", ""), encoding="utf-8")
    overflow = "document.title = document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert acted(tmp_path, open_page, overflow) == "0"


def test_zoom_threshold_and_sorting_work(tmp_path: Path) -> None:
    page = tmp_path / "video.html"
    write_detection_page(page, examples.detected())
    script = """
    const wide = document.querySelector(".wideview"), before = wide.clientWidth;
    const column = k => [...document.querySelectorAll("#detections tbody tr")].map(row => row.cells[k].textContent);
    document.querySelector("[data-zoom='2']").click();
    const zoomed = Math.round(wide.clientWidth / before);
    for (let k = 0; k < 3; k++) document.querySelector("[data-zoom='2']").click();
    document.querySelector(".view").scrollLeft = 0.5 * wide.clientWidth;
    document.querySelector(".view").dispatchEvent(new Event("scroll"));
    const times = [...document.querySelectorAll(".axis span")].map(label => label.textContent);
    const fine = times.includes("0:48") && times.includes("0:49") && times.length < 20;
    document.querySelector("[data-zoom='0']").click();
    const whole = wide.clientWidth === before;
    document.querySelectorAll("#detections th button")[4].click();
    const up = column(4).map(Number), sorted = up.every((v, k) => !k || up[k - 1] <= v) && up.length > 20;
    document.querySelectorAll("#detections th button")[0].click();
    const names = column(0), named = names.every((v, k) => !k || names[k - 1].localeCompare(v) <= 0);
    const slider = document.getElementById("least");
    slider.value = 0.6; slider.dispatchEvent(new Event("input"));
    const rows = [...document.querySelectorAll("#detections tbody tr")];
    const hidden = rows.every(row => (row.style.display === "none") === (Number(row.dataset.s) < 0.6));
    const some = rows.some(row => row.style.display === "none") && rows.some(row => row.style.display !== "none");
    document.title = [zoomed, fine, whole, sorted, named, hidden, some].join(" ");
    """
    assert acted(tmp_path, page, script) == "2 true true true true true true"
