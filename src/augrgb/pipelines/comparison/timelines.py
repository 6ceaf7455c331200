"""Timelines of a comparison's report: what some of its rows find in one test video of each split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from augrgb.annotations.dataset_file import role
from augrgb.core.types import Dataset, Event
from augrgb.detection.pipeline import final_detections
from augrgb.detection.predictions import Predictions, fuse, load_predictions
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.results import Results
from augrgb.report.data import Lane, TimelineExample
from augrgb.report.film_strip import strip_of_file
from augrgb.workflows.evaluate import predict_run


def timelines_of(results: Results, cells: Cells, dataset: Dataset) -> tuple[TimelineExample, ...]:
    """For each tested split one video, with a lane for each row in the recipe's `timelines`.

    The video is the one with the median length of annotation, so it is not picked by result. Lanes show the first seed
    with which all of these rows are finished.
    """
    recipe = results.recipe
    complete = [seed for seed in recipe.seeds if all(results.values[row][seed] for row in recipe.timelines)]
    if not recipe.timelines or not complete:
        return ()
    return tuple(_example(results, cells, dataset, split, complete[0]) for split in recipe.splits())


def _example(results: Results, cells: Cells, dataset: Dataset, split: str, seed: int) -> TimelineExample:
    recipe = results.recipe
    video = dataset.videos[_median(dataset, role(dataset, split, recipe.role))]
    lanes = []
    for row in recipe.timelines:
        runs = [cells.places.stream(member, seed) for member in recipe.members(row)]
        found = fuse([_predictions(run, split, recipe.role) for run in runs])
        if video.video_id in found.scores:
            scores = found.scores[video.video_id]
            detections = final_detections(scores, found.clock, found.classes, video.video_id, video.known_duration_s)
            lanes.append(Lane(recipe.label(row), tuple(detections), extra_sensors=tuple(recipe.rows[row].sensors)))
    note = f"{recipe.test_names.get(split, split)}, seed {seed}"
    return TimelineExample(
        video.video_id,
        video.known_duration_s,
        strip_of_file(video.file, video.known_duration_s),
        video.events,
        tuple(lanes),
        note,
        tuple((region.start_s, region.end_s) for region in video.ignored),
    )


def _median(dataset: Dataset, videos: Sequence[str]) -> str:
    ordered = sorted(videos, key=lambda video: (annotated_s(dataset.videos[video].events), video))
    return ordered[len(ordered) // 2]


def annotated_s(events: Sequence[Event] | None) -> float:
    """Seconds of annotation, overlaps counted as often as they happen."""
    return sum(event.end_s - event.start_s for event in events or ())


def _predictions(run: Path, split: str, role_name: str) -> Predictions:
    """The scores that the evaluation wrote; computed again if they were deleted since."""
    path = run / "predictions" / f"{split}-{role_name}.safetensors"
    return load_predictions(path) if path.is_file() else predict_run(run, split=split, role_name=role_name)[0]
