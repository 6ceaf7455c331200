"""Peak memory of this process and its children, by stage of work."""

from __future__ import annotations

import threading

import psutil


class MemoryMeter:
    """Samples the memory of this process and its children (proportional share where the system reports it)."""

    def __init__(self, interval_s: float = 0.5) -> None:
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._peaks: dict[str, float] = {}
        self._active: set[str] = set()
        self._thread = threading.Thread(target=self._sample_loop, daemon=True)

    def __enter__(self) -> MemoryMeter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def watch(self, stages: set[str]) -> None:
        """Credit samples to these stages from now on."""
        with self._lock:
            self._active = set(stages)

    def peak_mib(self, stage: str) -> float:
        """Highest sample while `stage` was watched, MiB."""
        return self._peaks.get(stage, 0.0)

    def _sample_loop(self) -> None:
        while not self._stop.wait(self._interval_s):
            total = _tree_memory_mib()
            with self._lock:
                for stage in self._active:
                    self._peaks[stage] = max(total, self._peaks.get(stage, 0.0))


def _tree_memory_mib() -> float:
    this = psutil.Process()
    total = 0.0
    for process in [this, *this.children(recursive=True)]:
        try:
            info = process.memory_full_info()
            total += getattr(info, "pss", info.uss) / 2**20
        except psutil.Error:
            continue  # it ended between listing and reading
    return total
