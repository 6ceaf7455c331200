"""TensorFlow Lite models, run by ai-edge-litert: an optional package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import EnvironmentFault, InputRefused


class TfliteModel:
    """A model with one input, ready to run on the processor with one thread: workers share the cores already.

    Args:
        path: The `.tflite` file, whose hash the caller has checked.

    Raises:
        EnvironmentFault: E-ENV-003, ai-edge-litert is not installed.
        InputRefused: E-MOD-029, the file is not a model that runs here.
    """

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except (ImportError, OSError) as error:
            problem = f"TensorFlow Lite models need ai-edge-litert ({error})"
            raise EnvironmentFault("E-ENV-003", path, problem, "pip install 'augrgb[blazepose]'") from error
        try:
            self._interpreter: Any = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            problem = f"is not a TensorFlow Lite model that runs here ({str(error)[:200]})"
            raise InputRefused("E-MOD-029", path, problem, "Get the file again.") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [
            (one["index"], tuple(int(side) for side in one["shape"])) for one in self._interpreter.get_output_details()
        ]

    def run(self, x: NDArray[np.float32]) -> dict[tuple[int, ...], NDArray[np.float32]]:
        """The outputs by their shapes, which differ in every model that is used here."""
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        return {shape: self._interpreter.get_tensor(index) for index, shape in self._outputs}
