"""The measurement of a machine's speed that a fit keeps."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from augrgb.pipelines.fitting.speed import Speed, kept_speed, read_speed

FIRST, SECOND = Speed(0.1, 0.2, 0.3, 0.4, 0.5), Speed(1.0, 1.0, 1.0, 1.0, 1.0)


def test_a_kept_measurement_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    assert read_speed(path) is None and not path.exists()
    assert kept_speed(path, lambda: FIRST) == FIRST
    assert kept_speed(path, lambda: SECOND) == read_speed(path) == FIRST


@pytest.mark.parametrize("damaged", ["", "[]", "{}", json.dumps({"decode": "fast"})])
def test_a_damaged_measurement_is_named_and_made_again(
    tmp_path: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "speed.json"
    path.write_text(damaged)
    with caplog.at_level(logging.WARNING):
        assert kept_speed(path, lambda: SECOND) == SECOND
    assert "measured again" in caplog.text
    assert read_speed(path) == SECOND
