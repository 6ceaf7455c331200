"""The page of one video with its detections, made from the detector's result and a film strip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from augrgb.inference.video_detections import VideoDetections
from augrgb.report.data import DetectionPage, Fact, Note, ScoreCurves
from augrgb.report.numbers import counted, duration
from augrgb.report.render import write_page
from augrgb.report.timeline_svg import detected_timeline

if TYPE_CHECKING:  # torch, which writing a page does not need
    from augrgb.inference.bundle import Bundle
    from augrgb.inference.export.folder import ExportedModel


def detection_page(
    found: VideoDetections,
    frames: Sequence[str] = (),
    *,
    bundle: Bundle | ExportedModel | None = None,
) -> DetectionPage:
    """What the page shows of a result.

    Args:
        found: The result; its smoothed scores are drawn, for the detections were decoded from these.
        frames: See `DetectionPage`.
        bundle: The model, to describe it.
    """
    return DetectionPage(
        name=found.name,
        duration_s=found.duration_s,
        frames=tuple(frames),
        detections=found.detections,
        curves=ScoreCurves(found.classes, found.times_s, found.scores),
        min_score=min(found.min_scores, default=0.0),
        video_facts=_video_facts(found),
        model_facts=tuple(Fact(*fact) for fact in bundle.facts()) if bundle is not None else (),
        notes=tuple(Note("Read with care", text) for text in found.warnings),
        classes=found.classes,
    )


def write_detection_page(path: Path, page: DetectionPage) -> None:
    """Write the page: film strip, lanes that zoom, a table that sorts.

    Raises:
        InputRefused: A duration, time or frame that cannot be drawn.
        EnvironmentFault: The file cannot be written.
    """
    found = sorted(page.detections, key=lambda one: (one.start_s, one.label))
    labels = {one.label for one in found}
    classes = counted(len(labels), "class") if len(labels) == 1 else f"{len(labels)} classes"
    sentence = f"{counted(len(found), 'detection')} of {classes} in {duration(page.duration_s)} of video."
    values = {"title": page.name, "data": page, "timeline": detected_timeline(page), "detections": found}
    write_page(path, "detected.html.jinja", values | {"sentence": sentence})


def _video_facts(found: VideoDetections) -> tuple[Fact, ...]:
    info, facts = found.info, []
    if info is not None:
        facts += [Fact("file", info.path.name)]
        facts += [Fact("frames", f"{info.width} x {info.height}, {info.fps:.2f} frames/s")]
    facts += [
        Fact("duration", f"{found.duration_s:.1f} s"),
        Fact("snippets", f"{len(found.scores)}, one every {found.clock.stride_s:.2f} s"),
    ]
    return tuple(facts)
