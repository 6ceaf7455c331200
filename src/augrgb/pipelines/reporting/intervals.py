"""How much of a difference between runs may be chance: a bootstrap over the videos that all of them scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset
from augrgb.detection.predictions import Predictions
from augrgb.metrics.video_bootstrap import drawn_frame_maps, percentile_interval
from augrgb.pipelines.scored_videos import scored_videos

PROTOCOL = "frame-map/present"
FEW_VIDEOS = 3


def difference_intervals(
    predictions: Mapping[str, Predictions], dataset: Dataset, videos: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Run -> 95 % interval of its frame mAP minus that of the first run, fractions (percentile bootstrap).

    It says what other videos would change, not what another training would.

    Args:
        predictions: Runs by name; each may have a clock of its own.
        videos: Those with labels.

    Returns:
        Nothing where fewer than three videos were scored by all runs.
    """
    both = [video for video in videos if all(video in one.scores for one in predictions.values())]
    first, *others = predictions
    if len(both) < FEW_VIDEOS or not others:
        return {}
    runs = {name: scored_videos(one, dataset, both) for name, one in predictions.items()}
    values = drawn_frame_maps(runs, rng_at(0, "report over videos"))
    return {name: percentile_interval(values[name] - values[first]) for name in others}
