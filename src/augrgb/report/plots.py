"""Geometry of the charts: where things stand in percent of the width, so that a template can draw them as crisp,
responsive SVG with real text. Templates escape every string; nothing here makes markup.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from augrgb.parallel.jobs import StageCost
from augrgb.report.data import AblationBar, ClassGain, Comparison, CurvePanel, MethodRow, Score, known
from augrgb.report.numbers import DASH, counted, duration, interval, memory, percent, points

_MAX_POINTS = 300  # per line: more than a chart has pixels to show


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Place of a value in percent of the axis, kept inside it."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 3)


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of a bar chart; places are in percent of the width, None = not drawn."""

    name: str
    kind: str
    value: str
    title: str
    start: float | None = None
    end: float | None = None
    low: float | None = None
    high: float | None = None
    dots: tuple[float, ...] = ()
    change: str = ""
    note: str = ""
    extra_sensors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BarChart:
    """Rows over one axis; `reference` is the place of a vertical line."""

    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    reference: float | None = None
    reference_label: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """SVG path data on a 1000 x 1000 field, y down."""

    name: str
    style: int
    path: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines with ticks: (percent from the left, label) and (percent from the top, label)."""

    title: str
    x_label: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    names: tuple[str, ...]


def axis_over(values: Iterable[float | None], *include: float, count: int = 5) -> Axis:
    """An axis over the finite values, and over `include`, that starts and ends at round numbers.

    >>> axis_over([0.31, 0.62], 0.0).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8)
    """
    finite = [value for value in [*values, *include] if value is not None and math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if high - low < 1e-9 * max(1.0, abs(high)):  # one value: room on both sides
        room = 0.5 * abs(high) if abs(high) > 1e-6 else 0.5
        low, high = low - room, high + room
    rough = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(place * step, 12) + 0.0 for place in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def method_chart(comparison: Comparison, protocol: int) -> BarChart:
    """The large chart: a bar from the baseline's mean to each method's, the paired 95 % interval, a dot per seed."""
    rows = [(row, row.scores[protocol]) for row in comparison.rows]
    base_row = comparison.baseline
    base_score = base_row.scores[protocol] if base_row else None
    base = base_score.mean if base_score and known(base_score.mean) else None
    axis = axis_over([base, *(value for _, score in rows if score for value in _extent(score))], count=6)
    marks = tuple(_method_mark(row, score, axis, base) for row, score in rows)
    label = f"{base_row.name} {percent(base)}" if base_row and base is not None else ""
    return BarChart(_percent_ticks(axis), marks, None if base is None else axis.at(base), label)


def delta_axis(comparison: Comparison) -> Axis:
    """One axis of differences for all cells of a comparison, with zero inside."""
    scores = [score for row in comparison.rows for score in row.scores if score]
    return axis_over([bound for score in scores for bound in (score.delta, score.delta_low, score.delta_high)], 0.0)


def delta_mark(row: MethodRow, score: Score | None, axis: Axis) -> Mark | None:
    """The small bar in a cell: difference to the baseline with its interval; None where there is none."""
    if score is None or score.delta is None or not known(score.delta):
        return None
    kind = "sensors" if row.extra_sensors else "gain" if score.delta >= 0 else "loss"
    bounds = interval(score.delta_low, score.delta_high)
    return Mark(
        name=row.name,
        kind=kind,
        value=points(score.delta),
        title=f"{points(score.delta)} {bounds}".rstrip(),
        start=axis.at(0.0),
        end=axis.at(score.delta),
        low=_place(axis, score.delta_low) if score.has_interval else None,
        high=_place(axis, score.delta_high) if score.has_interval else None,
        change=bounds,
    )


def class_chart(classes: Sequence[ClassGain]) -> BarChart:
    """Per class a bar from the baseline's AP to the student's, sorted by gain; undefined classes last."""
    axis = axis_over([value for gain in classes for value in (gain.baseline_ap, gain.student_ap)], 0.0)
    ordered = sorted(classes, key=lambda gain: (_gain(gain) is None, -(_gain(gain) or 0.0), gain.label))
    return BarChart(_percent_ticks(axis), tuple(_class_mark(gain, axis) for gain in ordered))


def ablation_chart(bars: Sequence[AblationBar], reference: float | None, reference_name: str) -> BarChart:
    """A bar per setting from the reference's mean, with its interval and a dot per seed."""
    bounds = [value for bar in bars for value in (bar.mean, bar.low, bar.high, *bar.values)]
    axis = axis_over([reference, *bounds])
    start = _place(axis, reference)
    label = f"{reference_name} {percent(reference)}" if start is not None else ""
    return BarChart(_percent_ticks(axis), tuple(_ablation_mark(bar, axis, reference) for bar in bars), start, label)


def cost_charts(costs: Sequence[StageCost]) -> tuple[BarChart, BarChart]:
    """Time and peak memory per stage, bars from zero."""
    names = [cost.stage for cost in costs]
    times = _cost_chart(names, [cost.wall_s for cost in costs], duration)
    return times, _cost_chart(names, [cost.peak_mib * 2**20 for cost in costs], memory)


