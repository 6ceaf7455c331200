"""TensorBoard files in the run folder; needs the extra `track`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from augrgb.core.errors import EnvironmentFault


class Board:
    """Writes numbers for TensorBoard.

    Args:
        folder: Where the event files go.

    Raises:
        EnvironmentFault: E-ENV-003, TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except (ImportError, RuntimeError, OSError) as error:
            remedy = "pip install 'augrgb[track]', or train.tensorboard=false; metrics.jsonl is always written."
            raise EnvironmentFault("E-ENV-003", "TensorBoard", f"cannot be imported ({error})", remedy) from error
        self._writer = SummaryWriter(str(folder))

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add the numbers of one step."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()
