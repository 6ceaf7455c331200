"""The loop in a real browser with a real, tiny model: detect, correct by keys, fit again, detect with the new model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.world.make import make_world
from support.browsing import until, upload
from support.places import SHARED, needs_shared
from support.server_client import LIMITS, wait_for
from support.tiny_project import WORLD

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
SHORT = "from augrgb.pipelines.fitting import plan; plan.ENCODER_STEPS, plan.STREAM_STEPS = 8, 10; "
FIT = SHORT + "import sys; from augrgb.cli.main import main; main(sys.argv[1:])"
ROUND = SHORT + "from augrgb.server.teaching.fit_process import main; main()"
PROJECT = "dataset: world\nsplit: cross_subject\nclock: {fps: 15, window: 8, stride: 8}\nlayers: 2\nfolds: []\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loop")
    make_world(root / "world", WORLD, workers=0)
    (root / "project.yaml").write_text(PROJECT)
    words = [sys.executable, "-c", FIT, "fit", str(root), "--workers", "1"]
    subprocess.run(words, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return root


@pytest.fixture(scope="module")
def url(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import uvicorn

    from augrgb.server.app import create_app
    from augrgb.server.settings import ServerSettings
    from augrgb.server.teaching.rounds import FitProcess

    work = tmp_path_factory.mktemp("work")
    settings = ServerSettings(None, work, videos=project / "world", project=project, limits=LIMITS)
    app = create_app(settings, fitting=FitProcess(("-c", ROUND)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 60)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def page(url: str) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = browser.new_page(viewport={"width": 1280, "height": 900})
        found.set_default_timeout(120_000)
        found.goto(url)
        yield found
        browser.close()


SAVED = "document.querySelector('#save-state').textContent.startsWith('Saved')"


def test_detect_correct_fit_again_and_see_what_it_was_worth(page: Any, url: str, project: Path) -> None:
    before = load_dataset(project / "world")
    name = before.splits["cross_subject"]["unlabelled"][0]
    file = before.videos[name].file
    assert file is not None
    row = page.locator("#videos li").filter(has=page.get_by_text(file.name, exact=True))
    row.get_by_role("button", name=f"Detect in {file.name}").click()
    row.locator(".open").click()
    page.wait_for_selector("#editor:not([hidden])")
    page.locator("#timeline").focus()
    page.keyboard.press("n")
    until(page, "document.querySelector('#table tr.chosen') || !document.querySelector('#message').hidden")
    if page.evaluate("augrgb.document().events.every((event) => event.state !== 'unreviewed')"):
        page.keyboard.press("a")  # a model of ten steps may find nothing at all
    page.wait_for_selector("#table tr.chosen")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    until(page, SAVED)
    page.locator("#whole").click()
    until(page, SAVED)
    until(page, "!document.querySelector('#fit').disabled")
    job = page.evaluate(
        "fetch('/api/videos').then((r) => r.json()).then((all) => Math.max(...all.map((v) => v.job?.id ?? 0)))"
    )
    page.locator("#fit").click()
    page.wait_for_selector("#teach-progress:not([hidden])")
    until(page, "document.querySelectorAll('#rounds tr').length === 2", 900)
    first, second = (
        [cell.inner_text() for cell in row.locator("th, td").all()] for row in page.locator("#rounds tr").all()
    )
    assert first[0] == "before" and second[0] == "1" and int(second[1]) >= 1
    assert 0 <= float(first[3].split()[0]) <= 100 and second[4][0] in "+−"
    until(page, f"document.querySelector('#videos .chosen') && augrgb.document()?.found_by > {job}")
    after = load_dataset(project / "world")
    roles = after.splits["cross_subject"]
    assert name in roles["train"] and name not in roles["unlabelled"]
    assert roles["test"] == before.splits["cross_subject"]["test"]
    assert after.videos[name].events and after.videos[name].ignored == ()
    summary = json.loads((project / "rounds" / "1" / "summary.json").read_text())
    assert any(name in roles["train"] for roles in summary["splits"].values())


@needs_shared("data/real/gmdcsa")
def test_a_real_video_goes_from_upload_to_a_timeline_that_follows_it(page: Any) -> None:
    film = sorted((SHARED / "data/real/gmdcsa").glob("*.mp4"))[0]
    upload(page, film)
    row = page.locator("#videos li").filter(has_text=film.name)
    row.locator(".open:not(:disabled)").click()
    page.wait_for_selector("#editor:not([hidden])")
    until(page, "document.querySelector('#video').readyState > 1")
    assert page.locator("#strip img").count() > 10
    page.locator("#play").click()
    until(page, "document.querySelector('#video').currentTime > 0.5")
    page.locator("#play").click()
    until(page, "Math.abs(document.querySelector('#video').currentTime - augrgb.timeline.time) < 0.1")
    scores = page.evaluate("augrgb.timeline.pyramids.map((one) => one.levels[0].high.length)")
    assert min(scores) > 3 and page.locator("#classes .class").count() == len(scores)
