"""Read annotations of any format, rename classes, match videos and repair events: where `data` commands start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import detect_format, has_option, read_annotations, requires_option
from augrgb.annotations.class_map import read_class_map, rename_classes
from augrgb.annotations.findings import Finding
from augrgb.annotations.formats import FORMATS
from augrgb.annotations.repair import repair
from augrgb.annotations.splits import subset_of
from augrgb.annotations.videos.match_videos import (
    VideoFolder,
    look_at,
    one_id_per_video,
    rates_for,
    same_videos,
    video_findings,
    with_durations,
)
from augrgb.annotations.videos.player_time import Zero, in_frame_time
from augrgb.core.errors import AugrgbError, FaultList, UsageFault, raise_together
from augrgb.core.opening import resolved
from augrgb.core.progress import Progress
from augrgb.video.folder import find_videos, left_aside


@dataclass(frozen=True)
class Source:
    """Where annotations come from, and how to read them.

    Args:
        path: File or folder.
        format_name: Its format; None = detected from the content.
        options: Options of the format; and for all formats `zero`, what times count from: `player` (the start of the
            file, sound included) or `first-frame`.
        class_map: YAML or JSON file of `old: new` lines; `new` = null makes ignored regions.
        only: Take only the videos of this subset.
        videos: Folder of the videos: gives durations, proves frame rates.
        sensors: Folders of pose and sensor files: no `.npz` in them is a file that is left aside.
    """

    path: Path
    format_name: str | None = None
    options: Mapping[str, Any] | None = None
    class_map: Path | None = None
    only: str | None = None
    videos: Path | None = None
    sensors: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Judged:
    """Annotations with default repairs, every finding, and the videos that were probed."""

    format_name: str
    annotations: AnnotationSet
    findings: tuple[Finding, ...]
    videos: VideoFolder | None = None

    def refuse(self) -> None:
        """Raise every finding that stops an import."""
        raise_together([f.as_fault() for f in self.findings if f.action == "refused"])


def read_and_judge(source: Source, progress: Progress | None = None) -> Judged:
    """Read annotations and find every fault; videos, where given, have the last word on durations.

    Raises:
        AugrgbError: The file cannot be read, or an option is wrong.
    """
    name = source.format_name or detect_format(source.path, source.options)
    folder = look_at(find_videos(source.videos), progress) if source.videos is not None else None
    options = dict(source.options or {})
    zero = _zero(options.pop("zero", None), name)
    faults: list[AugrgbError] = []
    needs_rates = requires_option(name, "fps") and not FORMATS[name].tool_frames
    if folder is not None and needs_rates and "fps" not in options:
        options["fps"], faults = rates_for((), folder)
    try:
        annotations = read_annotations(source.path, format_name=name, options=options)
    except AugrgbError as fault:
        unrated = folder is not None and "rate" not in options and has_option(name, "rate")
        if not unrated or any(single.code != "E-ANN-007" for single in flat(fault)):
            raise FaultList([*faults, *flat(fault)]) if faults else fault from fault
        assert folder is not None
        options["rate"], faults = rates_for((), folder)  # only this table has frame numbers; others have seconds
        raise_together(faults)
        annotations = read_annotations(source.path, format_name=name, options=options)
    if source.class_map is not None:
        annotations = rename_classes(annotations, read_class_map(source.class_map))
    if source.only is not None:
        annotations = subset_of(annotations, source.only)
    annotations = one_id_per_video(annotations)
    found: list[Finding] = []
    if folder is not None:
        annotations = same_videos(annotations, folder)
        delays_s = {video_id: info.first_frame_s for video_id, info in folder.infos.items()}
        annotations = in_frame_time(annotations, delays_s, zero)
        found = video_findings(annotations, folder)
        annotations = with_durations(annotations, folder)
    if source.videos is not None:
        found.extend(_left_aside(source))
    repaired = repair(annotations)
    return Judged(name, repaired.annotations, (*repaired.findings, *found), folder)


def _zero(given: object, name: str) -> Zero:
    """What times count from: as the option says, else as the format has it."""
    if given is None:
        return FORMATS[name].zero if name in FORMATS else "unknown"
    if given == "player" or given == "first-frame":
        return given
    raise UsageFault("E-CFG-003", "--set zero", f"is {given!r}", "Expected player or first-frame.")


def _left_aside(source: Source) -> list[Finding]:
    """One note about the files in the folder of videos that are taken for none."""
    assert source.videos is not None
    own, sensors = resolved(source.path), {resolved(place) for place in source.sensors}
    files = [
        path
        for path in left_aside(source.videos)
        if not resolved(path).is_relative_to(own) and not (path.suffix == ".npz" and resolved(path.parent) in sensors)
    ]
    if not files:
        return []
    kinds = Counter(path.suffix.lower() or "without an ending" for path in files)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(8))
    detail = f"{listed}; the first is {files[0].relative_to(source.videos)}"
    return [Finding("E-VID-021", "files that are taken for no video", "noted", str(source.videos), detail)]


def flat(fault: AugrgbError) -> list[AugrgbError]:
    """The single faults of a fault."""
    return list(fault.faults) if isinstance(fault, FaultList) else [fault]
