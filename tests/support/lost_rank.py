"""Trains the toy task under torchrun; in the first try process 1 fails: `lost_rank.py FOLDER die|stop|hang|differ`."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

import augrgb.training.heartbeat as heartbeat
from augrgb.cli.main import main
from augrgb.training import RunFolder, fit, make_fabric
from support import toy_training as toy


def train() -> None:
    torch.set_num_threads(1)
    folder, way, rank = Path(sys.argv[1]), sys.argv[2], int(os.environ["RANK"])
    heartbeat.SILENT_BEATS, heartbeat.STEP_S = 6, 6.0
    task = toy.toy_task()
    settings = replace(toy.FIT, steps=16, accelerator="cpu", keep="last")
    if way == "differ" and rank == 1:
        settings = replace(settings, learning_rate=1e-4)
    whole = task.batch

    def batch(step: int) -> object:
        if step == 9 and rank == 1 and way in ("die", "stop", "hang"):
            (folder / "lost").touch()  # the tests measure from now
        if step == 9 and rank == 1 and way == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if step == 9 and rank == 1 and way == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if step == 9 and rank == 1 and way == "hang":
            time.sleep(1000)
        return whole(step)

    task.batch = batch  # type: ignore[method-assign, assignment]
    fit(task, RunFolder(folder), settings, fabric=make_fabric(accelerator="cpu"))


if __name__ == "__main__":
    import augrgb.cli.app

    augrgb.cli.app.app = lambda *words, **names: train()  # type: ignore[assignment]
    main([])
