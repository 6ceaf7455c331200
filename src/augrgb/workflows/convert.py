"""Convert annotations from one format to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import requires_option, write_annotations
from augrgb.annotations.findings import Finding
from augrgb.annotations.formats import FORMATS
from augrgb.annotations.read import Source, read_and_judge
from augrgb.annotations.repair_log import write_repairs
from augrgb.annotations.videos.match_videos import VideoFolder, rates_for
from augrgb.annotations.videos.player_time import moved_by
from augrgb.core.errors import UsageFault, raise_together
from augrgb.core.opening import resolved
from augrgb.core.progress import Progress

_WITH_REGIONS = ("augrgb", "activitynet")


@dataclass(frozen=True)
class ConvertReport:
    """What was written, what was repaired or noted on the way, and where the repairs are logged."""

    source_format: str
    target_format: str
    annotations: AnnotationSet
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]
    repairs: Path | None


def writers() -> list[str]:
    """Names of the formats that can be written."""
    return [name for name, entry in FORMATS.items() if entry.write is not AnnotationFormat.write]


def convert(
    source: Source,
    target: Path,
    *,
    target_format: str | None = None,
    target_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> ConvertReport:
    """Read, repair and write annotations. The source is never changed.

    Args:
        target: File, or folder for formats with one file per video.
        target_format: Its format; None = by the ending of the name, where only one format has it.

    Raises:
        InputRefused, FaultList: What `data check` refuses.
        UsageFault: The target is the source, or its format is not clear or cannot be written.
    """
    name = target_format or _by_suffix(target)
    if resolved(target) == resolved(source.path) or resolved(source.path).is_relative_to(resolved(target)):
        raise UsageFault("E-CFG-018", target, "this would write over the source", "Name another file or folder.")
    judged = read_and_judge(source, progress)
    judged.refuse()
    written = judged.annotations
    if judged.videos is not None and name in FORMATS and FORMATS[name].zero == "player":
        written = moved_by(written, {i: info.first_frame_s for i, info in judged.videos.infos.items()})
    if judged.videos is not None and requires_option(name, "fps"):
        written = _with_rates(written, judged.videos, given="fps" in (target_options or {}))
    files = write_annotations(written, target, format_name=name, options=target_options)
    log = write_repairs(judged.findings, target)
    findings = list(judged.findings)
    regions = sum(len(video.ignored) for video in judged.annotations.videos.values())
    if regions and name not in _WITH_REGIONS:
        detail = f"{name} has none: {regions} are not written, and read as background there"
        findings.append(Finding("E-ANN-018", "ignored regions", "noted", str(target), detail))
    return ConvertReport(judged.format_name, name, judged.annotations, tuple(files), tuple(findings), log)


def _with_rates(annotations: AnnotationSet, folder: VideoFolder, *, given: bool) -> AnnotationSet:
    """The annotations with the measured frame rates of their videos, for a format that counts frames.

    Raises:
        InputRefused, FaultList: E-ANN-037, a video without a constant rate.
    """
    names = [i for i, video in annotations.videos.items() if video.fps is None and video.events is not None]
    if given or not names:
        return annotations
    rates, faults = rates_for(names, folder)
    raise_together(faults)
    videos = {i: replace(video, fps=rates.get(i, video.fps)) for i, video in annotations.videos.items()}
    return replace(annotations, videos=videos)


def _by_suffix(target: Path) -> str:
    found = [name for name in writers() if target.suffix.lower() in FORMATS[name].suffixes]
    if len(found) == 1:
        return found[0]
    problem = f"the ending {target.suffix!r} does not identify a format"
    raise UsageFault("E-CFG-020", target, problem, f"Name it (--to): {', '.join(found or writers())}.")
