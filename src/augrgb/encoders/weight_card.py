"""Weight cards: where weights come from, under which license, and how to check that they work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.files import write_json
from augrgb.core.plain_data import read_json
from augrgb.core.seeds import rng_at
from augrgb.encoders.snippet_encoder import SnippetEncoder, encode_windows
from augrgb.weights.self_tests import SelfTest

SCHEMA = "augrgb.weights/1"
_SHOWN = 8
_LEAST_VARIATION = 1e-4


@dataclass(frozen=True, slots=True)
class WeightCard:
    """What is known about a weights file.

    Args:
        name: Of the weights, such as `i3d_rgb_kinetics400`.
        encoder: Catalog name of the encoder that they fit.
        source_url: Where they were published.
        sha256: Of the published file.
        license: Under which they may be used.
        self_test: How to check that they work.
        notes: Anything else worth knowing.
    """

    name: str
    encoder: str
    source_url: str
    sha256: str
    license: str
    self_test: SelfTest = field(default_factory=SelfTest)
    notes: str = ""


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """What a self-test that passed has found.

    Args:
        variation: Mean over channels of the std between windows, as a fraction of the mean size of features.
        difference: Largest difference from the expected values; None if the card has none.
        features: First features of every window.
    """

    variation: float
    difference: float | None
    features: tuple[tuple[float, ...], ...]


def write_card(path: Path, card: WeightCard) -> None:
    """Write a card as JSON."""
    write_json(path, {"schema": SCHEMA, **asdict(card)})


def read_card(path: Path) -> WeightCard:
    """Read a card.

    Raises:
        InputRefused: E-FILE-001/010, E-MOD-006 (not a card).
    """
    values = read_json(path, "weight card")
    if not isinstance(values, Mapping) or values.get("schema") != SCHEMA:
        raise InputRefused("E-MOD-006", path, f"is not a weight card ({SCHEMA})", "Give the card.json of an import.")
    try:
        test: dict[str, Any] = dict(values["self_test"])
        test["expected"] = tuple(tuple(float(value) for value in row) for row in test.get("expected", ()))
        rest = {key: value for key, value in values.items() if key not in ("schema", "self_test")}
        return WeightCard(**rest, self_test=SelfTest(**test))
    except (TypeError, KeyError, ValueError) as error:
        raise InputRefused(
            "E-MOD-006", path, f"is an incomplete weight card: {error}", "Import the weights again."
        ) from error


def self_test(encoder: SnippetEncoder, card: WeightCard) -> SelfTestResult:
    """Check that an encoder with loaded weights distinguishes windows and reproduces the card's numbers.

    Raises:
        InputRefused: E-MOD-012 (the card is of another encoder), E-MOD-004 (NaN or infinite features), E-MOD-013 (the
            features are the same whatever the windows show: dead weights, as in one published file), E-MOD-014 (other
            features than the card says).
    """
    if card.encoder != encoder.name:
        raise InputRefused("E-MOD-012", card.name, f"its weights are of {card.encoder}, not of {encoder.name}")
    features = encode_windows(encoder, self_test_windows(encoder, card.self_test), batch=card.self_test.count)
    if not np.isfinite(features).all():
        raise InputRefused("E-MOD-004", card.name, "gives NaN or infinite features", "The weights are damaged.")
    size = float(np.abs(features).mean())
    variation = float(features.std(axis=0).mean()) / size if size > 0 else 0.0
    if variation < _LEAST_VARIATION:
        problem = f"gives the same features for different windows (variation {variation:.1g} of their size)"
        raise InputRefused("E-MOD-013", card.name, problem, "These weights do not work; find others.")
    shown = features[:, :_SHOWN]
    rows = tuple(tuple(float(value) for value in row) for row in shown)
    if not card.self_test.expected:
        return SelfTestResult(variation, None, rows)
    expected = np.array(card.self_test.expected, np.float64)
    if expected.shape != shown.shape:
        problem = f"gives {shown.shape} features, the card has {expected.shape}"
        raise InputRefused("E-MOD-014", card.name, problem, "The card is of other weights.")
    difference = float(np.abs(shown - expected).max())
    allowed = card.self_test.tolerance * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:
        problem = f"features differ from the card's by {difference:.3g}, allowed are {allowed:.3g}"
        raise InputRefused("E-MOD-014", card.name, problem, "Import the weights again; the card is of other weights.")
    return SelfTestResult(variation, difference, rows)


def self_test_windows(encoder: SnippetEncoder, test: SelfTest) -> NDArray[Any]:
    """Windows of colored blocks that move, or of joints that wander, a function of the recipe alone.

    Shape: (count, frames, H, W, 3) uint8, (count, frames, H, W, 2) int8, or (count, frames, V, 3) float32.
    """
    return np.stack([_window(encoder, test, number) for number in range(test.count)])


def _window(encoder: SnippetEncoder, test: SelfTest, number: int) -> NDArray[Any]:
    rng = rng_at(test.seed, "self-test", number)
    if encoder.modality == "pose":
        joints = int(getattr(encoder, "joints", 0))
        steps = rng.random((test.frames, joints, 3)) - 0.5
        return (rng.random((joints, 3)) * 1.5 + 0.1 * np.cumsum(steps, axis=0)).astype(np.float32)
    if encoder.modality in ("signal", "grid"):
        options = encoder.options
        shape = options["shape"] if encoder.modality == "grid" else (options["channels"],)
        return rng.normal(0, 1, (test.frames, *shape)).cumsum(axis=0).astype(np.float32)
    rows, columns = -(-test.height // 8), -(-test.width // 8)
    low, high, channels, kind = (0, 256, 3, np.uint8) if encoder.modality == "rgb" else (-96, 97, 2, np.int8)
    blocks = rng.integers(low, high, (rows, columns, channels)).astype(kind)
    image = blocks.repeat(8, axis=0).repeat(8, axis=1)[: test.height, : test.width]
    down, right = (int(step) for step in rng.integers(-3, 4, 2))
    return np.stack([np.roll(image, (frame * down, frame * right), axis=(0, 1)) for frame in range(test.frames)])
