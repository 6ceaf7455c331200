"""What a round of corrections was worth: frame mAP on the test videos, with intervals over videos.

The test videos are the same in every round, and no correction changes them. Where a project has none, because there are
few videos, the number of `fit` on videos held out in turn stands in; corrections change these, and it says so.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.plain_data import read_json

ON_TEST, HELD_OUT = "test", "held out in turn"


@dataclass(frozen=True, slots=True)
class Worth:
    """Frame mAP of a model and its gain over the one of the round before, as fractions; None where there is none.

    Args:
        on: `ON_TEST` or `HELD_OUT`.
        videos: How many.
        value, low, high: The mean over classes with its 95 % interval, see `pipelines.fitting.measures`.
        gain, gain_low, gain_high: Over the round before.
    """

    on: str
    videos: int
    value: float | None
    low: float | None = None
    high: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def worth_in_summary(folder: Path) -> Worth:
    """What `fit` itself wrote about the model that it chose, without a gain.

    Args:
        folder: Of the fit.

    Raises:
        InputRefused: Its summary is damaged.
    """
    summary = read_json(folder / "summary.json", "summary")
    on, found = (ON_TEST, summary["test"]) if summary["test"] else (HELD_OUT, summary["held_out"])
    low, high = found["interval_95"].get(summary["chosen"], (None, None))
    return Worth(on, found["videos"], found["frame_map"].get(summary["chosen"]), low, high)


def worth_of(folder: Path, dataset: Path, before: Path | None = None) -> Worth:
    """What a finished fit is worth, and what it gained.

    Args:
        folder: Of the fit.
        dataset: Folder of the dataset.
        before: Folder of the fit of the round before.

    Raises:
        AugrgbError: A file is damaged.
    """
    from augrgb.detection.predictions import load_predictions
    from augrgb.pipelines.fitting.measures import measure

    found = worth_in_summary(folder)
    if before is None:
        return found
    old = worth_in_summary(before)
    now_file, old_file = _test_scores(folder), _test_scores(before)
    if found.on != ON_TEST or old.on != ON_TEST or now_file is None or old_file is None:
        gain = found.value - old.value if found.value is not None and old.value is not None else None
        return Worth(found.on, found.videos, found.value, found.low, found.high, gain if found.on == old.on else None)
    now, then = load_predictions(now_file), load_predictions(old_file)
    data = load_dataset(dataset)
    videos = [name for name in now.scores if name in then.scores and data.videos[name].events is not None]
    measured = measure({"rgb": then, "now": now}, data, videos, seed=0)  # gains are over the one called "rgb"
    gain, low, high = (None if math.isnan(one) else one for one in measured.gain.get("now", (math.nan,) * 3))
    return Worth(found.on, found.videos, found.value, found.low, found.high, gain, low, high)


def _test_scores(folder: Path) -> Path | None:
    """The scores that the chosen method of a fit gave to the test videos."""
    chosen = read_json(folder / "summary.json", "summary")["chosen"]
    found = sorted((folder / "work" / "streams").glob(f"{chosen}-*/predictions/*-test.safetensors"))
    return found[0] if found else None
