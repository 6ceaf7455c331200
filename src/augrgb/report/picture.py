"""A picture of one timeline for a README: film strip over lanes, drawn with matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augrgb.core.files import write_bytes
from augrgb.report.data import TimelineExample
from augrgb.report.film_strip import frame_of
from augrgb.report.palette import CLASS_COLORS, PAPER
from augrgb.report.timeline_svg import Block, Timeline, example_timeline

_INK, _MUTED, _FAINT = "#1b212b", "#5c6674", "#f3f4f7"
_WIDTH_PX, _DPI = 1200, 150
_STRIP_PX, _AXIS_PX, _HEAD_PX, _LANE_PX, _LABELS_PX, _MARGIN_PX = 92, 30, 34, 20, 168, 22
_LEGEND_PX = 18
_LEGEND = (("agrees with the annotation", "solid"), ("false alarm", "alarm"), ("missed", "missed"))


def write_picture(path: Path, example: TimelineExample, classes: Sequence[str] = (), width_px: int = _WIDTH_PX) -> None:
    """Write one timeline as a PNG of `width_px`; its height follows from the number of lanes.

    Args:
        classes: All class names in their order, so that colors equal those of the report.

    Raises:
        InputRefused: A duration, time or frame that cannot be drawn.
        EnvironmentFault: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # heavy, and only pictures need it
    from matplotlib.figure import Figure

    timeline = example_timeline(example, classes)
    lanes = sum(len(block.lanes) * _LANE_PX + _HEAD_PX for block in timeline.blocks)
    height_px = 2 * _MARGIN_PX + (_STRIP_PX if timeline.frames else 0) + _AXIS_PX + lanes
    height_px += _LEGEND_PX if timeline.judged else 0
    figure = Figure(figsize=(width_px / _DPI, height_px / _DPI), dpi=_DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width_px)
    axes.set_ylim(height_px, 0)
    axes.axis("off")
    _draw(axes, timeline, width_px)
    coded = io.BytesIO()
    figure.savefig(coded, format="png", dpi=_DPI, metadata={"Software": None})
    write_bytes(Path(path), coded.getvalue())


def _draw(axes: Any, timeline: Timeline, width_px: int) -> None:
    left, width = _MARGIN_PX + _LABELS_PX, width_px - 2 * _MARGIN_PX - _LABELS_PX
    y = float(_MARGIN_PX)
    if timeline.frames:
        _draw_strip(axes, timeline.frames, left, y, width)
        y += _STRIP_PX
    for place, label in timeline.ticks:
        align = "left" if place < 1 else "right" if place > 98 else "center"
        _write(axes, left + width * place / 100, y + 13, label, 6.5, _MUTED, align)
    y += _AXIS_PX
    for block in timeline.blocks:
        y = _draw_block(axes, block, timeline, left, y, width)
    if timeline.judged:
        _draw_legend(axes, left, y + 10)


def _draw_strip(axes: Any, frames: Sequence[str], left: float, top: float, width: float) -> None:
    each = width / len(frames)
    for place, uri in enumerate(frames):
        frame = frame_of(uri)
        shown = min(
            frame.shape[1], max(1, round(frame.shape[0] * each / _STRIP_PX))
        )  # cut to the tile, keep the middle
        start = (frame.shape[1] - shown) // 2
        extent = (left + place * each, left + (place + 1) * each, top + _STRIP_PX, top)
        axes.imshow(frame[:, start : start + shown], extent=extent, aspect="auto", interpolation="lanczos")


def _draw_block(axes: Any, block: Block, timeline: Timeline, left: float, y: float, width: float) -> float:
    _write(axes, _MARGIN_PX, y + 20, _short(block.name, 16), 7.8, _INK, "left", bold=True)
    sensors = f" · needs {' + '.join(block.extra_sensors)}" if block.extra_sensors else ""
    _write(axes, left, y + 20, block.summary + sensors, 6.5, _MUTED, "left")
    y += _HEAD_PX
    for lane in block.lanes:
        color = CLASS_COLORS[lane.color]
        _box(axes, left, y + 1, width, _LANE_PX - 2, color=_FAINT, linewidth=0)
        _write(axes, left - 10, y + _LANE_PX / 2, _short(lane.label, 24), 6.5, _MUTED, "right")
        for x, w in lane.missed:
            _mark(axes, left + width * x / 100, y + 3, width * w / 100, color, "missed")
        for bar in lane.bars:
            _mark(axes, left + width * bar.x / 100, y + 3, width * bar.width / 100, color, "solid")
            for x, w in bar.alarms:
                _mark(axes, left + width * x / 100, y + 3, width * w / 100, color, "alarm")
        y += _LANE_PX
    for place, _ in timeline.ticks:
        x, top = left + width * place / 100, y - _LANE_PX * len(block.lanes)
        axes.plot([x, x], [top, y], color=_MUTED, linewidth=0.4, alpha=0.3, zorder=0.9)
    return y


def _draw_legend(axes: Any, left: float, y: float) -> None:
    for text, kind in _LEGEND:
        _mark(axes, left, y, 34, _MUTED, kind)
        _write(axes, left + 42, y + (_LANE_PX - 6) / 2, text, 6.5, _MUTED, "left")
        left += 42 + 8.0 * len(text) + 26


def _mark(axes: Any, x: float, y: float, width: float, color: str, kind: str) -> None:
    height = _LANE_PX - 6
    if kind == "missed":
        style = {"fill": False, "edgecolor": color, "linewidth": 0.8, "linestyle": (0, (3, 2))}
        _box(axes, x, y + 1, width, height - 2, **style)
        return
    _box(axes, x, y, width, height, color=color, linewidth=0)
    if kind == "alarm":
        _box(axes, x, y, width, height, facecolor="none", edgecolor=PAPER, linewidth=0, hatch="/////////")


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _box(axes: Any, x: float, y: float, width: float, height: float, **style: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, **style))


def _write(axes: Any, x: float, y: float, text: str, size: float, color: str, align: str, bold: bool = False) -> None:
    weight = "bold" if bold else "normal"
    axes.text(x, y, text, size=size, color=color, ha=align, va="center", weight=weight, parse_math=False, clip_on=True)
