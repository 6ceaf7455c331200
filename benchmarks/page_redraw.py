"""First paint and redraw of the page's timeline: an hour of video, 50 classes, 5,000 events, in headless Chromium.

    python benchmarks/page_redraw.py

Run it in a checkout with the `dev` extra; it prints milliseconds, so run nothing else beside it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright
    from tests.e2e.test_page import DURATION_S, LARGE, Server, open_film

    from support.server_client import FakeDetector
    from support.video_samples import square_frames, write_video

    with tempfile.TemporaryDirectory() as name, sync_playwright() as tool:
        folder = Path(name)
        film = write_video(folder / "film.mp4", square_frames(int(DURATION_S * 10), 160, 90), fps=10)
        server = Server(folder, FakeDetector(DURATION_S))
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.url)
        open_film(page, server, film)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        spent = page.evaluate(LARGE)
        browser.close()
        server.stop()
    print(f"first contentful paint {paint:.0f} ms")
    print(f"redraw: median {spent['median']:.0f} ms, worst of 15 {spent['worst']:.0f} ms")
    print(f"until the frame after it is drawn: median {spent['frame']:.0f} ms, worst {spent['slowest']:.0f} ms")
    print(f"events that are elements, of 5000: {spent['elements']}")


if __name__ == "__main__":
    main()
