"""Checkpoints for resuming: complete, verified by hash, the two newest kept. No pickles."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import write_bytes
from augrgb.core.opening import sha256_file
from augrgb.core.plain_data import read_json
from augrgb.core.sealed import unsealed, write_sealed
from augrgb.core.weights import read_weights

SCHEMA = "augrgb.checkpoint/1"
KEPT = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state after `step` steps: tensors by name, and plain values."""

    step: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Written:
    step: int
    sha256: str
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
        names = (path.stem.removeprefix("step-") for path in self.folder.glob("step-*.json"))
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def save(self, step: int, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Write one, then remove all but the newest two."""
        weights, description = self._paths(step)
        checksum = save_tensors(weights, tensors)
        write_sealed(description, SCHEMA, {"step": step, "sha256": checksum, "values": dict(values)})
        for old in self.steps()[:-KEPT]:
            for path in reversed(self._paths(old)):  # the description first: no half checkpoint is ever believed
                path.unlink(missing_ok=True)
        alive = {self._paths(number)[0].name for number in self.steps()} | self._selected()
        for path in (*self.folder.glob("step-*.safetensors"), *self.folder.glob("selected-*.safetensors")):
            if path.name not in alive:
                path.unlink(missing_ok=True)

    def select(self, step: int, tensors: Mapping[str, Tensor]) -> dict[str, str]:
        """Keep weights apart from the state: those of the best step. They stay while a checkpoint's values name them.

        Returns:
            `selected` and `selected_sha256`, for these values.
        """
        name = f"selected-{step:09d}.safetensors"
        return {"selected": name, "selected_sha256": save_tensors(self.folder / name, tensors)}

    def values(self) -> list[dict[str, Any]]:
        """The plain values of all whose description can be read, oldest first."""
        found = []
        for step in self.steps():
            with contextlib.suppress(AugrgbError):
                found.append(self._described(step).values)
        return found

    def damage(self) -> list[str]:
        """The files of checkpoints that are damaged, and those of selected weights that one of them names."""
        found: list[str] = []
        for step in self.steps():
            weights, description = self._paths(step)
            try:
                written = self._described(step)
            except AugrgbError:
                found.append(description.name)
                continue
            known = {
                weights.name: written.sha256,
                written.values.get("selected"): written.values.get("selected_sha256"),
            }
            for name, checksum in known.items():
                if name and name not in found and not _holds(self.folder / str(name), checksum):
                    found.append(str(name))
        return found

    def latest(self, check: Callable[[Mapping[str, Any]], None] | None = None) -> Checkpoint | None:
        """The newest that is intact; a damaged one is logged as an error and skipped.

        Args:
            check: Raises ValueError for values that no longer hold.
        """
        for step in reversed(self.steps()):
            weights = self._paths(step)[0]
            try:
                written = self._described(step)
                if sha256_file(weights) != written.sha256:
                    raise ValueError("its hash is not the one written with it")
                name = written.values.get("selected")
                if name and sha256_file(self.folder / str(name)) != written.values.get("selected_sha256"):
                    raise ValueError(f"the selected weights {name} are damaged")
                if check is not None:
                    check(written.values)
                return Checkpoint(step, read_weights(weights), written.values)
            except (AugrgbError, OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
                _log.error("%s cannot be used (%s); falling back to the checkpoint before it", weights, error)
        return None

    def _described(self, step: int) -> _Written:
        path = self._paths(step)[1]
        raw = read_json(path, "checkpoint")
        if isinstance(raw, dict) and "schema" not in raw:  # of a version before schemas
            raw = {"schema": SCHEMA, **raw}
        found: _Written = unsealed(raw, path, SCHEMA, _Written, code="E-FILE-018")
        if found.step != step:
            raise InputRefused("E-FILE-018", path, f"is of step {found.step}")
        return found

    def _selected(self) -> set[str]:
        return {str(values.get("selected")) for values in self.values()}

    def _paths(self, step: int) -> tuple[Path, Path]:
        return self.folder / f"step-{step:09d}.safetensors", self.folder / f"step-{step:09d}.json"


def _holds(path: Path, checksum: object) -> bool:
    try:
        return sha256_file(path) == checksum
    except AugrgbError:
        return False


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors atomically, equal ones as equal bytes; returns the SHA-256 of the file."""
    data = save({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()})
    write_bytes(path, data)  # written by us, not by the library, so that a full disk is reported as such
    return hashlib.sha256(data).hexdigest()
