"""What int8 costs a pretrained encoder in frame mAP, and what it gains in time.

    augrgb weights get efficientnet_lite0 -o encoder
    python benchmarks/int8_loss.py DATASET encoder [--folds 4]

Features of every annotated video by the ONNX form of the encoder, float and static int8 (QDQ, per channel; calibrated
on windows of the first fold, which is not measured). A linear probe per fold is trained on float features of other
folds; its frame mAP on the held-out videos with float and with int8 features is compared, with an interval over videos.
Times are processor seconds of the encoder alone, parts in turn for every video, one thread.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnx_speed import Calibration
from onnxruntime.quantization import quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from augrgb.annotations.dataset_file import load_dataset
from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.timeline import Clock
from augrgb.encoders.files import load_encoder
from augrgb.inference.export.folder import onnx_session
from augrgb.inference.export.plain_encoders import EncoderGraph
from augrgb.inference.export.write import _Writer
from augrgb.metrics.frame_map import frame_ap
from augrgb.video.decode import FrameTarget, sample_frames
from augrgb.video.windows import iter_windows

CLOCK = Clock(15.0, 8, 8)
_RIDGE = 1e-2


def made(folder: Path, encoder: Path) -> tuple[Path, tuple[int, int], int]:
    """The encoder's ONNX form, its frame size and the windows that it takes at once."""
    loaded = load_encoder(encoder)
    size = loaded.settings.size or (224, 168)
    settings = replace(loaded.settings, clock=CLOCK, size=size)
    windows = torch.zeros((37, CLOCK.window, size[1], size[0], 3), dtype=torch.uint8)
    folder.mkdir()
    graph = EncoderGraph(replace(loaded, settings=settings)).eval()
    _Writer(folder, encoder, {})(graph, "encoder", {"windows": windows}, ["features"])
    return folder / "encoder.onnx", size, loaded.encoder.batch


def probe(features: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (C + 1, K) of a ridge regression on standardized features."""
    x = np.hstack([features, np.ones((len(features), 1))])
    return np.asarray(np.linalg.solve(x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1]), x.T @ truth))


def mean_ap(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Over the classes that occur."""
    there = truth.any(axis=0)
    return float(np.mean(frame_ap(scores[:, there], truth[:, there])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--folds", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    dataset = load_dataset(given.dataset)
    videos = [video for video in dataset.videos.values() if video.events is not None and video.file is not None]
    windows, truth = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, size, batch = made(folder / "exported", given.encoder)
        for video in videos:
            assert video.file is not None
            frames = (image for (image,) in sample_frames(video.file, CLOCK.fps, (FrameTarget(size),)))
            windows[video.video_id] = np.concatenate(list(iter_windows(frames, CLOCK, chunk=batch)))
            count = len(windows[video.video_id])
            known = ~ignored_snippets(video.ignored, CLOCK, count)
            truth[video.video_id] = (rasterise(video.events or (), dataset.classes, CLOCK, count) > 0, known)
        ids = sorted(windows)
        folds = [ids[number :: given.folds] for number in range(given.folds)]
        quant_pre_process(str(path), str(folder / "prepared.onnx"), skip_symbolic_shape=True)
        some = np.concatenate([windows[one][:: max(1, len(windows[one]) // 4)] for one in folds[0]])[:32]
        quantize_static(folder / "prepared.onnx", folder / "int8.onnx", Calibration(some), per_channel=True)
        runs = {"float": onnx_session(path, 1), "int8": onnx_session(folder / "int8.onnx", 1)}
        print(f"{len(ids)} videos, {sum(map(len, windows.values()))} snippets", flush=True)
        found: dict[str, dict[str, NDArray[np.float64]]] = {kind: {} for kind in runs}
        ratios = []
        for one in ids:
            took = {}
            for kind, run in runs.items():
                began, parts = time.process_time(), windows[one]
                made_of = [run({"windows": parts[at : at + batch]})[0] for at in range(0, len(parts), batch)]
                took[kind] = time.process_time() - began
                found[kind][one] = np.concatenate(made_of).astype(np.float64)
            ratios.append(took["int8"] / took["float"])
    scores: dict[str, dict[str, NDArray[np.float64]]] = {kind: {} for kind in runs}
    for held in folds[1:]:  # the first was looked at for the calibration
        train = [one for one in ids if one not in held]
        x = np.concatenate([found["float"][one][truth[one][1]] for one in train])
        y = np.concatenate([truth[one][0][truth[one][1]] for one in train]).astype(np.float64)
        mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
        weights = probe((x - mean) / std, y)
        for kind in runs:
            for one in held:
                z = (found[kind][one] - mean) / std
                scores[kind][one] = np.hstack([z, np.ones((len(z), 1))]) @ weights
    judged = [one for held in folds[1:] for one in held]

    def difference(some: list[str]) -> float:
        real = np.concatenate([truth[one][0][truth[one][1]] for one in some])
        ap = {kind: mean_ap(np.concatenate([scores[kind][o][truth[o][1]] for o in some]), real) for kind in scores}
        return ap["int8"] - ap["float"]

    real = np.concatenate([truth[one][0][truth[one][1]] for one in judged])
    for kind in scores:
        value = mean_ap(np.concatenate([scores[kind][one][truth[one][1]] for one in judged]), real)
        print(f"{kind:6} frame mAP {100 * value:.2f} % on {len(judged)} videos, {len(real)} snippets")
    rng = np.random.default_rng(0)
    drawn = [difference([judged[i] for i in rng.integers(0, len(judged), len(judged))]) for _ in range(300)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(f"int8 - float: {100 * difference(judged):+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] points (over videos)")
    print(f"time of int8 against float: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
