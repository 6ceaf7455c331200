"""Predicted labels, one per frame, as MS-TCN, ASFormer and DiffAct write them: a file per video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import AugrgbError, InputRefused, did_you_mean, raise_together
from augrgb.core.opening import is_folder, open_regular, read_bytes
from augrgb.core.searching import files_in

BACKGROUND_LABELS = ("background", "SIL", "action_start", "action_end")
"""Labels of the field's datasets for frames without an action: GTEA; Breakfast; 50 Salads."""
_HEADER = "###"
_LOOKED_AT = 1 << 16


def is_frame_labels(path: Path) -> bool:
    """Whether a folder holds frame-wise results: a `###` line and all labels in the next, or one label per line."""
    file = next(iter(_files(path)), None) if is_folder(path) else None
    if file is None:
        return False
    with open_regular(file, "predictions file") as handle:
        head = handle.read(_LOOKED_AT).decode("utf-8", "ignore")
    if head.startswith(_HEADER):
        return True
    lines = [line.split() for line in head.splitlines()[:-1] if line.strip()][:50]
    return len(lines) > 1 and all(len(line) == 1 and "," not in line[0] for line in lines)


def read_frame_labels(path: Path, classes: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Labels as scores (T, K) of 0 and 1; frames without an action are all 0.

    Raises:
        InputRefused: E-DET-012 (no labels), E-MET-004 (a label that is no class); all together.
    """
    columns = {name: k for k, name in enumerate(classes)}
    found: dict[str, NDArray[np.float32]] = {}
    faults: list[AugrgbError] = []
    for file in _files(path):
        text = read_bytes(file, "predictions file").decode("utf-8-sig", "replace")
        labels = text.split("\n", 1)[-1].split() if text.startswith(_HEADER) else text.split()
        unknown = sorted({label for label in labels if label not in columns and label not in BACKGROUND_LABELS})
        if not labels:
            faults.append(InputRefused("E-DET-012", file, "no labels in this file"))
        elif unknown:
            problem = f"unknown class {unknown[0]!r}"
            faults.append(InputRefused("E-MET-004", file, problem, did_you_mean(unknown[0], classes)))
        else:
            values = np.zeros((len(labels), len(classes)), np.float32)
            rows = [(i, columns[label]) for i, label in enumerate(labels) if label in columns]
            if rows:
                values[tuple(np.array(rows).T)] = 1
            found[file.name.removesuffix(".txt")] = values
    raise_together(faults[:20])
    return found


def _files(path: Path) -> list[Path]:
    """Result files: without an ending, as the programs write them, or `.txt`."""
    return files_in(path, "", ".txt", wanted=lambda name: not name.startswith("."))
