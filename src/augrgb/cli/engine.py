"""Where a command runs its work: `--engine` and `--address`, with one meaning for all commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from augrgb.core.errors import UsageFault

if TYPE_CHECKING:
    from augrgb.parallel.engine import Engine

EngineName = Literal["local", "ray"]
EngineOption = Annotated[EngineName, typer.Option("--engine", help="Run on this machine or on a Ray cluster.")]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address", help="Ray cluster, such as auto. Default: RAY_ADDRESS, or else a new one on this machine."
    ),
]


def engine_of(
    name: EngineName,
    workers: int | None,
    address: str | None,
    *,
    device: str = "cpu",
    memory_mib: int | None = None,
) -> Engine:
    """The engine that the options name.

    Raises:
        UsageFault: E-CFG-015, `--address` without Ray; E-CFG-013, options that exclude each other.
        EnvironmentFault: E-ENV-002, the device is not there.
    """
    from augrgb.parallel.devices import chosen_devices
    from augrgb.parallel.engine import LocalEngine
    from augrgb.parallel.limits import ChildLimits

    limits = ChildLimits() if memory_mib is None else ChildLimits(memory_mib * 2**20)
    if name == "local":
        if address is not None:
            raise UsageFault("E-CFG-015", "--address", "requires --engine ray")
        devices = ("cpu",) if device == "cpu" else chosen_devices(device)
        return LocalEngine(workers, limits, devices)
    from augrgb.parallel.ray import RayEngine

    if workers is not None:
        raise UsageFault("E-CFG-013", "--workers", "the Ray cluster decides how many work at once")
    if device not in ("auto", "cpu", "cuda"):
        raise UsageFault("E-CFG-013", "--device", f"{device!r}: the Ray cluster decides which GPU", "Give cpu or cuda.")
    return RayEngine(address, limits=limits, device="cuda" if device == "cuda" else "cpu")
