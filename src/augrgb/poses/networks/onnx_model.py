"""ONNX models run by onnxruntime: an optional package, models that the user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.onnx_runtime import import_onnxruntime
from augrgb.core.opening import regular_file, sha256_file


class OnnxModel:
    """A model file, ready to run on the processor, with one thread: workers share the cores already.

    Args:
        path: The `.onnx` file.
        sha256: Hex SHA-256 that it must have; None = any.

    Attributes:
        size: (width, height) of the images it takes, from its input (N, 3, H, W).
        output_names: In the model's order.
        sha256: Of the file.

    Raises:
        EnvironmentFault: E-ENV-003, onnxruntime is not installed.
        InputRefused: E-FILE-001 (absent), E-MOD-024 (not a model), E-MOD-025 (its input is not an image of a fixed
            size), E-MOD-003 (another SHA-256).
    """

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        onnxruntime = import_onnxruntime(path, "ONNX models need", "pose")
        self.path = regular_file(path, "model file")
        self.sha256 = sha256_file(self.path)
        if sha256 is not None and self.sha256 != sha256.strip().lower():
            problem = f"SHA-256 is {self.sha256}, expected {sha256.strip().lower()}"
            raise InputRefused("E-MOD-003", path, problem, "Download it again, or ask its publisher for the hash.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common base but this
            problem = f"is not an ONNX model that runs here ({str(error)[:200]})"
            raise InputRefused("E-MOD-024", path, problem, "Export it again for onnxruntime.") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if inputs else []
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or not all(isinstance(s, int) for s in shape[2:]):
            problem = f"takes {[(one.name, one.shape) for one in inputs]}, expected one image (N, 3, height, width)"
            raise InputRefused("E-MOD-025", path, problem, "Export it with a fixed image size.")
        self._input = inputs[0].name
        self.one_by_one = shape[0] == 1
        self.size: tuple[int, int] = (int(shape[3]), int(shape[2]))
        self.output_names: tuple[str, ...] = tuple(one.name for one in self._session.get_outputs())

    def run(self, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Outputs in the model's order.

        Shape: (N, 3, H, W) -> arrays that begin with N.

        Raises:
            InputRefused: E-MOD-025, the model fails on such images.
        """
        parts = np.split(images, len(images)) if self.one_by_one else [images]
        try:
            results = [self._session.run(None, {self._input: np.ascontiguousarray(part)}) for part in parts]
        except Exception as error:  # as above
            problem = f"fails on images {images.shape} ({str(error)[:200]})"
            raise InputRefused("E-MOD-025", self.path, problem, "Is it the model for this task?") from error
        return [np.concatenate(column) for column in zip(*results, strict=True)]
