"""Weights of models on disk: safetensors only, compared strictly with what the model needs; nothing is unpickled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from augrgb.core.errors import InputRefused
from augrgb.core.opening import open_regular, regular_file

_SHOWN = 20


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file; pickles and anything else are refused (E-MOD-001)."""
    try:
        return dict(safetensors.torch.load_file(regular_file(path, "weights file")))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        with open_regular(path, "weights file") as handle:
            head = handle.read(2)
        found = "a pickle or PyTorch archive" if head in (b"PK", b"\x80\x02") else f"damaged ({error})"
        remedy = "Only safetensors files are loaded, because others can run code."
        raise InputRefused("E-MOD-001", path, f"not a safetensors file: {found}", remedy) from error


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """Hex SHA-256 of tensors: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()


def check_state(path: Path, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare tensors with a model's own, strictly: all differences at once (E-MOD-002), then values (E-MOD-004)."""
    faults = [f"{name} is missing" for name in expected if name not in state]
    faults += [f"{name} is unknown" for name in state if name not in expected]
    for name in sorted(state.keys() & expected.keys()):
        have, want = state[name], expected[name]
        if have.shape != want.shape or have.dtype != want.dtype:
            faults.append(f"{name} is {have.dtype} {tuple(have.shape)}, not {want.dtype} {tuple(want.shape)}")
    if faults:
        rest = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InputRefused("E-MOD-002", path, "; ".join(faults[:_SHOWN]) + rest, "These weights are of another model.")
    check_finite(path, state)


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse weights with NaN or infinite values, naming the tensors (E-MOD-004)."""
    bad = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if bad:
        raise InputRefused("E-MOD-004", path, f"NaN or infinite values in {', '.join(bad)}", "Train it again.")
