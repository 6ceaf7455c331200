"""How to see that weights work: a recipe for an input, and what must come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.seeds import rng_at

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A recipe for input windows, and what an encoder makes of them.

    Args:
        seed: Of the windows.
        count: How many windows, at least two.
        frames: Frames in a window.
        height, width: Of images, in pixels; poses have none.
        expected: The first features of every window; empty = only what holds for all weights is tested.
        tolerance: Largest difference, as a fraction of the largest expected value (at least of 1).
    """

    seed: int = 0
    count: int = 3
    frames: int = 16
    height: int = 64
    width: int = 80
    expected: tuple[tuple[float, ...], ...] = ()
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        if self.count < 2 or min(self.frames, self.height, self.width) < 1:
            raise UsageFault("E-CFG-003", "self_test", f"needs two windows of some size, got {self}")


@dataclass(frozen=True, slots=True)
class TfliteTest:
    """What a TensorFlow Lite network makes of noise: uniform numbers in [0, 1) in the shape of its input.

    Args:
        output: Number of the output that is looked at.
        expected: The first numbers of that output, at most eight.
        seed: Of the noise.
        tolerance: Largest difference, as a fraction of the largest expected value (at least of 1).
    """

    output: int
    expected: tuple[float, ...]
    seed: int = 0
    tolerance: float = 1e-3


def tflite_numbers(path: Path, test: TfliteTest) -> tuple[float, ...]:
    """The first numbers that a network gives in a test.

    Raises:
        EnvironmentFault: E-ENV-003, ai-edge-litert is not installed.
        InputRefused: E-MOD-004, the file is not a network that runs here.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except (ImportError, OSError) as error:
        problem = f"the self-test of TensorFlow Lite networks needs ai-edge-litert ({error})"
        raise EnvironmentFault("E-ENV-003", path, problem, "pip install 'augrgb[blazepose]'") from error
    try:
        network = Interpreter(str(path), num_threads=1)
        network.allocate_tensors()
        entry = network.get_input_details()[0]
        x = rng_at(test.seed, "self-test", 0).random(tuple(int(side) for side in entry["shape"]), np.float32)
        network.set_tensor(entry["index"], x)
        network.invoke()
        output = network.get_tensor(network.get_output_details()[test.output]["index"])
    except (ValueError, RuntimeError, IndexError) as error:
        problem = f"is not a TensorFlow Lite network that runs here ({str(error)[:200]})"
        raise InputRefused("E-MOD-004", path, problem, "Delete it, then run `augrgb weights get`.") from error
    return tuple(float(value) for value in output.ravel()[:_SHOWN])


def check_tflite(path: Path, test: TfliteTest) -> float:
    """The largest difference of a network from the expected numbers.

    Raises:
        EnvironmentFault, InputRefused: See `tflite_numbers`; E-MOD-014, the difference is too large.
    """
    found, expected = np.array(tflite_numbers(path, test)), np.array(test.expected)
    difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
    allowed = test.tolerance * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:
        problem = f"gives numbers that differ by {difference:.3g} from those expected, allowed are {allowed:.3g}"
        raise InputRefused("E-MOD-014", path, problem, "Report it with the version of ai-edge-litert.")
    return difference
