"""What a report shows, as plain data: numbers are computed by the caller, scores are fractions, times are seconds.

Absent numbers are `None` or NaN and are shown as a dash, never as zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.types import Detection, Event
from augrgb.parallel.jobs import StageCost


def known(value: float | None) -> bool:
    """Whether a number is there and finite."""
    return value is not None and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value, such as ("videos", "96")."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Note:
    """A heading and a paragraph, such as where the method does not help."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """A column of the comparison: what is measured, on which split.

    Args:
        name: Full name, such as "per-frame mAP, cross-subject"; never a bare "mAP".
        version: Version of the protocol, if it has one.
        detail: One sentence on how it is computed.
    """

    name: str
    version: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One method under one protocol.

    Args:
        values: Result of each seed, as fractions.
        mean, std: Over the seeds; std is None for one seed.
        delta, delta_low, delta_high: Mean paired difference to the baseline and its 95 % interval, as fractions;
            None for the baseline itself, the interval also for one seed.
        p: Two-sided p-value of the paired difference, if computed.
        videos_scored, videos_total: How many test videos had predictions.
    """

    values: tuple[float, ...]
    mean: float | None
    std: float | None = None
    delta: float | None = None
    delta_low: float | None = None
    delta_high: float | None = None
    p: float | None = None
    videos_scored: int | None = None
    videos_total: int | None = None

    @property
    def seeds(self) -> int:
        """Seeds with a result."""
        return sum(known(value) for value in self.values)

    @property
    def has_interval(self) -> bool:
        """Whether the paired difference has a 95 % interval."""
        return known(self.delta) and known(self.delta_low) and known(self.delta_high)


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A row of the comparison.

    Args:
        name: Shown name, such as "Augmented-RGB (all terms)".
        group: Rows of one group stand together: "Baseline", "Temporal losses", "Logits", "Teachers", ...
        scores: One per protocol, None where it was not measured.
        extra_sensors: What the method needs at test time beyond RGB, such as ("pose",); () for RGB alone.
        baseline: The row that differences refer to.
        featured: The row that the headline is about.
        note: A few words shown under the name.
        against: Name of the row that its differences refer to, if not the baseline.
    """

    name: str
    group: str
    scores: tuple[Score | None, ...]
    extra_sensors: tuple[str, ...] = ()
    baseline: bool = False
    featured: bool = False
    note: str = ""
    against: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Methods by protocols.

    Args:
        headline_protocol: Index of the protocol of the headline and of the large chart.

    Raises:
        ValueError: A row has not one score per protocol, or there is more than one baseline or featured row.
    """

    protocols: tuple[Protocol, ...]
    rows: tuple[MethodRow, ...]
    headline_protocol: int = 0

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.scores) != len(self.protocols):
                raise ValueError(f"row {row.name!r} has {len(row.scores)} scores for {len(self.protocols)} protocols")
        if sum(row.baseline for row in self.rows) > 1 or sum(row.featured for row in self.rows) > 1:
            raise ValueError("more than one baseline or featured row")
        if self.protocols and not 0 <= self.headline_protocol < len(self.protocols):
            raise ValueError(
                f"headline_protocol is {self.headline_protocol}, there are {len(self.protocols)} protocols"
            )

    @property
    def baseline(self) -> MethodRow | None:
        """The row that differences refer to."""
        return next((row for row in self.rows if row.baseline), None)

    @property
    def featured(self) -> MethodRow | None:
        """The row that the headline is about."""
        return next((row for row in self.rows if row.featured), None)


@dataclass(frozen=True, slots=True)
class GapShare:
    """How much of the way from the baseline to a method with extra sensors an RGB-only method goes.

    Args:
        reference: Name of the method with extra sensors.
        protocol: Name of the protocol.
        baseline, student, reference_score: Mean scores, fractions.
        share: (student - baseline) / (reference - baseline); None where the reference is not better than the baseline.
    """

    reference: str
    protocol: str
    baseline: float
    student: float
    reference_score: float
    share: float | None


@dataclass(frozen=True, slots=True)
class ClassGain:
    """Average precision of one class; None = undefined, because the class has no event in the test videos."""

    label: str
    baseline_ap: float | None
    student_ap: float | None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class ClassGains:
    """Per-class results of two methods under one protocol."""

    protocol: str
    baseline: str
    student: str
    classes: tuple[ClassGain, ...]


