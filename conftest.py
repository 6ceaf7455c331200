"""Doctests of `src` that read `toy/...` run in a folder that holds a tiny dataset, features, recipes and an encoder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, made once. Read only: copy it."""
    from support.toy_folder import make_toy_folder

    return make_toy_folder(tmp_path_factory.mktemp("toy"))


@pytest.fixture(autouse=True)
def _doctests_find_their_files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    example = getattr(request.node, "dtest", None)
    if example is None or '"toy' not in example.docstring:
        return
    here = tmp_path_factory.mktemp("doctest")
    shutil.copytree(request.getfixturevalue("toy_folder"), here / "toy")
    request.getfixturevalue("monkeypatch").chdir(here)
