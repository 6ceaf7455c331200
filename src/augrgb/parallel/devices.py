"""Where networks run that turn videos into features: on the CPU, or on GPUs that the worker processes share."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from augrgb.core.errors import EnvironmentFault, UsageFault

PRECISION = "float32"
"""Of every network here; no TF32, which rounds what goes into products to 10 bits."""


def chosen_devices(text: str) -> tuple[str, ...]:
    """Devices that a text names: `auto` (every GPU, else the CPU), `cpu`, `cuda` (every GPU) or `cuda:N`.

    Raises:
        UsageFault: E-CFG-012, another text.
        EnvironmentFault: E-ENV-002, this machine has no such device.
    """
    import torch

    found = re.fullmatch(r"cuda(?::(\d+))?", text)
    if text not in ("auto", "cpu") and found is None:
        raise UsageFault(
            "E-CFG-012", "device", f"unknown device {text!r}", "Use auto, cpu, cuda or cuda:N, such as cuda:0."
        )
    count = torch.cuda.device_count() if text != "cpu" and torch.cuda.is_available() else 0
    if found is None:
        return tuple(f"cuda:{number}" for number in range(count)) or ("cpu",)
    if count <= int(found[1] or 0):
        problem = f"{count} GPUs, counted from 0" if count else f"no GPU for torch {torch.__version__}"
        remedy = "Use cpu, or a PyTorch built for CUDA and a driver that is new enough." if not count else ""
        raise EnvironmentFault("E-ENV-002", text, f"no such device: {problem}", remedy)
    return (text,) if found[1] is not None else tuple(f"cuda:{number}" for number in range(count))


def begin_on(devices: Sequence[str], number: int) -> None:
    """Make one of some GPUs the one that `cuda` means in this process, and wake it."""
    import torch

    torch.cuda.set_device(devices[number % len(devices)])
    torch.zeros(1, device="cuda")


def recipe_of(device: str) -> dict[str, Any]:
    """What of a device changes the last bits of features: nothing on the CPU, which is the reference."""
    return {} if device == "cpu" else {"device": {"type": device.partition(":")[0], "precision": PRECISION}}


def description_of(device: str) -> dict[str, Any]:
    """Which model of GPU it is, beside the recipe: another one may differ in the last bits too."""
    import torch

    return {} if device == "cpu" else {"device": torch.cuda.get_device_name(torch.device(device))}


@contextlib.contextmanager
def same_kernels(device: str) -> Iterator[None]:
    """One thread, and on GPUs kernels that do not change from run to run: so the same bytes in every process.

    Raises:
        EnvironmentFault: E-ENV-004, the GPU's memory is full.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if device == "cpu":
            yield
            return
        products = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
                yield
        except torch.OutOfMemoryError as error:
            remedy = "Use fewer --workers, or --device cpu; finished videos are kept."
            raise EnvironmentFault("E-ENV-004", device, f"out of memory ({str(error).splitlines()[0]})", remedy) from (
                error
            )
        finally:
            torch.backends.cuda.matmul.allow_tf32 = products
    finally:
        torch.set_num_threads(threads)
