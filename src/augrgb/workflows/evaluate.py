"""Score videos with trained streams, one or several fused late, and evaluate by named protocols."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.annotations.leakage import check_unseen
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import write_json
from augrgb.core.types import Dataset, Detection
from augrgb.detection.pipeline import ranked_detections
from augrgb.detection.predictions import Predictions, fuse, save_predictions
from augrgb.features.stream_data import StreamData
from augrgb.metrics.evaluate import evaluate as evaluate_protocol
from augrgb.metrics.evaluation import MetricResult, Missing, VideoScores
from augrgb.metrics.protocols import find_protocol
from augrgb.recipe.build import build_features, stream_recipe_of
from augrgb.recipe.schema import StreamRecipe
from augrgb.streams.files import load_stream
from augrgb.streams.predict import predict
from augrgb.training.run.folder import RunFolder

DEFAULT_PROTOCOLS = ("frame-map/present", "event-map")


@dataclass(frozen=True)
class EvaluationResult:
    """Results of one stream, or of several fused, on one role of a split."""

    members: tuple[str, ...]
    split: str
    role: str
    results: tuple[MetricResult, ...]


def run_recipe(run: Path) -> StreamRecipe:
    """The recipe that a stream's run folder was trained with.

    Raises:
        InputRefused: It is not the folder of a finished stream.
    """
    folder = RunFolder(run)
    try:
        recipe = stream_recipe_of(folder.identity)
    except (KeyError, TypeError, ValueError) as error:
        raise InputRefused("E-RUN-006", run / "run.json", f"not the run of a stream ({error})") from error
    if folder.result() is None:
        raise InputRefused("E-RUN-005", run, "this run is not finished", "Rerun the command that started it.")
    return recipe


def predict_run(
    run: Path, *, split: str | None = None, role_name: str = "test", allow_missing: int = 0
) -> tuple[Predictions, Dataset, tuple[str, ...]]:
    """Scores of a run's stream for one role of a split, also written to `run/predictions/`.

    Returns:
        The predictions, the dataset, and the ids of all videos of the role (scored or not).

    Raises:
        InputRefused: E-SPL-002, test videos of that split that the run was trained or chosen on; and as `load_stream`.
    """
    recipe = run_recipe(run)
    dataset = load_dataset(recipe.data.dataset)
    loaded = load_stream(run, classes=dataset.classes)
    modality = loaded.settings.modality
    split = split or recipe.data.split
    video_ids = role(dataset, split, role_name)
    if role_name == "test":
        check_unseen(dataset, recipe.data.split, split)
    features = build_features(recipe.data, {modality}, dataset)
    data = StreamData(dataset, video_ids, features, grid=modality, labelled=(), allow_missing=allow_missing)
    scores = {}
    for index, video_id in enumerate(data.video_ids):
        values, there = data.aligned(index, modality)
        scores[video_id] = predict(loaded.stream, values, available=there)
    predictions = Predictions(dataset.classes, loaded.settings.clock, scores)
    save_predictions(run / "predictions" / f"{split}-{role_name}.safetensors", predictions)
    return predictions, dataset, video_ids


def detections_of(predictions: Predictions, dataset: Dataset) -> list[Detection]:
    """Ranked detections of every video."""
    found: list[Detection] = []
    for video_id, scores in predictions.scores.items():
        duration_s = dataset.videos[video_id].known_duration_s
        found += ranked_detections(scores, predictions.clock, predictions.classes, video_id, duration_s)
    return found


def evaluate_predictions(
    predictions: Predictions, dataset: Dataset, video_ids: Sequence[str], protocols: Iterable[str] = DEFAULT_PROTOCOLS
) -> tuple[MetricResult, ...]:
    """One result per protocol. Videos without scores are refused, unless they were allowed when predicting."""
    chosen = [find_protocol(name) for name in protocols]
    scored = set(predictions.scores)
    missing: Missing = "refuse" if set(video_ids) <= scored else "zero"
    # Metrics rank scores, for which float32 is fine and several times faster.
    ranked = {name: np.asarray(scores, np.float32) for name, scores in predictions.scores.items()}
    tracks = {video_id: VideoScores(scores, predictions.clock) for video_id, scores in ranked.items()}
    on_scores = all(protocol.needs == "scores" for protocol in chosen)
    found = [] if on_scores else detections_of(predictions, dataset)
    return tuple(
        evaluate_protocol(protocol.name, dataset, video_ids, scores=tracks, missing=missing)
        if protocol.needs == "scores"
        else evaluate_protocol(protocol.name, dataset, video_ids, detections=found, scored=scored, missing=missing)
        for protocol in chosen
    )


def evaluate_runs(
    runs: Sequence[Path],
    *,
    split: str | None = None,
    role: str = "test",
    protocols: Iterable[str] = DEFAULT_PROTOCOLS,
    allow_missing: int = 0,
) -> EvaluationResult:
    """Evaluate one run, or the late fusion of several, and write the outcome beside the first run's predictions.

    Raises:
        UsageFault: The runs are of different datasets.
        InputRefused: Features are missing, a run is not finished or damaged, or was trained on these test videos.
    """
    members = [predict_run(Path(run), split=split, role_name=role, allow_missing=allow_missing) for run in runs]
    _, dataset, video_ids = members[0]
    if any(other.videos != dataset.videos for _, other, _ in members[1:]):
        raise UsageFault("E-RUN-007", ", ".join(map(str, runs)), "these runs are of different datasets")
    chosen = split or run_recipe(Path(runs[0])).data.split
    fused = fuse([predictions for predictions, _, _ in members])
    names = tuple(Path(run).name for run in runs)
    evaluation = EvaluationResult(names, chosen, role, evaluate_predictions(fused, dataset, video_ids, protocols))
    path = Path(runs[0]) / "evaluation" / f"{'+'.join(names)[:150]}-{chosen}-{role}.json"
    write_json(path, [result_to_json(result) for result in evaluation.results])
    return evaluation


def result_to_json(result: MetricResult) -> dict[str, object]:
    """Plain values of a result; numbers that the protocol leaves undefined are None."""
    values: dict[str, object] = {
        "protocol": result.protocol,
        "value": result.value,
        "per_class": result.per_class,
        "videos_scored": result.videos_scored,
        "videos_total": result.videos_total,
        "details": result.details,
    }
    return {name: _defined(value) for name, value in values.items()}


def result_from_json(values: Mapping[str, Any]) -> MetricResult:
    """The inverse of `result_to_json`: None is NaN again."""
    return MetricResult(**{name: _undefined(value) for name, value in values.items()})


def _undefined(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _undefined(inner) for name, inner in value.items()}
    return math.nan if value is None else value


def _defined(value: object) -> object:
    if isinstance(value, dict):
        return {name: _defined(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
