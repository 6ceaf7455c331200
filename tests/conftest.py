"""Settings of the test run, and a trained tiny project that tests share."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

TESTS = str(Path(__file__).parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")]))  # for child processes

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