@dataclass(frozen=True, slots=True)
class AblationBar:
    """One setting of an ablation: mean score, 95 % interval of the paired difference put around the mean, seeds."""

    name: str
    mean: float | None
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Ablation:
    """Which term does what.

    Args:
        reference: Mean score of the setting that all others are compared with, drawn as a line.
        reference_name: Its name.
    """

    title: str
    protocol: str
    bars: tuple[AblationBar, ...]
    reference: float | None = None
    reference_name: str = "RGB"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCurves:
    """Scores over time.

    Args:
        classes: K names.
        times_s: (T,) seconds, increasing.
        values: (T, K) scores in [0, 1].
    """

    classes: tuple[str, ...]
    times_s: NDArray[np.floating]
    values: NDArray[np.floating]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.times_s), len(self.classes)):
            raise ValueError(
                f"curves of {len(self.times_s)} times and {len(self.classes)} classes have shape {self.values.shape}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """What one method finds in a video."""

    name: str
    detections: tuple[Detection, ...]
    curves: ScoreCurves | None = None
    extra_sensors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TimelineExample:
    """One video: frames, annotation and what the methods find.

    Args:
        frames: JPEG data URIs, evenly spaced over the video (`film_strip`); () for none.
        truth: Annotated events; None = not annotated.
        unknown: Stretches (start, end) in seconds whose truth nobody knows: nothing in them is right or wrong.
    """

    video_id: str
    duration_s: float
    frames: tuple[str, ...]
    truth: tuple[Event, ...] | None
    lanes: tuple[Lane, ...]
    note: str = ""
    unknown: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CurveLine:
    """One run's curve: `steps` and `values` of equal length; lines with one name share a color (seeds)."""

    name: str
    steps: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CurvePanel:
    """A small line chart, such as the loss over steps; `percent` shows fractions as percent."""

    title: str
    lines: tuple[CurveLine, ...]
    x_label: str = "step"
    percent: bool = False


@dataclass(frozen=True, slots=True)
class PlainTable:
    """Rows of text under headers, with a note above."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class FigureImage:
    """A drawn figure.

    Args:
        title: Heading above it.
        uri: `data:image/svg+xml;base64,...` or a PNG in the same form.
        caption: What it shows and how to read it.
    """

    title: str
    uri: str
    caption: str


@dataclass(frozen=True, slots=True, eq=False)
class ReportData:
    """Everything on the report page; sections without data are left out.

    Args:
        title: Name of the report.
        story: One paragraph: what was done, on what.
        facts: Videos, hours, classes, labelled share, hardware, total time, command, version, git commit, seeds.
        headline: The result in one sentence; None writes it from the comparison.
        more_tables: Further comparisons, each under its title, folded away below the first.
        plain_tables: Tables of text, each folded away under its title.
        figures: Drawn figures, one below the other.
        classes: All class names in their order, so that colors do not depend on the videos shown.
        timelines_of: What the videos of the timelines are, such as "Test videos".
    """

    title: str
    story: str
    facts: tuple[Fact, ...] = ()
    headline: str | None = None
    comparison: Comparison | None = None
    more_tables: tuple[tuple[str, Comparison], ...] = ()
    plain_tables: tuple[PlainTable, ...] = ()
    figures: tuple[FigureImage, ...] = ()
    gaps: tuple[GapShare, ...] = ()
    class_gains: ClassGains | None = None
    ablation: Ablation | None = None
    timelines: tuple[TimelineExample, ...] = ()
    curves: tuple[CurvePanel, ...] = ()
    costs: tuple[StageCost, ...] = ()
    notes: tuple[Note, ...] = ()
    classes: tuple[str, ...] = ()
    timelines_of: str = "Test videos"


@dataclass(frozen=True, slots=True, eq=False)
class DetectionPage:
    """What the page of one video shows.

    Args:
        name: Shown name of the video.
        duration_s: How long it lasts.
        frames: JPEG data URIs, evenly spaced over the video (`film_strip`); () for none.
        detections: Of this video.
        curves: The scores from which they were decoded.
        min_score: The lowest threshold that was applied; the page's score slider starts there.
        video_facts, model_facts: What is known about each.
        classes: The model's classes in their order.
        truth: Annotated events, if the video has any; None = not annotated.
    """

    name: str
    duration_s: float
    frames: tuple[str, ...]
    detections: tuple[Detection, ...]
    curves: ScoreCurves | None = None
    min_score: float = 0.0
    video_facts: tuple[Fact, ...] = ()
    model_facts: tuple[Fact, ...] = ()
    notes: tuple[Note, ...] = ()
    classes: tuple[str, ...] = ()
    truth: tuple[Event, ...] | None = None
