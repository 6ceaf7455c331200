"""The linear classifier that an encoder was trained with, kept beside it: a teacher's class scores of snippets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from augrgb.core.errors import InputRefused
from augrgb.core.weights import check_finite, read_weights
from augrgb.training.run.checkpoints import save_tensors

CLASSIFIER = "classifier.safetensors"


@dataclass(frozen=True)
class SnippetClassifier:
    """Weights (K, dim) and bias (K,): logits of features x (N, dim) are `x @ weight.T + bias`."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


def save_classifier(folder: Path, classifier: nn.Linear) -> None:
    """Write it into an encoder folder; it is not needed to use the encoder."""
    save_tensors(folder / CLASSIFIER, {"weight": classifier.weight, "bias": classifier.bias})


def read_classifier(folder: Path) -> SnippetClassifier | None:
    """The classifier of an encoder folder; None where the encoder was never trained on classes here.

    Raises:
        InputRefused: E-MOD-001 (not a safetensors file), E-MOD-002 (not a classifier), E-MOD-004 (not finite).
    """
    path = folder / CLASSIFIER
    if not path.is_file():
        return None
    tensors = read_weights(path)
    check_finite(path, tensors)
    weight, bias = tensors.get("weight"), tensors.get("bias")
    if weight is None or bias is None or weight.ndim != 2 or bias.shape != weight.shape[:1]:
        found = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
        raise InputRefused("E-MOD-002", path, f"holds {found or 'nothing'}, not a weight (K, dim) and a bias (K,)")
    return SnippetClassifier(weight.float().numpy(), bias.float().numpy())
