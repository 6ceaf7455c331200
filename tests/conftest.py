"""Puts this folder on the import path, so that tests find the sample makers beside it; a trained tiny project."""

import os
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
torch.set_num_threads(1)  # tests share the machine; more threads make small tensors slower

settings.register_profile("ci", derandomize=True, deadline=None)  # searching goes on at people's desks
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world with trained encoders and streams. Read only: copy what a test changes."""
    from tiny_project import make_project, train_project

    root = make_project(tmp_path_factory.mktemp("project"))
    train_project(root)
    return root
