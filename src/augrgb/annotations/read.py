"""Annotations of any format, read, renamed, matched with videos and judged: what `data` commands start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from augrgb.annotations.annotation_format import AnnotationSet, Finding
from augrgb.annotations.choose_format import detect_format, must_be_told, read_annotations
from augrgb.annotations.match_videos import VideoFolder, look_at, rates_for, same_videos, video_findings, with_durations
from augrgb.annotations.repair import Repaired, rename_classes, repair
from augrgb.annotations.splits import subset_of
from augrgb.core.errors import AugrgbError, FaultList, InputRefused, UsageFault, raise_together
from augrgb.core.files import write_text
from augrgb.core.progress import Progress
from augrgb.video.folder import find_videos


@dataclass(frozen=True)
class Source:
    """Where annotations come from, and how they are to be read.

    Args:
        path: File or folder.
        format_name: Its format; None = look at it.
        options: Options of the format.
        class_map: YAML, JSON or two-column mapping file `old: new`; new = null makes ignored regions.
        subset: Only this subset of the videos.
        videos: Folder of the videos: gives durations, proves frame rates.
    """

    path: Path
    format_name: str | None = None
    options: Mapping[str, Any] | None = None
    class_map: Path | None = None
    subset: str | None = None
    videos: Path | None = None


@dataclass(frozen=True)
class Judged:
    """Annotations with default repairs, every finding, and the videos that were looked at."""

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
    name = source.format_name or detect_format(source.path)
    folder = look_at(find_videos(source.videos), progress) if source.videos is not None else None
    options = dict(source.options or {})
    faults: list[AugrgbError] = []
    if folder is not None and must_be_told(name, "fps") and "fps" not in options:
        options["fps"], faults = rates_for((), folder)
    try:
        annotations = read_annotations(source.path, format_name=name, options=options)
    except AugrgbError as fault:
        raise FaultList([*faults, *flat(fault)]) if faults else fault from fault
    if source.class_map is not None:
        annotations = rename_classes(annotations, read_class_map(source.class_map))
    if source.subset is not None:
        annotations = subset_of(annotations, source.subset)
    found: list[Finding] = []
    if folder is not None:
        annotations = same_videos(annotations, folder)
        found = video_findings(annotations, folder)
        annotations = with_durations(annotations, folder)
    repaired: Repaired = repair(annotations)
    return Judged(name, repaired.annotations, (*repaired.findings, *found), folder)


def read_class_map(path: Path) -> dict[str, str | None]:
    """A file of `old: new` lines (YAML or JSON).

    Raises:
        UsageFault: E-CFG-024: not YAML; E-CFG-025: not a mapping of names.
        InputRefused: E-FILE-001: no such file.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputRefused("E-FILE-001", path, "no such map file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageFault("E-CFG-024", path, f"not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict) or not all(isinstance(new, str | int | None) for new in values.values()):
        raise UsageFault("E-CFG-025", path, "expected lines `old name: new name`")
    return {str(old): None if new is None else str(new) for old, new in values.items()}


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """`["fps=25", "tiers=[a, b]"]` as options; values are YAML.

    Raises:
        UsageFault: E-CFG-004: not `key=value`.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key.strip():
            raise UsageFault("E-CFG-004", pair, "expected KEY=VALUE, such as fps=25")
        try:
            options[key.strip()] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageFault("E-CFG-004", pair, "the value is not valid YAML") from error
    return options


def write_repairs(findings: tuple[Finding, ...], output: Path) -> Path | None:
    """Write the log of repairs beside an output: one JSON object per changed event; None when nothing was changed.

    `OUTPUT/repairs.jsonl` for a folder, `<name>.repairs.jsonl` beside a file. A log of an earlier run is replaced.
    """
    path = output / "repairs.jsonl" if output.is_dir() else output.with_name(f"{output.stem}.repairs.jsonl")
    rows = [
        {"code": f.code, "action": f.action, "kind": f.kind, "video": f.where, "detail": f.detail}
        for f in findings
        if f.action in ("dropped", "clipped")
    ]
    if not rows:
        path.unlink(missing_ok=True)
        return None
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows))
    return path


def flat(fault: AugrgbError) -> list[AugrgbError]:
    """The single faults of a fault."""
    return list(fault.faults) if isinstance(fault, FaultList) else [fault]
