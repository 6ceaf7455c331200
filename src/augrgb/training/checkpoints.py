"""Checkpoints for resuming: complete, verified by hash, the two newest kept. No pickles."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from augrgb.core.errors import AugrgbError
from augrgb.core.files import write_bytes, write_json
from augrgb.core.opening import sha256_file
from augrgb.core.plain_data import read_json
from augrgb.core.weights import read_weights

KEPT = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state after `step` steps: tensors by name, and plain values."""

    step: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run.

    A checkpoint is two files, tensors and then a description with their hash; without a description it does not exist.

    Args:
        folder: Where they are; created with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def steps(self) -> list[int]:
        """Steps of the checkpoints that are complete, oldest first."""
        return sorted(int(path.stem.removeprefix("step-")) for path in self.folder.glob("step-*.json"))

    def save(self, step: int, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Write one, then remove all but the newest two."""
        weights, description = self._paths(step)
        checksum = save_tensors(weights, tensors)
        write_json(description, {"step": step, "sha256": checksum, "values": dict(values)})
        for old in self.steps()[:-KEPT]:
            for path in reversed(self._paths(old)):  # the description first: no half checkpoint is ever believed
                path.unlink(missing_ok=True)
        alive = set(self.steps())
        for path in self.folder.glob("step-*.safetensors"):
            if int(path.stem.removeprefix("step-")) not in alive:
                path.unlink(missing_ok=True)

    def latest(self) -> Checkpoint | None:
        """The newest that is intact; a damaged one is logged as an error and skipped."""
        for step in reversed(self.steps()):
            weights, description = self._paths(step)
            try:
                written = read_json(description, "checkpoint")
                if sha256_file(weights) != written["sha256"]:
                    raise ValueError("its hash is not the one written with it")
                return Checkpoint(step, read_weights(weights), written["values"])
            except (AugrgbError, OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
                _log.error("%s is damaged (%s); falling back to the checkpoint before it", weights, error)
        return None

    def _paths(self, step: int) -> tuple[Path, Path]:
        return self.folder / f"step-{step:09d}.safetensors", self.folder / f"step-{step:09d}.json"


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors atomically, equal ones as equal bytes; returns the SHA-256 of the file."""
    data = save({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()})
    write_bytes(path, data)  # written by us, not by the library, so that a full disk is reported as such
    return hashlib.sha256(data).hexdigest()
