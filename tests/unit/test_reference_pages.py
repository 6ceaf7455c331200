"""The pages on calling losses, filters, protocols and encoders: their tables and examples agree with the code."""

from __future__ import annotations

import doctest
import inspect
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import augrgb
from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.encoders import ENCODERS
from augrgb.filters import FILTERS
from augrgb.losses import LOSSES
from augrgb.metrics import PROTOCOLS

DOCS = Path(__file__).parents[2] / "docs"
WINDOWS = {
    "rgb": "(N, window, H, W, 3) uint8",
    "flow": "(N, window, H, W, 2) int8",
    "pose": "(N, window, V, 3) float32",
    "signal": "(N, window, C) float32",
    "grid": "(N, window, H, W, C) float32",
}


def rows(page: str) -> list[list[str]]:
    """Cells of the table after the marker of a page."""
    text = (DOCS / page).read_text().split("held by tests/unit/test_reference_pages.py -->\n\n")[1]
    table = text.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def options(entry: type) -> str:
    parameters = [p for p in inspect.signature(entry).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return code(", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters))


def refused_with(loss: Any, *arguments: Any) -> str:
    try:
        loss(*arguments)
    except UsageFault as fault:
        return fault.code
    return ""


def loss_row(name: str) -> list[str]:
    entry, mask = LOSSES[name], torch.ones(1, 4, dtype=torch.bool)
    features, output = torch.zeros(1, 4, 6), StreamOutput(torch.zeros(1, 4, 6), torch.zeros(1, 4, 3))
    same, other = entry(StreamDims(6, 6, 3)), entry(StreamDims(6, 7, 3))
    labels = "needed" if refused_with(same, output, output, Batch(mask)) == "E-MOD-031" else ""
    both = refused_with(same, features, features, Batch(mask, torch.ones(1, 4, 3))) == "E-MOD-032"
    tensors = "logits" if entry.compares == "scores" else "both" if both else "features"
    function = "no" if list(same.parameters()) else "equal widths" if list(other.parameters()) else "yes"
    sizes = " ".join(map(code, entry.needs))
    return [code(name), code(entry.__name__), tensors, sizes, labels, function, options(entry)]


@pytest.mark.parametrize("number", range(len(LOSSES)), ids=sorted(LOSSES))
def test_the_table_of_losses_is_what_the_losses_are(number: Any) -> None:
    assert rows("losses.md")[number] == loss_row(sorted(LOSSES)[number])


def test_the_table_of_losses_has_no_other_row() -> None:
    assert len(rows("losses.md")) == len(LOSSES)


def test_the_table_of_filters_is_what_the_filters_are() -> None:
    assert rows("filters.md") == [[code(name), code(e.__name__), options(e)] for name, e in FILTERS.items()]


def test_the_table_of_encoders_is_what_the_encoders_are() -> None:
    expected = [[code(name), code(e.__name__), WINDOWS[e.modality], options(e)] for name, e in ENCODERS.items()]
    assert rows("encoders.md") == expected


def test_the_table_of_protocols_is_the_catalogue() -> None:
    expected = [
        [code(name), p.needs, "yes" if p.takes_labels else "", code(p.instead)] for name, p in PROTOCOLS.items()
    ]
    assert rows("protocols.md") == expected


def test_the_page_of_the_api_names_everything() -> None:
    text = (DOCS / "api.md").read_text()
    missing = [name for name in augrgb.__all__ if name != "__version__" and f"| `{name}(" not in text]
    assert missing == []


@pytest.mark.parametrize("page", ["api.md", "encoders.md", "filters.md", "losses.md", "protocols.md"])
def test_examples_of_a_page_run(page: Any, toy_folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(toy_folder, tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testfile(str(DOCS / page), module_relative=False)
    assert outcome.attempted > 0 and outcome.failed == 0