def line_chart(panel: CurvePanel) -> LineChart:
    """Thin lines over steps; non-finite values leave a gap, long lines are thinned evenly."""
    x_axis = axis_over([step for line in panel.lines for step in line.steps], count=4)
    y_axis = axis_over([value for line in panel.lines for value in line.values], count=4)
    names = tuple(dict.fromkeys(line.name for line in panel.lines))
    lines = tuple(
        Line(line.name, names.index(line.name) % 6, _path(line.steps, line.values, x_axis, y_axis))
        for line in panel.lines
    )
    return LineChart(
        panel.title,
        panel.x_label,
        tuple((x_axis.at(tick), _number(tick)) for tick in x_axis.ticks),
        tuple((100 - y_axis.at(tick), _number(100 * tick if panel.percent else tick)) for tick in y_axis.ticks),
        lines,
        names,
    )


def _extent(score: Score) -> list[float | None]:
    spread = _whisker(score)
    return [score.mean, *score.values, *(spread or ())]


def _whisker(score: Score) -> tuple[float, float] | None:
    """The interval of the paired difference put around the mean: the same length, in absolute scores."""
    if score.mean is None or not known(score.mean) or not score.has_interval:
        return None
    delta, low, high = score.delta or 0.0, score.delta_low or 0.0, score.delta_high or 0.0
    return score.mean + low - delta, score.mean + high - delta


def _method_mark(row: MethodRow, score: Score | None, axis: Axis, base: float | None) -> Mark:
    kind = "sensors" if row.extra_sensors else "featured" if row.featured else "baseline" if row.baseline else "method"
    if score is None or score.mean is None or not known(score.mean):
        title = f"{row.name}: not measured"
        return Mark(row.name, kind, DASH, title, note=row.note, extra_sensors=row.extra_sensors)
    spread = _whisker(score) or (None, None)
    change = points(score.delta) if known(score.delta) else ""
    bounds = interval(score.delta_low, score.delta_high)
    return Mark(
        name=row.name,
        kind=kind,
        value=percent(score.mean),
        title=f"{row.name}: {percent(score.mean)} % {change} {bounds}".rstrip(),
        start=None if row.baseline else _place(axis, base),
        end=axis.at(score.mean),
        low=_place(axis, spread[0]),
        high=_place(axis, spread[1]),
        dots=tuple(axis.at(value) for value in score.values if known(value)),
        change=change,
        note=row.note,
        extra_sensors=row.extra_sensors,
    )


def _gain(gain: ClassGain) -> float | None:
    if gain.baseline_ap is None or gain.student_ap is None:
        return None
    difference = gain.student_ap - gain.baseline_ap
    return difference if known(difference) else None


def _class_mark(gain: ClassGain, axis: Axis) -> Mark:
    change = _gain(gain)
    note = "" if gain.events is None else counted(gain.events, "event")
    if change is None:
        title = f"{gain.label}: undefined, left out of the mean"
        return Mark(gain.label, "none", DASH, title, change="undefined", note=note)
    text = f"{percent(gain.baseline_ap)} → {percent(gain.student_ap)}"
    return Mark(
        name=gain.label,
        kind="gain" if change >= 0 else "loss",
        value=points(change),
        title=f"{gain.label}: AP {text} %",
        start=_place(axis, gain.baseline_ap),
        end=_place(axis, gain.student_ap),
        change=text,
        note=note,
    )


def _ablation_mark(bar: AblationBar, axis: Axis, reference: float | None) -> Mark:
    if bar.mean is None or not known(bar.mean):
        return Mark(bar.name, "method", DASH, f"{bar.name}: not measured")
    change = points(bar.mean - reference) if reference is not None and known(reference) else ""
    return Mark(
        name=bar.name,
        kind="method",
        value=percent(bar.mean),
        title=f"{bar.name}: {percent(bar.mean)} % {change}".rstrip(),
        start=_place(axis, reference),
        end=axis.at(bar.mean),
        low=_place(axis, bar.low),
        high=_place(axis, bar.high),
        dots=tuple(axis.at(value) for value in bar.values if known(value)),
        change=change,
    )


def _cost_chart(names: Sequence[str], values: Sequence[float | None], text: Callable[[float | None], str]) -> BarChart:
    axis = axis_over(values, 0.0)
    places = [(axis.at(0.0), _place(axis, value)) if known(value) else (None, None) for value in values]
    return BarChart(
        (),
        tuple(
            Mark(name, "plain", text(value), f"{name}: {text(value)}", start=start, end=end)
            for name, value, (start, end) in zip(names, values, places, strict=True)
        ),
    )


def _number(value: float) -> str:
    return f"{value:,.10g}".replace("-", "−")


def _place(axis: Axis, value: float | None) -> float | None:
    return axis.at(value) if value is not None and known(value) else None


def _percent_ticks(axis: Axis) -> tuple[tuple[float, str], ...]:
    return tuple((axis.at(tick), _number(100 * tick)) for tick in axis.ticks)


def _path(steps: Sequence[float], values: Sequence[float], x_axis: Axis, y_axis: Axis) -> str:
    chosen = range(0, len(steps), max(1, math.ceil(len(steps) / _MAX_POINTS)))
    parts: list[str] = []
    pen = "M"
    for place in chosen:
        if known(steps[place]) and known(values[place]):
            parts.append(f"{pen}{10 * x_axis.at(steps[place]):.0f} {1000 - 10 * y_axis.at(values[place]):.0f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)
