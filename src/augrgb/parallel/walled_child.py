"""Convert a PyTorch weights file to safetensors in a child process that can do nothing else.

Three walls: only tensors are unpickled (`weights_only`); the child refuses to start programs, to open sockets, and to
write, rename or remove any other file; its memory and time are limited.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from augrgb.core.errors import InputRefused
from augrgb.parallel.limits import is_out_of_memory, limit_memory
from augrgb.parallel.process_faults import out_of_memory, out_of_time, worker_died
from augrgb.parallel.workers import spawn, start_worker

_log = logging.getLogger(__name__)
_REMEDY = "Only files that hold nothing but tensors are imported."
_FORBIDDEN = (
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.", "pty.", "socket.", "ctypes."),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.ch", "shutil."),
)
_MESSAGE_BYTES = 4096
_NO_MEMORY = "out of memory"
_WRAPPERS = ("state_dict", "model_state_dict", "model", "weights")


def convert_in_child(source: Path, out: Path, *, memory_mib: int, timeout_s: float) -> None:
    """Write the tensors of a `.pt` file to `out` as safetensors: names without `module.`, floats as float32.

    Args:
        memory_mib: What the child may take above what PyTorch takes by itself (Linux only).

    Raises:
        InputRefused: E-MOD-001 (holds anything but tensors, or is damaged); E-JOB-001, E-JOB-002, E-JOB-003 (the child
            died, needed too much memory, or gave no result in time).
    """
    if sys.platform != "linux":
        _log.warning("the memory of the importing process is only limited on Linux")
    child, connection = spawn(_serve, str(source), str(out), memory_mib)
    try:
        if not connection.poll(timeout_s):
            raise out_of_time(source, timeout_s, attempts=1)
        # Text: nothing from the child is unpickled either.
        problem = connection.recv_bytes(_MESSAGE_BYTES).decode("utf-8", "replace")
    except (EOFError, OSError) as error:
        child.join(5)
        raise worker_died(source, child.exitcode, attempts=1, limited=True) from error
    finally:
        connection.close()
        child.kill()
        child.join()
    if problem == _NO_MEMORY:
        raise out_of_memory(source, limited=True)
    if problem:
        raise InputRefused("E-MOD-001", source, problem, _REMEDY)


def raise_walls(out: str, memory_mib: int) -> None:
    """From now on this process starts no program, opens no socket, writes no file but `out`, and takes little memory.

    Cannot be undone.
    """
    allowed = os.path.abspath(out)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            raise PermissionError(f"{event} is forbidden while weights are read")
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            path = arguments[0]
            if not isinstance(path, str | bytes) or os.path.abspath(os.fsdecode(path)) != allowed:
                raise PermissionError(f"writing {path!r} is forbidden while weights are read")

    limit_memory(memory_mib * 2**20, forever=True)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(refuse)


def _serve(connection: Connection, source: str, out: str, memory_mib: int) -> None:
    start_worker(one_core=True)
    raise_walls(out, memory_mib)
    connection.send_bytes(_convert(source, out).encode("utf-8", "replace")[:_MESSAGE_BYTES])


def _convert(source: str, out: str) -> str:
    """What is wrong with the file; "" if it has been converted."""
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
        tensors = _tensors(content)
    except pickle.UnpicklingError as error:
        return _more_than_tensors(error)
    except (RuntimeError, ValueError, TypeError, EOFError, OSError, KeyError, AttributeError, IndexError) as error:
        if is_out_of_memory(error, limited=True):
            return _NO_MEMORY
        ours = isinstance(error, _NotTensors)
        return str(error)[:200] if ours else f"no PyTorch weights file, or damaged ({type(error).__name__})"
    except MemoryError:
        return _NO_MEMORY
    safetensors.torch.save_file(tensors, out)
    return ""


class _NotTensors(ValueError):
    """What was unpickled is not a set of named tensors."""


def _more_than_tensors(error: pickle.UnpicklingError) -> str:
    """What else the file holds. PyTorch's own text is not shown: it advises to load the file without this wall."""
    found = re.search(r"GLOBAL ([\w.]{1,100})", str(error))
    if found is None:
        return "holds more than tensors, or is damaged"
    return f"holds more than tensors: {found[1]}"


def _tensors(content: Any) -> dict[str, Tensor]:
    """The state in a checkpoint: itself a mapping of tensors, or under one of the usual keys."""
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise _NotTensors(f"holds a {type(content).__name__}, not named tensors")
    found: dict[str, Tensor] = {}
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise _NotTensors(f"{name!r} is a {type(value).__name__}, not a tensor")
        value = value.detach().to_dense() if value.layout != torch.strided else value.detach()
        value = value.float() if value.is_floating_point() else value
        found[name.removeprefix("module.")] = value.clone(memory_format=torch.contiguous_format)
    return found
