"""How much of a teacher's snippet features a linear map can read off a student's, on videos that neither learned from.

`python benchmarks/teacher_probe.py DATASET STUDENT_FEATURES TEACHER_FEATURES`: a ridge regression is fitted on the
`train` and `unlabelled` videos of the first split, and its R2 printed for these, `val`, and the tests of all splits.
Where the numbers are low, the student's encoder cannot see what the teacher sees, and no loss in the filter will help.
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

Floats = NDArray[np.float64]


def pairs(student: FeatureFolder, teacher: FeatureFolder, video_ids: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Features of both at the student's snippets, (N, Cs) and (N, Ct), where both exist."""
    xs, ys = [], []
    for video_id in video_ids:
        if student.has(video_id) and teacher.has(video_id):
            mine, other = student.read(video_id), teacher.read(video_id)
            rows, near = nearest_snippets(other.clock, len(other.values), mine.clock, len(mine.values))
            xs.append(mine.values[near])
            ys.append(other.values[rows[near]])
    return np.concatenate(xs).astype(np.float64), np.concatenate(ys).astype(np.float64)


def main() -> None:
    """Fit, and print one line per set of videos."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("student", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--ridge", type=float, default=100.0, help="Weight of the squared coefficients.")
    arguments = parser.parse_args()
    splits = load_dataset(arguments.dataset).splits
    student, teacher = open_features(arguments.student), open_features(arguments.teacher)
    first = next(iter(splits.values()))
    sets = {"fitted on": first["train"] + first.get("unlabelled", ()), "val": first.get("val", ())}
    sets |= {f"test {name}": roles["test"] for name, roles in splits.items() if not name.endswith("_full")}
    x, y = pairs(student, teacher, sets["fitted on"])
    means, scales = (x.mean(0), y.mean(0)), (x.std(0) + 1e-6, y.std(0) + 1e-6)
    x, y = (x - means[0]) / scales[0], (y - means[1]) / scales[1]
    weights = np.linalg.solve(x.T @ x + arguments.ridge * np.eye(x.shape[1]), x.T @ y)
    for name, video_ids in sets.items():
        if video_ids:
            x, y = pairs(student, teacher, video_ids)
            x, y = (x - means[0]) / scales[0], (y - means[1]) / scales[1]
            r2 = 1 - np.square(y - x @ weights).sum() / np.square(y - y.mean(0)).sum()
            print(f"{name:24s} R2 {r2:6.3f}   {len(video_ids)} videos, {len(x)} snippets")


if __name__ == "__main__":
    main()
