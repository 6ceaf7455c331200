"""How much of a teacher's snippet features a linear map can read off a student's, on videos that neither learned from.

`python benchmarks/teacher_probe.py DATASET STUDENT_FEATURES TEACHER_FEATURES`: a ridge regression is fitted on the
`train` and `unlabelled` videos of the first split, and its R2 printed for these, `val`, and the tests of all splits.
Where the numbers are low, the student's encoder cannot see what the teacher sees, and no loss in the filter will help.
`augrgb check-encoder STUDENT --dataset DATASET --teacher TEACHER` does the same from encoder folders.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.timeline import nearest_snippets
from augrgb.features.store import open_features
from augrgb.features.video_features import FeatureFolder
from augrgb.metrics.linear_probe import RIDGES, fit_probe

Floats = NDArray[np.float64]


def pairs(
    student: FeatureFolder, teacher: FeatureFolder, video_ids: tuple[str, ...]
) -> tuple[Floats, Floats, list[str]]:
    """Features of both at the student's snippets, (N, Cs) and (N, Ct), where both exist, and the video of each row."""
    xs, ys, videos = [], [], []
    for video_id in video_ids:
        if student.has(video_id) and teacher.has(video_id):
            mine, other = student.read(video_id), teacher.read(video_id)
            rows, near = nearest_snippets(other.clock, len(other.values), mine.clock, len(mine.values))
            xs.append(mine.values[near])
            ys.append(other.values[rows[near]])
            videos += [video_id] * int(near.sum())
    return np.concatenate(xs).astype(np.float64), np.concatenate(ys).astype(np.float64), videos


def main() -> None:
    """Fit, and print one line per set of videos."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("student", type=Path)
    parser.add_argument("teacher", type=Path)
    chosen = "Weight of the squared coefficients; default: what predicts held-out videos best."
    parser.add_argument("--ridge", type=float, default=None, help=chosen)
    arguments = parser.parse_args()
    splits = load_dataset(arguments.dataset).splits
    student, teacher = open_features(arguments.student), open_features(arguments.teacher)
    first = next(iter(splits.values()))
    sets = {"fitted on": first["train"] + first.get("unlabelled", ()), "val": first.get("val", ())}
    sets |= {f"test {name}": roles["test"] for name, roles in splits.items() if not name.endswith("_full")}
    x, y, videos = pairs(student, teacher, sets["fitted on"])
    probe = fit_probe(x, y, videos, ridges=RIDGES if arguments.ridge is None else [arguments.ridge / len(x)])
    print(f"{'fitted on':24s} R2 {probe.r2(x, y):6.3f}   of it held out {probe.held_out:6.3f}, ridge {probe.ridge:g}")
    for name, video_ids in sets.items():
        if video_ids and name != "fitted on":
            x, y, _ = pairs(student, teacher, video_ids)
            print(f"{name:24s} R2 {probe.r2(x, y):6.3f}   {len(video_ids)} videos, {len(x)} snippets")


if __name__ == "__main__":
    main()
