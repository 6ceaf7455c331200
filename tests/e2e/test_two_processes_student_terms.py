"""Two processes end where one does with a mean teacher, an auxiliary branch and shared teachers; also their program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

SMALL = {"width": 8, "stages": (8, 8, 8, 8), "heads": 2, "blocks": 1, "expansion": 2, "dropout": 0.3}


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    weights, lines = [], []
    for world in (1, 2):
        folder = tmp_path / str(world)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={world}"]
        done = subprocess.run(
            [*command, __file__, str(folder)],
            capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        weights.append(load_file(folder / "model.safetensors"))
        lines.append([json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()])
    for name, one in weights[0].items():
        gap = (weights[1][name] - one).abs()
        # A bias of keys changes no attention: its gradient is rounding, which AdamW makes as large as any other.
        gap = gap[len(gap) // 2 :] if name.endswith("key_value.bias") else gap
        assert gap.max() < 1e-6, name
    for one, two in zip(*lines, strict=True):
        assert one.get("snippets") == two.get("snippets")
        assert one.get("terms", {}) == pytest.approx(two.get("terms", {}), abs=1e-5)


def main(folder: Path) -> None:
    from augrgb.core.batch import StreamDims
    from augrgb.features.stream_data import StreamData
    from augrgb.losses import LOSSES
    from augrgb.streams import StreamSettings, build_stream
    from augrgb.training import (
        DistillationTerm,
        MeanTeacher,
        Perturbation,
        RunFolder,
        StreamTask,
        TeacherCache,
        fit,
        make_fabric,
    )
    from augrgb.training.auxiliary_term import AuxiliaryTerm
    from augrgb.training.teachers.mixing import SharedSnippets, WeightedTeachers, learn_teacher_mixing

    torch.set_num_threads(1)
    from support import toy_training as toy

    dataset, features = toy.toy_data()
    ids = list(dataset.videos)
    data = StreamData(dataset, ids[:8], features, grid="rgb", labelled=ids[:5])
    torch.manual_seed(0)
    small = {"width": 7, "layers": 2}
    teachers = [
        build_stream(StreamSettings(name, "sd_tcn", dim, toy.CLASSES, toy.CLOCK, small))
        for name, dim in (("pose", 5), ("rgb", 6))
    ]
    caches = {n: TeacherCache(stream, data, n) for n, stream in zip(("pose", "rgb"), teachers, strict=True)}
    videos = [data.collate([index], modalities=()) for index in range(len(data))]
    weighted = WeightedTeachers(list(caches.values()), learn_teacher_mixing(caches, videos).values)
    dims = StreamDims(student=8, teacher=7, classes=3, samples=len(data))
    terms = [DistillationTerm("both", LOSSES["pseudo_labels"](dims, thresholds="prevalence"), 0.5, weighted)]  # type: ignore[call-arg]
    terms += [DistillationTerm("pose", LOSSES["hint"](dims), 0.5, SharedSnippets(caches["pose"], 0, weighted))]
    settings = StreamSettings("rgb", "ms_tct", 6, toy.CLASSES, toy.CLOCK, SMALL)
    stream = build_stream(settings)
    terms += [*AuxiliaryTerm.of_filter(stream), MeanTeacher(stream, "rgb", ramp_steps=4, decay=0.8)]
    task = StreamTask(stream, settings, data, terms=terms, perturbation=Perturbation(), batch_size=5)
    how = replace(toy.FIT, steps=8, accelerator="cpu", keep="last")
    fit(task, RunFolder(folder), how, fabric=make_fabric(accelerator="cpu"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
