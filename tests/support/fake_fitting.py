"""Stands for a fit of the server's project, which takes minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.server_client import fake_model


class FakeFitting:
    """Writes a bundle; waits at `gate`."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.fault: Exception | None = None

    def __call__(self, order: dict[str, Any], on_progress: Callable[[str, float], object]) -> dict[str, Any]:
        self.orders.append(order)
        on_progress("encoders", 0.25)
        self.gate.wait(20)
        if self.fault is not None:
            raise self.fault
        bundle = fake_model(Path(order["out"]) / "bundle")
        worth = {
            "on": "test",
            "value": 0.5,
            "low": 0.4,
            "high": 0.6,
            "gain": 0.1,
            "gain_low": 0.0,
            "gain_high": 0.2,
            "videos": 1,
        }
        return {"bundle": str(bundle), "chosen": "rgb", "folder": order["out"], "worth": worth}
