"""Weights of models on disk: safetensors only, compared strictly with what the model needs; nothing is unpickled."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from augrgb.core.arrays import open_tensors
from augrgb.core.errors import InputRefused
from augrgb.core.opening import open_regular, regular_file

_SHOWN = 20
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
M = TypeVar("M", bound=nn.Module)
Renaming = Callable[[Mapping[str, Tensor], Any, Mapping[str, Tensor]], Mapping[str, Tensor]]


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


def read_outline(path: Path) -> dict[str, Tensor]:
    """Names, shapes and kinds of the tensors of a safetensors file, without their numbers (on the device `meta`).

    Raises:
        InputRefused: As `read_weights`.
    """
    found: dict[str, Tensor] = {}
    try:
        with open_tensors(path) as handle:
            for name in handle.keys():  # noqa: SIM118 - not a mapping
                part = handle.get_slice(name)
                kind = _DTYPES.get(part.get_dtype())
                if kind is None:
                    raise ValueError(f"{name} holds numbers of the kind {part.get_dtype()}")
                found[name] = torch.empty(tuple(part.get_shape()), dtype=kind, device="meta")
    except (safetensors.SafetensorError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, safetensors.SafetensorError):
            read_weights(path)  # says what it is instead
        raise InputRefused("E-MOD-001", path, f"not a safetensors file: damaged ({error})", "Copy it again.") from error
    return found


def build_fitting(path: Path, build: Callable[[], M]) -> M:
    """Build a network for a weights file, after comparing its outline with the header of the file.

    What a description of a network asks for costs no memory: first it is built without numbers, and with hardly more
    tensors than the file has.

    Args:
        path: The weights.
        build: Makes the network; called twice.

    Raises:
        InputRefused: E-MOD-001, E-MOD-002; and what `build` raises.
    """
    return build_alike(path, read_outline(path), build)


def build_alike(path: Path, header: Mapping[str, Tensor], build: Callable[[], M], rename: Renaming | None = None) -> M:
    """As `build_fitting`, for a file whose outline is known already.

    Args:
        path: The weights, for messages.
        header: Names and shapes of its tensors.
        build: Makes the network; called twice.
        rename: Turns the header into names of the network, if the file has others.

    Raises:
        InputRefused: As `build_fitting`.
    """
    try:
        with _at_most(4 * len(header) + 64, path), torch.device("meta"):
            outline = build()
    except (RuntimeError, ValueError, TypeError, ArithmeticError, AssertionError) as error:  # a width of -4
        first = (str(error).splitlines() or [type(error).__name__])[0][:200]
        problem = f"no network has the options of its description ({first})"
        raise InputRefused("E-MOD-002", path, problem, "Copy the whole folder again.") from error
    expected = outline.state_dict()
    _check_names(path, rename(header, outline, expected) if rename is not None else header, expected)
    return build()


@contextlib.contextmanager
def _at_most(tensors: int, path: Path) -> Iterator[None]:
    count = 0

    def seen(module: nn.Module, name: str, parameter: Any) -> None:
        nonlocal count
        count += 1
        if count > tensors:
            problem = "the network that is described has far more tensors than this file"
            raise InputRefused("E-MOD-002", path, problem, "These weights are of another model.")

    hook = register_module_parameter_registration_hook(seen)
    try:
        yield
    finally:
        hook.remove()


def check_state(path: Path, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare tensors with a model's own, strictly: all differences at once (E-MOD-002), then values (E-MOD-004)."""
    _check_names(path, state, expected)
    check_finite(path, state)


def _check_names(path: Path, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    faults = [f"{name} is missing" for name in expected if name not in state]
    faults += [f"{name} is unknown" for name in state if name not in expected]
    for name in sorted(state.keys() & expected.keys()):
        have, want = state[name], expected[name]
        if have.shape != want.shape or have.dtype != want.dtype:
            faults.append(f"{name} is {have.dtype} {tuple(have.shape)}, not {want.dtype} {tuple(want.shape)}")
    if faults:
        rest = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InputRefused("E-MOD-002", path, "; ".join(faults[:_SHOWN]) + rest, "These weights are of another model.")


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse weights with NaN or infinite values, naming the tensors (E-MOD-004)."""
    bad = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if bad:
        raise InputRefused("E-MOD-004", path, f"NaN or infinite values in {', '.join(bad)}", "Train it again.")
