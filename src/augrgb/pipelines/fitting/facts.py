"""What the bundle's models were trained on, measured on their training videos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from augrgb.annotations.videos.look import look
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Dataset
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.store import open_features
from augrgb.inference.training_facts import TrainingFacts, distances
from augrgb.pipelines.fitting.plan import Plan


def training_facts(plan: Plan, dataset: Dataset, work: Path, features: Path) -> TrainingFacts:
    """Sizes, rates, brightness and feature statistics of the training videos.

    Args:
        plan: Says which they are.
        dataset: Where they are.
        work: Holds the cached frames.
        features: Those of the bundle's encoder.
    """
    roles = plan.design.splits[plan.design.final]
    ids = tuple(dict.fromkeys((*roles["encoder"], *roles["train"], *roles.get("encoder_unlabelled", ()))))
    videos = [dataset.videos[name] for name in ids]
    width, height = plan.project.size
    frames = FrameFolder(work / "frames" / f"{width}x{height}")
    every = max(1, round(plan.project.clock.fps))  # one frame a second, as the detector looks at
    levels = [float(np.mean([image.mean() for image in frames.read("rgb", name)[::every]])) for name in ids]
    infos = []
    for video in videos:
        try:
            if video.file is not None:
                infos.append(look(video.file))
        except AugrgbError:  # decoded before, gone since
            continue
    store = open_features(features)
    rows = {name: store.read(name).values.astype(np.float64) for name in ids if store.has(name)}
    snippets = np.concatenate(list(rows.values()))
    labeled = [dataset.videos[name] for name in dict.fromkeys((*roles["encoder"], *roles["train"]))]
    places = {place for video in labeled if (place := video.scene or video.camera) is not None}
    facts = TrainingFacts(
        classes=dataset.classes,
        videos=len(ids),
        hours=sum(video.known_duration_s for video in videos) / 3600,
        places=tuple(sorted(places)),
        people=len({video.subject for video in labeled if video.subject is not None}),
        widths=_ends([info.width for info in infos]),
        heights=_ends([info.height for info in infos]),
        fps=_rates([info.fps for info in infos if info.fps > 0]),
        brightness=(min(levels), max(levels)),
        feature_mean=tuple(np.round(snippets.mean(axis=0), 6).tolist()),
        feature_std=tuple(np.round(snippets.std(axis=0), 6).tolist()),
    )
    farthest = distances([values.mean(axis=0) for values in rows.values()], facts)
    return replace(facts, distance=round(farthest, 6))


def _ends(values: list[int]) -> tuple[int, int]:
    return (min(values), max(values)) if values else (1, 100_000)


def _rates(values: list[float]) -> tuple[float, float]:
    return (round(min(values), 3), round(max(values), 3)) if values else (0.0, 0.0)
