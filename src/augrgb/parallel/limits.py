"""Limits of memory and processor time that the system holds a process to (Linux; elsewhere there are none)."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_STATM = Path("/proc/self/statm")
_GPU_BYTES = 2**36  # of address space: what a driver maps there for one GPU is no memory of this machine

# Texts of allocators whose exceptions are no MemoryError: torch, OpenCV; and of oneDNN, which says no more than that
# it failed, so there only under a limit.
_NO_MEMORY = ("can't allocate memory", "Insufficient memory", "Failed to allocate", "bad_alloc")
_NO_MEMORY_UNDER_LIMIT = ("could not create a primitive", "could not create a memory")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child process may take.

    Every thread reserves address space, used or not, so the limit must leave room for some hundred MiB per core.

    Args:
        memory_bytes: Address space beyond what the child has when it is ready for work.
    """

    memory_bytes: int = 6 * 2**30 + (os.cpu_count() or 1) * 160 * 2**20


def limit_memory(memory_bytes: int, *, forever: bool = False, gpu: bool = False) -> None:
    """Allow this process that much more address space than it has now; other systems do not report current usage.

    Args:
        memory_bytes: How much more.
        forever: The process cannot raise the limit again.
        gpu: The process is about to open a GPU.
    """
    if sys.platform != "win32" and _STATM.exists():
        import resource

        now = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = now + memory_bytes + (_GPU_BYTES if gpu or _uses_gpu() else 0)
        wanted = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted if forever else hard))


def limit_processor_time(timeout_s: float) -> None:
    """All cores for `timeout_s` from now on: stops a child that hangs after its parent has been killed."""
    if sys.platform != "win32" and math.isfinite(timeout_s):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        wanted = math.ceil(used.ru_utime + used.ru_stime + timeout_s * (os.cpu_count() or 1)) + 1
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard < 0 else min(wanted, hard), hard))


def is_out_of_memory(error: BaseException, *, limited: bool) -> bool:
    """Whether an exception means that memory ran out; `limited`: under a limit, where more of them do."""
    if isinstance(error, MemoryError):
        return True
    return any(text in str(error) for text in _NO_MEMORY + (_NO_MEMORY_UNDER_LIMIT if limited else ()))


def has_gpu() -> bool:
    """Whether this machine has a GPU that a driver shows."""
    return os.path.exists("/dev/nvidiactl")


def _uses_gpu() -> bool:
    """Whether this process has opened a GPU."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return any("/dev/nvidia" in line for line in maps)
