"""The one place that imports onnxruntime, an optional package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from augrgb.core.errors import EnvironmentFault


def import_onnxruntime(where: Path, need: str, extra: str) -> Any:
    """Onnxruntime, with its telemetry turned off unless the environment says otherwise.

    Since 1.32 its builds for Linux send events to their maker and keep an identifier of the machine in the home folder,
    from the moment of the import on. What this program works on are videos of people: nothing leaves the machine.

    Args:
        where: The file that it is needed for.
        need: What needs it, for the message.
        extra: The extra of this package that installs it.

    Raises:
        EnvironmentFault: E-ENV-003, it is not installed or cannot be loaded.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        remedy = f"pip install 'augrgb[{extra}]'"
        raise EnvironmentFault("E-ENV-003", where, f"{need} onnxruntime ({error})", remedy) from error
    return onnxruntime
