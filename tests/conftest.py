"""Settings of the test run, and a trained tiny project that tests share."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

TESTS = str(Path(__file__).parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")]))  # for child processes

# No test finds weights that the user has fetched; the font list of matplotlib, slow to make, stays where it is.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
os.environ.setdefault("MPLCONFIGDIR", str(_CACHE / "matplotlib"))
os.environ["XDG_CACHE_HOME"] = str(Path(tempfile.gettempdir()) / "augrgb-tests-without-cache")

torch.set_num_threads(1)  # tests share the machine; more threads make small tensors slower

settings.register_profile("ci", derandomize=True, deadline=None)  # searching goes on at people's desks
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world with trained encoders and streams. Read only: copy what a test changes."""
    from support.tiny_project import make_project, train_project

    root = make_project(tmp_path_factory.mktemp("project"))
    train_project(root)
    return root


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for the tests that need real files which may not be copied into the repository."""
    from support.places import ABSENT

    absent = [report for report in terminalreporter.stats.get("skipped", []) if ABSENT in str(report.longrepr)]
    if absent:
        terminalreporter.write_line(f"{len(absent)} tests skipped: the real files of ../shared are absent")
