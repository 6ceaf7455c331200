"""Trains the toy task, in as many processes as torchrun starts: `torchrun ... two_processes.py FOLDER`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from augrgb.training import RunFolder, fit, make_fabric
from support import toy_training as toy

if __name__ == "__main__":
    torch.set_num_threads(1)
    # 5 labelled videos and 4 per batch: the last batch of each epoch is smaller, rows are uneven
    settings = replace(toy.FIT, steps=8, accelerator="cpu", keep="last")
    fabric = make_fabric(accelerator="cpu")
    result = fit(toy.toy_task(batch_size=5), RunFolder(Path(sys.argv[1])), settings, fabric=fabric)
    assert result.steps == 8
